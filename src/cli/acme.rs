//! `nsbridge acme`: TXT values of ACME challenges.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::configuration::Setup;
use super::direct;
use super::handover;
use super::output::{Message, Output, Severity};
use super::report;
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::{
    self, Failure, NameServer, Primary, ServerView, Stands, challenge_intent, challenge_owner,
};
use crate::model::{Intent, Name, Presence, RecordIntent, RecordType, ZoneName};
use crate::payload::Verb;

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
        Err(message) => return output.bad_configuration(message),
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
            let hint = "with `--exact` nothing is put in front of the name";
            output.message(Message::nothing_attempted(&cause, Some(hint.into())));
            return Status::BadInput;
        }
    };
    let value = arguments.value.as_bytes();
    let challenge = challenge_intent(owner, value, presence);
    let commands = [handover::given(
        Verb::Update,
        Intent::Record(challenge.clone()),
    )];
    let deadline = Instant::now() + setup.deadline;
    let status = handover::hand_over(&commands, &setup, deadline, output);
    let waits = arguments.wait || !arguments.wait_on.is_empty();
    if !waits || status != Status::Done {
        return status;
    }
    block_on(wait(&challenge, arguments, &setup, output))
        .unwrap_or_else(|error| output.internal_error(&error))
}

/// Waits until all name servers know of it.
async fn wait(
    challenge: &RecordIntent,
    arguments: &Arguments,
    setup: &Setup,
    output: &mut Output,
) -> Status {
    let deadline = Instant::now() + setup.deadline;
    let (owner, zone, primary) = match find(challenge, setup, deadline).await {
        Ok(found) => found,
        Err(failure) => {
            let subject = challenge.owner.to_string();
            let primary = setup.routes.primary_of(&challenge.owner);
            let entry = json!({ "subject": subject });
            return report::fail(&subject, primary, &failure, entry, output);
        }
    };
    let wait = Wait {
        challenge,
        owner: &owner,
        zone: &zone,
        primary,
        setup,
        deadline: Instant::now() + Duration::from_secs(arguments.timeout.into()),
    };
    wait.run(arguments, output).await
}

/// Where the value stands: the name after aliases, its zone and primary.
async fn find<'s>(
    challenge: &RecordIntent,
    setup: &'s Setup,
    deadline: Instant,
) -> Result<(Name, ZoneName, &'s Primary), Failure> {
    let (mut at, mut steps) = (challenge.owner.clone(), 0);
    let first = setup.routes.primary_of(&at).ok_or(Failure::NoRoute)?;
    loop {
        let primary = setup.routes.primary_of(&at).ok_or(Failure::NoRoute)?;
        let found = deliver::find_record(&at, primary, &setup.policy, deadline).await;
        match found.map_err(|it| deliver::in_context_of_cname(it, &at, primary, first))? {
            Stands::Here(zone) => return Ok((at, zone, primary)),
            Stands::Behind(target) => at = deliver::follow(challenge, steps, target)?,
        }
        steps += 1;
    }
}

/// The wait until all name servers show the value, or show it no more.
struct Wait<'a> {
    challenge: &'a RecordIntent,
    owner: &'a Name,
    zone: &'a ZoneName,
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
            let (zone, clock) = (self.zone, self.setup.policy.clock);
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
            let zone = self.zone;
            return vec![format!(
                "the zone {zone} has no name servers that could be asked"
            )];
        }
        let wrong = join_all(servers.iter().map(|server| self.wrong_with(server))).await;
        let named = servers.iter().zip(wrong);
        let missing =
            named.filter_map(|(server, reason)| Some(format!("{}: {}", server.name, reason?)));
        missing.collect()
    }

    /// Why a name server does not show what it shall at each of its addresses.
    async fn wrong_with(&self, server: &NameServer) -> Option<String> {
        let addresses = server.addresses.iter();
        let views = join_all(addresses.clone().map(|address| self.ask(*address))).await;
        let mut is_right = false;
        for (address, server_view) in addresses.zip(views) {
            match (&server_view, self.challenge.presence) {
                (ServerView::Has, Presence::Present) | (ServerView::Lacks, Presence::Gone) => {
                    is_right = true;
                }
                // Another address of it may be reachable.
                (ServerView::NoWay, _) => {}
                // It says itself which address is meant.
                (ServerView::Silent(failure), _) => return Some(failure.to_string()),
                _ => return Some(format!("{address} {server_view}")),
            }
        }
        (!is_right).then(|| "no address of it can be reached".into())
    }

    async fn ask(&self, address: SocketAddr) -> ServerView {
        let value = self.challenge.rdata.content(RecordType::TXT);
        let (owner, value) = (self.owner, &*value);
        let clock = self.setup.policy.clock;
        deliver::server_view(address, (owner, value), self.primary, clock, self.deadline).await
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
