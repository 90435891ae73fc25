//! The subjects that the law of lengths holds messages with.

use super::super::*;
use super::contexts::is_of_payload;
use super::lengths::{of, usual};
use super::records::records;
use crate::cli::handover;
use crate::deliver::challenge_intent;
use crate::diagnostic::{Entry, check, command, left_out, masterfile, ptr, queue};
use crate::model::{AbsentZone, PtrIntent, RecordIntent, Secret, Trust};
use crate::queue::JobId;
use crate::wire::Key;

/// A command as hints name it if the configuration is elsewhere.
const COMMAND: &str = "nsbridge --config /etc/ns.toml";

/// What `nsbridge check --write` alone reports.
const OF_WRITE_CHECK: [&Entry; 3] = [
    &check::CHECK_NAME_NOT_REMOVED,
    &check::CHECK_UNSERVED,
    &check::CHECK_WITHOUT_ROOM,
];

/// The entries of parts that are left out.
const PARTS: [&Entry; 14] = [
    &left_out::RECORDS_LEFT_OUT,
    &left_out::RECORDS_PROTECTED,
    &left_out::ZONE_EXCLUDED,
    &left_out::NAME_KEPT,
    &left_out::NAME_REFUSED,
    &left_out::REMOVAL_REFUSED,
    &left_out::REMOVAL_IGNORED,
    &left_out::ADDITION_IGNORED,
    &left_out::RRSET_REPLACED,
    &left_out::TTL_ALTERED,
    &left_out::RECORD_HIDDEN,
    &left_out::NAMES_HIDDEN_BY_OTHER,
    &left_out::NAMES_HIDDEN,
    &left_out::ZONE_WAS_SIGNED,
];

/// The parts of PTR records and single records; all others are parts of zones.
const PARTS_OF_RECORDS: [&Entry; 4] = [
    &left_out::ZONE_EXCLUDED,
    &left_out::NAME_KEPT,
    &left_out::REMOVAL_IGNORED,
    &left_out::ADDITION_IGNORED,
];

/// Returns the messages of a diagnostic, each with a subject and the state of that. A failure of a connection, a key, a
/// catalog or the creation of a zone can be about each of them, also about a PTR value: a reverse zone is made, and
/// stands in a catalog, as any other zone does. What no delivery combines is held, too, if it has room.
pub(super) fn messages_about(
    diagnostic: &Diagnostic,
    commands: &[Command],
    primary: &Primary,
) -> Vec<String> {
    let value = Subject::of(&commands[2], None).full();
    let commands = commands_of(diagnostic, commands);
    let message = Message::of(diagnostic);
    let first = Subject::of(&commands[0], Some(primary));
    let messages = match diagnostic.class() {
        // Lines of a check, which are no messages.
        _ if *diagnostic.entry == check::CHECK_ZONE_NOT_REMOVED => Vec::new(),
        // About a zone without a job, or a challenge whose job is dropped.
        _ if OF_WRITE_CHECK.contains(&diagnostic.entry)
            || *diagnostic.entry == ptr::CHALLENGE_EXPIRED =>
        {
            vec![first.message(diagnostic)]
        }
        _ if *diagnostic.entry == command::PTR_ZONE_UNREAD => vec![message.about(first.short())],
        _ if PARTS.contains(&diagnostic.entry) => {
            let subjects = commands.iter().map(|it| Subject::of(it, Some(primary)));
            subjects.flat_map(|it| left_out(it, diagnostic)).collect()
        }
        Class::Setup => vec![message.and_nothing_attempted()],
        // A remark on a file, or on a record in it.
        _ if diagnostic.code().starts_with("NB-MASTER-FILE-")
            && *diagnostic.entry != masterfile::MASTER_FILE_AT =>
        {
            vec![message.about("/file/of/zone").about(first.short())]
        }
        Class::Input | Class::Remark if is_of_payload(diagnostic.decisive().entry) => {
            vec![message.about("example.com.")]
        }
        Class::Input if *diagnostic.entry == command::HOST_NAME_INVALID => {
            vec![message.about(value).and_nothing_attempted()]
        }
        Class::Remark if *diagnostic.entry == command::PTR_OTHER_ADDRESS => {
            vec![message.about(value)]
        }
        Class::Input => vec![message.about("example.com.").and_nothing_attempted()],
        // What failed is the file of the queue, or a job in it: at no primary, and nothing is kept.
        _ if *diagnostic.entry == queue::QUEUE_FILE_BEHIND => {
            let names = commands.iter().map(subject);
            let many = names.map(|name| first_of(&vec![name; 1000]));
            many.map(|it| message.clone().about(it)).collect()
        }
        class if class == Class::Unkept || diagnostic.code().starts_with("NB-JOB-") => {
            let names = commands.iter().map(subject);
            names.map(|it| message.clone().about(it)).collect()
        }
        Class::Remark => {
            let subjects = commands.iter().map(|it| Subject::of(it, Some(primary)));
            let places = subjects.map(|subject| subject.short() + &subject.on());
            places.map(|it| message.clone().about(it)).collect()
        }
        Class::Transient | Class::Unkept | Class::Permanent | Class::Context => {
            let of_command = |command| of_subject(command, diagnostic, primary);
            commands.iter().flat_map(of_command).collect()
        }
    };
    let messages = messages.into_iter();
    messages.map(|it| hinting(it, diagnostic)).collect()
}

