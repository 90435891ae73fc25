//! Fuzzes the reader of scripts for nsupdate. An added record must survive printing and parsing,
//! and every record must survive encoding and decoding of the message. An error must be one line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::model::Name;
use nsbridge::script::{Command, Parser};
use nsbridge::wire::{Class, MessageDump, UpdateBuilder, WireRecord};
use nsbridge::zonefile::{format_octets, format_type};

fuzz_target!(|script: &[u8]| {
    let mut parser = Parser::new(false);
    let mut builder = UpdateBuilder {
        zone: Some((Name::root(), Class::IN)),
        ..UpdateBuilder::default()
    };
    for line in script.split(|octet| *octet == b'\n') {
        match parser.read(line) {
            Ok(Command::Update(record)) => {
                if record.class == Class::IN {
                    check_addition(&record);
                }
                builder.updates.push(record);
            }
            Ok(Command::Prerequisite(record)) => builder.prerequisites.push(record),
            Ok(Command::Zone(zone)) => builder.zone = Some((zone, Class::IN)),
            Ok(Command::Lease(lease)) => builder.lease = lease,
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    }
    let Ok(message) = builder.encode(1) else {
        return;
    };
    let dump = MessageDump::read(&message).expect("an encoded message can be decoded");
    let zone = builder.zone.as_ref().map(|(zone, _)| zone);
    assert_eq!(dump.question.as_ref().map(|it| &it.0), zone);
    assert_eq!(dump.answers, builder.prerequisites);
    assert_eq!(dump.authorities, builder.updates);
});

fn check_addition(record: &WireRecord) {
    let (rtype, data) = (
        format_type(record.rtype),
        format_octets(record.rtype, &record.rdata),
    );
    let line = format!(
        "update add {} {} IN {rtype} {data}",
        record.owner, record.ttl
    );
    let mut parser = Parser::new(false);
    for off in ["check-names off", "check-svcb off"] {
        assert_eq!(parser.read(off.as_bytes()), Ok(Command::Nothing));
    }
    let again = parser.read(line.as_bytes());
    assert_eq!(again, Ok(Command::Update(record.clone())), "{line}");
}
