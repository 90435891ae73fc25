//! `nsbridge acme`: TXT values of ACME challenges.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::direct;
use super::handover::{self, COMMAND_LINE};
use super::input;
use super::message::{Abort, Message, Severity};
use super::output::Output;
use super::report;
use super::status::Status;
use super::store::{Stored, with_state};
use super::trust::By;
use crate::deliver::{
    Failure, NameServer, Propagation, ServerView, challenge_intent, challenge_owner,
};
use crate::diagnostic::{case, command};
use crate::model::{Intent, Name, Presence, RecordIntent, RecordType};
use crate::queue::Access;

/// Longest value, in octets: what fits one string of a TXT record. That of dns-01 has 43.
const VALUE_OCTETS_MAX: usize = 255;
/// The longest wait of `--wait`, in seconds: longer than a NOTIFY and a transfer take, shorter than certificate
/// authorities wait.
const WAIT_SECONDS: u32 = 120;
/// The pause between two rounds of queries.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// Changes of a value.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds the TXT record of a challenge. Other values of the name stay: a domain and its wildcard are validated under one name.
    Add(Arguments),
    /// Removes the TXT record of a challenge, and no other value.
    Delete(Arguments),
}

/// A value, and the wait for its propagation.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// Wait until each name server of the zone has the value, or after a deletion no longer has it.
    #[arg(long)]
    wait: bool,
    /// Wait for this server, with or without a port, in place of the zone's name servers. May be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = read_server)]
    wait_on: Vec<SocketAddr>,
    /// The most seconds to wait.
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT_SECONDS)]
    timeout: u32,
    /// Take NAME as the owner name of the TXT record, without `_acme-challenge` in front.
    #[arg(long)]
    exact: bool,
    #[command(flatten)]
    by: By,
    #[command(flatten)]
    server: direct::Arguments,
    /// The domain that is validated, with or without `_acme-challenge` in front.
    #[arg(value_parser = input::name)]
    name: Name,
    /// The value. If it begins with `-`, put `--` in front of NAME.
    #[arg(value_parser = read_value, allow_hyphen_values = true)]
    value: String,
}

fn read_value(text: &str) -> Result<String, String> {
    let is_printable = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    if is_printable && (1..=VALUE_OCTETS_MAX).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "1 to {VALUE_OCTETS_MAX} characters of ASCII are expected"
        ))
    }
}

fn read_server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse().ok();
    let found = with_port.or_else(|| Some(SocketAddr::new(text.parse().ok()?, direct::PORT)));
    found
        .ok_or_else(|| "an address is expected, such as `192.0.2.1` or `[2001:db8::1]:5353`".into())
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let (arguments, presence) = match command {
        Command::Add(arguments) => (arguments, Presence::Present),
        Command::Delete(arguments) => (arguments, Presence::Absent),
    };
    let setup = arguments.server.setup(config, Vec::new())?;
    let owner = if arguments.exact {
        arguments.name.clone()
    } else {
        challenge_owner(&arguments.name).map_err(|error| {
            let name = &arguments.name;
            let invalid = case!(command::CHALLENGE_NAME_INVALID, name, source = error);
            let message = Message::of(&invalid).and_nothing_attempted();
            Abort::new(Status::BadInput, message)
        })?
    };
    let value = arguments.value.as_bytes();
    let trust = arguments.by.trust();
    let challenge = challenge_intent(owner.to_lowercase(), value, presence, trust);
    let intent = Intent::Record(challenge.clone());
    let commands = [handover::command(COMMAND_LINE, intent)];
    let status = handover::hand_over(&commands, &setup, output);
    let waits = arguments.wait || !arguments.wait_on.is_empty();
    if !waits || status != Status::Done {
        return Ok(status);
    }
    let wait = async |stored: Stored<'_>, output: &mut Output| {
        let engine = setup.engine(stored.state);
        let located = engine.locate_record(&challenge, setup.deadline).await;
        let subject = challenge.owner.to_string();
        let (primary, location) = report::routed(&subject, located, output)?;
        let wait = Wait {
            challenge: &challenge,
            propagation: Propagation {
                owner: &location.owner,
                zone: &location.zone,
                value: &challenge.rdata.content(RecordType::TXT),
                primary: &primary,
                clock: setup.policy.clock,
                deadline: Instant::now() + Duration::from_secs(arguments.timeout.into()),
            },
        };
        Ok(wait.run(arguments, output).await)
    };
    Ok(with_state(&setup, Access::ReadOnly, output, wait))
}