/// Returns the messages about a part of a subject, one of them with the state of its job.
fn left_out(mut subject: Subject<'_>, part: &Diagnostic) -> [Message; 2] {
    let is_held = part.class() == Class::Permanent;
    subject.stays = is_held.then_some(Stays::Held { id: JobId(10) });
    let message = subject.left_out(part);
    [subject.with_job(message.clone()), message]
}

/// Returns the message about a command, and that about a thousand such commands.
fn of_subject(command: &Command, diagnostic: &Diagnostic, primary: &Primary) -> Vec<Message> {
    let mut subject = Subject::of(command, Some(primary));
    let id = JobId(10);
    subject.stays = match diagnostic.class() {
        Class::Transient => Some(Stays::Waiting { id, seconds: 0 }),
        Class::Permanent => Some(Stays::Held { id }),
        Class::Unkept | Class::Input | Class::Setup | Class::Remark | Class::Context => None,
    };
    let message = subject.message(diagnostic);
    let (primary, cause) = subject.place_of(diagnostic);
    let group = Group {
        key: (diagnostic.code(), primary, subject.job_state()),
        names: vec![subject.name.clone(); 1000],
        texts: vec![cause.to_string(), String::new()],
        messages: vec![message.clone()],
    };
    group.messages().into_iter().chain([message]).collect()
}

/// Returns the commands that a diagnostic can be about. Remarks on records are few; only zones lose records at once, and
/// a reverse zone may be created for a PTR value, but none for any other record.
fn commands_of<'c>(diagnostic: &Diagnostic, commands: &'c [Command]) -> &'c [Command] {
    let entry = diagnostic.decisive().entry;
    let code = entry.code.trim_start_matches("NB-");
    let of_creation = [
        "API-",
        "CONTENTS-",
        "CONTROL-",
        "POWERDNS-",
        "PROGRAM-",
        "TEMPLATE-",
        "ZONE-NOT-MADE",
    ];
    let is_part = PARTS.contains(&diagnostic.entry);
    let is_of_zone =
        (is_part || entry.class == Class::Remark) && !PARTS_OF_RECORDS.contains(&diagnostic.entry);
    if is_of_zone || code.starts_with("MASS-") {
        &commands[..1]
    } else if code.starts_with("CHALLENGE-") {
        &commands[3..4]
    } else if of_creation.iter().any(|it| code.starts_with(it)) {
        &commands[..3]
    } else {
        commands
    }
}

