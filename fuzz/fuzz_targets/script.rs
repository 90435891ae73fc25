//! nsupdate's language: a script of lines. An entry is the same when it is printed and read again, and when it is sent
//! and taken out of the message; an error is one line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::model::Name;
use nsbridge::script::{Command, Parser};
use nsbridge::wire::{Class, MessageDump, UpdateBuilder, WireRecord};
use nsbridge::zonefile::{format_octets, format_type};

fuzz_target!(|script: &[u8]| {
    let mut parser = Parser::new(false);
    let mut draft = UpdateBuilder {
        zone: Some((Name::root(), Class::IN)),
        ..UpdateBuilder::default()
    };
    for line in script.split(|octet| *octet == b'\n') {
        match parser.read(line) {
            Ok(Command::Update(entry)) => {
                if entry.class == Class::IN {
                    check_addition(&entry);
                }
                draft.updates.push(entry);
            }
            Ok(Command::Prerequisite(entry)) => draft.prerequisites.push(entry),
            Ok(Command::Zone(zone)) => draft.zone = Some((zone, Class::IN)),
            Ok(Command::Lease(lease)) => draft.lease = lease,
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    }
    let Ok(message) = draft.encode(1) else { return };
    let listing = MessageDump::read(&message).expect("what is made can be read");
    let zone = draft.zone.as_ref().map(|(zone, _)| zone);
    assert_eq!(listing.question.as_ref().map(|it| &it.0), zone);
    assert_eq!(listing.answers, draft.prerequisites);
    assert_eq!(listing.authorities, draft.updates);
});

fn check_addition(entry: &WireRecord) {
    let (rtype, data) = (
        format_type(entry.rtype),
        format_octets(entry.rtype, &entry.rdata),
    );
    let line = format!("update add {} {} IN {rtype} {data}", entry.owner, entry.ttl);
    let mut parser = Parser::new(false);
    for off in ["check-names off", "check-svcb off"] {
        assert_eq!(parser.read(off.as_bytes()), Ok(Command::Nothing));
    }
    let again = parser.read(line.as_bytes());
    assert_eq!(again, Ok(Command::Update(entry.clone())), "{line}");
}