/// The wait until all name servers show the value, or no longer show it.
struct Wait<'a> {
    challenge: &'a RecordIntent,
    propagation: Propagation<'a>,
}

impl Wait<'_> {
    async fn run(&self, arguments: &Arguments, output: &mut Output) -> Status {
        let subject = self.challenge.owner.to_string();
        loop {
            let servers = match self.servers(&arguments.wait_on).await {
                Ok(servers) => servers,
                Err(failure) => {
                    let primary = Some(self.propagation.primary);
                    return report::fail(&subject, primary, &failure, output);
                }
            };
            let missing = self.missing(&servers).await;
            if missing.is_empty() {
                let names: Vec<&str> = servers.iter().map(|it| it.name.as_str()).collect();
                let seen = match self.challenge.presence {
                    Presence::Present => "seen by",
                    Presence::Absent => "no longer seen by",
                };
                let line = format!("{subject}: {seen} {}", names.join(", "));
                let result = seen.replace(' ', "-");
                let entry = json!({ "subject": subject, "result": result, "servers": names });
                output.result(&line, entry);
                return Status::Done;
            }
            if Instant::now() + ROUND_PAUSE >= self.propagation.deadline {
                let (seconds, missing) = (arguments.timeout, missing.join("; "));
                let unseen = case!(command::CHALLENGE_NOT_SEEN, seconds, missing);
                return report::fail(&subject, None, &unseen, output);
            }
            let text = format!("{subject}: waiting: {}", missing.join("; "));
            output.message(&Message::new(Severity::Note, text));
            sleep(ROUND_PAUSE).await;
        }
    }

    /// Returns the servers of the command line, or those of the zone.
    async fn servers(&self, given: &[SocketAddr]) -> Result<Vec<NameServer>, Failure> {
        if given.is_empty() {
            return self.propagation.name_servers().await;
        }
        let servers = given.iter().map(|address| NameServer {
            name: address.to_string(),
            addresses: vec![*address],
        });
        Ok(servers.collect())
    }

    /// Returns the name servers that do not show the desired state, each with the reason. Asks all at once.
    async fn missing(&self, servers: &[NameServer]) -> Vec<String> {
        if servers.is_empty() {
            let zone = self.propagation.zone;
            return vec![format!(
                "the zone {zone} has no name servers that could be asked"
            )];
        }
        let missing = servers.iter().map(async |server| {
            let reason = self.wrong_with(server).await?;
            Some(format!("{}: {reason}", server.name))
        });
        join_all(missing).await.into_iter().flatten().collect()
    }

    /// Returns why a name server does not show the desired state at each of its addresses.
    async fn wrong_with(&self, server: &NameServer) -> Option<String> {
        let views = server.addresses.iter().map(async |address| {
            let view = self.propagation.view_of(*address).await;
            (address, view)
        });
        let mut is_right = false;
        for (address, view) in join_all(views).await {
            match (&view, self.challenge.presence) {
                (ServerView::Has, Presence::Present) | (ServerView::Lacks, Presence::Absent) => {
                    is_right = true;
                }
                // The server may have another address that can be reached.
                (ServerView::NoWay, _) => {}
                // The failure names the address.
                (ServerView::Silent(failure), _) => return Some(failure.to_string()),
                _ => return Some(format!("{address} {view}")),
            }
        }
        (!is_right).then(|| "no address of it can be reached".into())
    }
}