/// Returns the messages of a challenge that CNAMEs lead to another primary.
pub(super) fn behind_cname(
    diagnostic: &Diagnostic,
    commands: &[Command],
    primary: &Primary,
) -> Vec<String> {
    let code = diagnostic.code();
    let is_of_job = code.starts_with("NB-JOB-") || code.starts_with("NB-CHECK-");
    let is_dropped = *diagnostic.entry == ptr::CHALLENGE_EXPIRED;
    let is_part = PARTS.contains(&diagnostic.entry);
    let Some(challenge) = commands_of(diagnostic, commands)
        .iter()
        .find(|it| matches!(&it.intent, Intent::Record(record) if record.follows_cnames))
        .filter(|_| !is_of_job && !is_dropped && !is_part)
    else {
        return Vec::new();
    };
    let behind = |code: &str, name: &str| match name {
        "primary" => "other".to_owned(),
        _ => usual(code, name),
    };
    let elsewhere = of(&ptr::BEHIND_CNAME, behind).because(diagnostic);
    let elsewhere = elsewhere.at(diagnostic.software);
    let messages = of_subject(challenge, &elsewhere, primary).into_iter();
    messages.map(|it| hinting(it, &elsewhere)).collect()
}

/// Returns the lines of `nsbridge check`, and that of `--create` about the zone that it made.
pub(super) fn check_lines(diagnostic: &Diagnostic) -> Vec<String> {
    let line = |diagnostic: &Diagnostic, check: &str| {
        let message = Message::of(diagnostic).about(format!("main (192.0.2.1:53): {check}"));
        hinting(message, diagnostic).replacen("error", "failed", 1)
    };
    let is_of_check =
        !PARTS.contains(&diagnostic.entry) && *diagnostic.entry != ptr::CHALLENGE_EXPIRED;
    if !is_of_check || OF_WRITE_CHECK.contains(&diagnostic.entry) {
        return Vec::new();
    }
    if *diagnostic.entry == check::CHECK_ZONE_NOT_REMOVED {
        return vec![line(diagnostic, "zone creation")];
    }
    let made = of(&check::CHECK_ZONE_NOT_UPDATED, usual).because(diagnostic);
    let made = made.at(diagnostic.software);
    let of_catalog = diagnostic.entry.code.starts_with("NB-CATALOG");
    let check = if of_catalog {
        "updates of the catalog example.com."
    } else {
        "updates of example.com."
    };
    vec![line(&made, "zone creation"), line(diagnostic, check)]
}

/// Returns the line of a message, with the hint for a configuration that is elsewhere.
fn hinting(message: Message, diagnostic: &Diagnostic) -> String {
    let message = match diagnostic.hint_calling(COMMAND) {
        Some(hint) => message.with_hint(hint),
        None => message,
    };
    message.to_string()
}

/// Returns a command for each kind of subject: a zone, PTR values of both families, an ACME challenge, and records of
/// `nsupdate --durable`.
pub(super) fn commands() -> Vec<Command> {
    let zone = "example.com.".parse().expect("a name");
    let (name, trust) = (ZoneName::new(&zone), Trust::Panel);
    let ptr = |address: &str| {
        Intent::Ptr(PtrIntent {
            address: address.parse().expect("an address"),
            hostname: "b.example.com.".parse().expect("a name"),
            presence: Presence::Present,
            wanted: [].into(),
        })
    };
    let zone = Intent::ZoneAbsent(AbsentZone {
        name,
        trust,
        moved_from: None,
    });
    let (v4, v6) = (ptr("198.51.100.7"), ptr("2001:db8::ab:7"));
    let records = records().map(|(owner, rtype, rdata)| {
        Intent::Record(RecordIntent {
            owner,
            rtype,
            rdata,
            ttl: Some(3600),
            presence: Presence::Present,
            follows_cnames: false,
            trust: Trust::Operator,
        })
    });
    let intents = [zone, v4, v6, challenge()].into_iter().chain(records);
    intents
        .map(|intent| handover::command("", intent))
        .collect()
}

/// Returns an ACME challenge.
fn challenge() -> Intent {
    let owner = "_acme-challenge.example.com.".parse().expect("a name");
    let presence = Presence::Present;
    Intent::Record(challenge_intent(owner, b"value", presence, Trust::Panel))
}

/// Returns a primary.
pub(super) fn primary() -> Primary {
    let algorithm = "hmac-sha256".parse().expect("an algorithm");
    let secret = Secret::new(vec![0; 32]);
    let key = Key::new("key.".parse().expect("a name"), algorithm, secret);
    let key = key.expect("a long secret");
    let primary = Primary::plain("192.0.2.1".into(), 53, key, 1);
    Primary {
        name: "main".into(),
        ..primary
    }
}
