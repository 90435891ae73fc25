//! `nsbridge acme`: TXT values of ACME challenges.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::configuration::Setup;
use super::direct;
use super::output::{Message, Output, Severity};
use super::report;
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::{
    self, Challenge, Failure, NameServer, Placed, Primary, Reached, Testimony, challenge_owner,
};
use crate::model::{Name, Presence};

/// Longest value, in octets: what fits one string of a TXT record. That of dns-01 has 43.
const VALUE_OCTETS_MAX: usize = 255;
/// How long --wait waits, in seconds: longer than a NOTIFY and a transfer take, shorter than certificate
/// authorities have patience.
const WAIT_SECONDS: u32 = 120;
/// The pause between two rounds of questions.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// What is to be done with a value.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds a value. Others of the same name stay: a domain and its wildcard are validated under one name.
    Add(Arguments),
    /// Removes a value, and no other one.
    Delete(Arguments),
}

/// A value and how it is waited for.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// Wait until every name server of the zone has it, or does not have it any more.
    #[arg(long)]
    wait: bool,
    /// Wait for this server, with or without a port, in place of the zone's name servers; several times for
    /// several.
    #[arg(long, value_name = "ADDRESS", value_parser = read_server)]
    wait_on: Vec<SocketAddr>,
    /// How many seconds to wait at most.
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT_SECONDS)]
    timeout: u32,
    /// NAME is that of the TXT record, whatever it is called: put nothing in front of it.
    #[arg(long)]
    exact: bool,
    #[command(flatten)]
    server: direct::Arguments,
    /// The domain that is validated, with or without `_acme-challenge` in front.
    name: Name,
    /// The value; one that begins with `-` is best given behind `--`.
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
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Status {
    let (arguments, presence) = match command {
        Command::Add(arguments) => (arguments, Presence::Present),
        Command::Delete(arguments) => (arguments, Presence::Gone),
    };
    let setup = match arguments.server.setup(config, Vec::new()) {
        Ok(setup) => setup,
        Err(message) => {
            output.message(message);
            return Status::BadConfiguration;
        }
    };
    let owner = if arguments.exact {
        Ok(arguments.name.clone())
    } else {
        challenge_owner(&arguments.name)
    };
    let owner = match owner {
        Ok(owner) => owner.to_lowercase(),
        Err(error) => {
            let cause = format!("`{}`: {error}", arguments.name);
            output.message(Message::nothing_attempted(&cause, None));
            return Status::BadInput;
        }
    };
    let challenge = Challenge {
        owner,
        value: arguments.value.clone().into_bytes(),
        presence,
    };
    block_on(carry_out(&challenge, arguments, &setup, output))
        .unwrap_or_else(|error| output.internal_error(&error))
}

async fn carry_out(
    challenge: &Challenge,
    arguments: &Arguments,
    setup: &Setup,
    output: &mut Output,
) -> Status {
    let deadline = Instant::now() + setup.deadline;
    let mut at = challenge.owner.clone();
    let (placed, primary) = match place(challenge, &mut at, setup, deadline).await {
        Ok(placed) => placed,
        Err(failure) => {
            let (subject, primary) = (challenge.owner.to_string(), setup.routes.primary_of(&at));
            let mut entry = json!({ "subject": subject, "owner": at.to_string() });
            if let Some(primary) = primary {
                entry["primary"] = primary.name.clone().into();
                entry["address"] = primary.endpoint.to_string().into();
            }
            return report::fail(&subject, primary, &failure, entry, output);
        }
    };
    let (line, entry) = describe(challenge, &placed, primary);
    output.result(&line, entry);
    if !arguments.wait && arguments.wait_on.is_empty() {
        return Status::Done;
    }
    let seconds = arguments.timeout;
    let wait = Wait {
        challenge,
        placed: &placed,
        primary,
        setup,
        deadline: Instant::now() + Duration::from_secs(seconds.into()),
    };
    wait.run(arguments, output).await
}

/// Follows aliases, which may lead to other primaries, and places the value.
async fn place<'s>(
    challenge: &Challenge,
    at: &mut Name,
    setup: &'s Setup,
    deadline: Instant,
) -> Result<(Placed, &'s Primary), Failure> {
    let mut steps = 0;
    loop {
        let primary = setup.routes.primary_of(at).ok_or(Failure::NoRoute)?;
        let settings = &setup.settings;
        match deliver::place_challenge(challenge, at, primary, settings, deadline).await? {
            Reached::Placed(placed) => return Ok((placed, primary)),
            Reached::Alias(target) => *at = challenge.follow(steps, target)?,
        }
        steps += 1;
    }
}

