//! The law "dry run ≡ run" on generated zones, against a server that shares no code with the plan.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Before, Decision, View, decide};
use crate::deliver::outcome::PreviewLine;
use crate::deliver::policy::Policy;
use crate::deliver::server::Primary;
use crate::deliver::server::transfer::Found;
use crate::deliver::state::{Provenance, ZoneState};
use crate::deliver::zone::preview::preview_of_update;
use crate::model::{Presence, Record, RecordType, Secret};
use crate::plan::tests::cases::{Case, cases};
use crate::plan::tests::server::{OnBadUpdate, Server, octets};
use crate::plan::{Abilities, Prerequisites, batches};
use crate::wire::{Key, MESSAGE_OCTETS_MAX};

/// Owner, type, TTL and data of a record.
type Line = (Vec<u8>, u16, u32, Vec<u8>);

/// The records of a server but for the SOA.
fn records(server: &Server) -> BTreeSet<Line> {
    let sets = server.sets.iter();
    let sets = sets.filter(|((_, rtype), _)| *rtype != RecordType::SOA.0);
    sets.flat_map(|((owner, rtype), (ttl, values))| {
        let value = |value: &Vec<u8>| (owner.clone(), *rtype, *ttl, value.clone());
        values.iter().map(value).collect::<Vec<_>>()
    })
    .collect()
}

fn primary() -> Primary {
    let algorithm = "hmac-sha256".parse().unwrap();
    let key = Key::new("key.".parse().unwrap(), algorithm, Secret::new(vec![0; 32]));
    Primary::plain("192.0.2.53".into(), 53, key.unwrap(), 1)
}

fn check(case: &Case, percent_max: usize) {
    let policy = Policy {
        foreign: case.foreign,
        keep: vec!["_acme-challenge.*".parse().unwrap()],
        removals_percent_max: u32::try_from(percent_max).ok(),
        ..Policy::plain(|| 0)
    };
    let view = View {
        found: Found::Zone(Box::new(case.current.clone())),
        state: ZoneState {
            managed: case.managed.clone(),
            ..ZoneState::default()
        },
        authorized: Ok(Provenance::Preexisting),
        now: 0,
    };
    let decision = decide(&case.desired, &primary(), &policy, view, &Before::default());
    let Ok(Decision::Update(update)) = decision else {
        panic!("a zone that is there is updated");
    };
    let octets_max = MESSAGE_OCTETS_MAX;
    let messages = batches(
        &update.plan,
        &case.current,
        Prerequisites::RrSets,
        &Abilities::default(),
        octets_max,
    );
    // Unlike BIND it keeps the DS records of a name that loses its NS records.
    let mut server = Server::new(&case.current, OnBadUpdate::Panic);
    let mut foretold = records(&server);
    let before = foretold.len();
    let preview = preview_of_update(*update);
    let without_ttl = |record: &Record| (record.owner.clone(), record.rtype, record.rdata.clone());
    let (mut gone, mut present) = (BTreeSet::new(), BTreeSet::new());
    for PreviewLine { presence, record } in &preview.lines {
        if record.rtype == RecordType::SOA {
            continue;
        }
        let data = record.rdata.as_wire().to_vec();
        let it = (octets(&record.owner), record.rtype.0, record.ttl, data);
        match presence {
            Presence::Absent => {
                assert!(foretold.remove(&it), "it goes and was not there: {it:?}");
                gone.insert(without_ttl(record));
            }
            Presence::Present => {
                assert!(foretold.insert(it.clone()), "it comes and is there: {it:?}");
                present.insert(without_ttl(record));
            }
        }
    }
    for batch in messages.unwrap() {
        server.apply(&batch).unwrap();
    }
    assert_eq!(foretold, records(&server));
    let removed = gone.difference(&present).count();
    let is_held = before > 10 && removed * 100 > before * percent_max;
    assert_eq!(preview.guard.is_some(), is_held);
}

proptest! {
    #[test]
    fn a_dry_run_shows_what_the_run_changes_and_what_a_guard_holds(
        case in cases(), percent_max in prop_oneof![Just(0_usize), Just(50), Just(100)],
    ) {
        check(&case, percent_max);
    }
}
