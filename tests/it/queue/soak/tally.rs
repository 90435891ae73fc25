//! How many of each fault were tried, and how much was compared.

use std::fmt::{self, Display, Formatter};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Calls,
    CallsKilled,
    CallsWithFault,
    CallsRefused,
    CallsBroken,
    WorkersKilled,
    WorkersWithFault,
    RetriesKilled,
    AdoptionsKilled,
    Adoptions,
    ServersStopped,
    ServersKilled,
    AnswersSpoiled,
    RequestsSpoiled,
    CommandsLost,
    BitsFlipped,
    DamageNamed,
    CallsCompared,
    ZonesCompared,
    OwnersCompared,
}

/// Each of them with its words in the last line.
const ALL: [(What, &str); 20] = [
    (What::Calls, "calls"),
    (What::CallsKilled, "calls killed"),
    (What::CallsWithFault, "calls with a failing system call"),
    (What::CallsRefused, "calls with a refused record named"),
    (What::CallsBroken, "connections to a broken server"),
    (What::WorkersKilled, "workers killed"),
    (What::WorkersWithFault, "workers with a failing system call"),
    (What::RetriesKilled, "retries killed"),
    (What::AdoptionsKilled, "adoptions killed"),
    (What::Adoptions, "zones adopted from the other instance"),
    (What::ServersStopped, "servers stopped"),
    (What::ServersKilled, "servers killed"),
    (What::AnswersSpoiled, "answers spoiled"),
    (What::RequestsSpoiled, "requests spoiled"),
    (
        What::CommandsLost,
        "answers of the control channel or the API lost",
    ),
    (What::BitsFlipped, "bits of queue files flipped"),
    (What::DamageNamed, "times damage was named"),
    (What::CallsCompared, "calls compared"),
    (What::ZonesCompared, "zones compared"),
    (What::OwnersCompared, "owners compared"),
];

/// The numbers.
#[derive(Debug, Default)]
pub(super) struct Tally([u64; ALL.len()]);

impl Tally {
    pub(super) fn count(&mut self, what: What) {
        self.add(what, 1);
    }

    pub(super) fn add(&mut self, what: What, number: u64) {
        self.0[what as usize] += number;
    }

    pub(super) fn of(&self, what: What) -> u64 {
        self.0[what as usize]
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (what, words) in ALL {
            write!(f, "{separator}{} {words}", self.of(what))?;
            separator = ", ";
        }
        Ok(())
    }
}