fn describe(challenge: &Challenge, placed: &Placed, primary: &Primary) -> (String, Value) {
    let (result, text) = match (challenge.presence, placed.is_changed) {
        (Presence::Present, true) => ("added", "added"),
        (Presence::Present, false) => ("unchanged", "unchanged, there already"),
        (Presence::Gone, true) => ("removed", "removed"),
        (Presence::Gone, false) => ("already-gone", "already gone"),
    };
    let Placed { owner, zone, .. } = placed;
    let alias = if *owner == challenge.owner {
        String::new()
    } else {
        format!(" at {owner}")
    };
    let subject = &challenge.owner;
    let line = format!(
        "{subject}: {text}{alias} in {zone} on {} ({})",
        primary.name, primary.endpoint
    );
    let entry = json!({
        "subject": subject.to_string(), "result": result, "owner": owner.to_string(),
        "zone": zone.to_string(), "primary": primary.name, "address": primary.endpoint.to_string(),
    });
    (line, entry)
}

/// The wait until all name servers show the value, or show it no more.
struct Wait<'a> {
    challenge: &'a Challenge,
    placed: &'a Placed,
    primary: &'a Primary,
    setup: &'a Setup,
    deadline: Instant,
}

impl Wait<'_> {
    async fn run(&self, arguments: &Arguments, output: &mut Output) -> Status {
        let subject = self.challenge.owner.to_string();
        loop {
            let servers = match self.servers(&arguments.wait_on).await {
                Ok(servers) => servers,
                Err(failure) => {
                    let entry = json!({ "subject": subject });
                    return report::fail(&subject, Some(self.primary), &failure, entry, output);
                }
            };
            let missing = self.missing(&servers).await;
            if missing.is_empty() {
                let names: Vec<&String> = servers.iter().map(|server| &server.name).collect();
                let seen = if self.challenge.presence == Presence::Present {
                    "seen by"
                } else {
                    "no longer seen by"
                };
                let shown: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                let line = format!("{subject}: {seen} {}", shown.join(", "));
                let result = seen.replace(' ', "-");
                output.result(
                    &line,
                    json!({ "subject": subject, "result": result, "servers": names }),
                );
                return Status::Done;
            }
            if Instant::now() + ROUND_PAUSE >= self.deadline {
                return self.give_up(&missing, arguments.timeout, output);
            }
            let text = format!("{subject}: waiting: {}", missing.join("; "));
            output.message(Message::new(Severity::Note, text));
            sleep(ROUND_PAUSE).await;
        }
    }

    /// Those that were named, or the zone's own.
    async fn servers(&self, named: &[SocketAddr]) -> Result<Vec<NameServer>, Failure> {
        if named.is_empty() {
            let (zone, clock) = (&self.placed.zone, self.setup.settings.clock);
            return deliver::name_servers(zone, self.primary, clock, self.deadline).await;
        }
        let servers = named.iter().map(|address| NameServer {
            name: address.to_string(),
            addresses: vec![*address],
        });
        Ok(servers.collect())
    }

    /// The name servers that do not show what they shall, each with the reason. All are asked at once.
    async fn missing(&self, servers: &[NameServer]) -> Vec<String> {
        if servers.is_empty() {
            let zone = &self.placed.zone;
            return vec![format!(
                "the zone {zone} has no name servers that could be asked"
            )];
        }
        let wrong = join_all(servers.iter().map(|server| self.wrong_with(server))).await;
        let named = servers.iter().zip(wrong);
        let missing = named.filter_map(|(server, why)| Some(format!("{}: {}", server.name, why?)));
        missing.collect()
    }

    /// Why a name server does not show what it shall at each of its addresses.
    async fn wrong_with(&self, server: &NameServer) -> Option<String> {
        let addresses = server.addresses.iter();
        let testimonies = join_all(addresses.clone().map(|address| self.ask(*address))).await;
        let mut is_right = false;
        for (address, testimony) in addresses.zip(testimonies) {
            match (&testimony, self.challenge.presence) {
                (Testimony::Has, Presence::Present) | (Testimony::Lacks, Presence::Gone) => {
                    is_right = true;
                }
                // Another address of it may be reachable.
                (Testimony::NoWay, _) => {}
                // It says itself which address is meant.
                (Testimony::Silent(failure), _) => return Some(failure.to_string()),
                _ => return Some(format!("{address} {testimony}")),
            }
        }
        (!is_right).then(|| "no address of it can be reached".into())
    }

    async fn ask(&self, address: SocketAddr) -> Testimony {
        let (owner, value) = (&self.placed.owner, self.challenge.value.as_slice());
        let clock = self.setup.settings.clock;
        deliver::testimony(address, (owner, value), self.primary, clock, self.deadline).await
    }

    fn give_up(&self, missing: &[String], seconds: u32, output: &mut Output) -> Status {
        let subject = self.challenge.owner.to_string();
        let cause = format!(
            "not seen by all name servers after {seconds} s: {}",
            missing.join("; ")
        );
        let hint =
            "it is done on the primary; does the primary notify them, and do they answer over TCP?";
        let entry = json!({
            "subject": subject, "result": "failed", "kind": "later", "cause": cause, "hint": hint,
        });
        output.entry(entry);
        let text = format!("{subject}: {cause}");
        output.message(Message::error(text, Some(hint.into())));
        Status::Later
    }
}
