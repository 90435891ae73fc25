//! The law "dry run ≡ run" on generated zones, against a server that shares no code with the plan.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Before, Decision, View, decide};
use crate::deliver::policy::Policy;
use crate::deliver::server::Primary;
use crate::deliver::server::transfer::Found;
use crate::deliver::state::{Provenance, ZoneState};
use crate::deliver::zone::preview::preview_of_update;
use crate::model::{Presence, RecordType, Secret};
use crate::plan::tests::cases::{Case, cases};
use crate::plan::tests::server::{OnBadUpdate, Server, octets};
use crate::plan::{Prerequisites, batches};
use crate::wire::{Key, MESSAGE_OCTETS_MAX};

const DS: u16 = 43;

/// Owner, type and data of each record but the SOA, and but DS records: a server drops those of a name that
/// loses its NS records.
fn records(server: &Server) -> BTreeSet<(Vec<u8>, u16, Vec<u8>)> {
    let sets = server.sets.iter();
    let sets = sets.filter(|((_, rtype), _)| ![RecordType::SOA.0, DS].contains(rtype));
    sets.flat_map(|((owner, rtype), (_, values))| {
        let value = |value: &Vec<u8>| (owner.clone(), *rtype, value.clone());
        values.iter().map(value).collect::<Vec<_>>()
    })
    .collect()
}

fn primary() -> Primary {
    let algorithm = "hmac-sha256".parse().unwrap();
    let key = Key::new("key.".parse().unwrap(), algorithm, Secret::new(vec![0; 32]));
    Primary::plain("192.0.2.53".into(), 53, key.unwrap(), 1)
}

fn check(case: &Case, percent_max: u32) {
    let policy = Policy {
        foreign: case.foreign,
        keep: vec!["_acme-challenge.*".parse().unwrap()],
        removals_percent_max: Some(percent_max),
        ..Policy::plain(|| 0)
    };
    let view = View {
        found: Found::Zone(Box::new(case.current.clone())),
        state: ZoneState {
            managed: case.managed.clone(),
            ..ZoneState::default()
        },
        permitted: Ok(Provenance::Preexisting),
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
        octets_max,
    );
    let mut server = Server::new(&case.current, OnBadUpdate::Ignore);
    let mut foretold = records(&server);
    let before = foretold.len();
    let preview = preview_of_update(*update);
    let mut removed = 0;
    for line in &preview.lines {
        let record = &line.record;
        let owner = octets(&record.owner);
        let it = (owner, record.rtype.0, record.rdata.as_wire().to_vec());
        if [RecordType::SOA.0, DS].contains(&it.1) {
            continue;
        }
        match line.presence {
            Presence::Gone => assert!(foretold.remove(&it), "it goes and was not there: {it:?}"),
            Presence::Present => {
                assert!(foretold.insert(it.clone()), "it comes and is there: {it:?}");
            }
        }
        removed = removed.max(before.saturating_sub(foretold.len()));
    }
    for batch in messages.unwrap() {
        server.apply(&batch).unwrap();
    }
    assert_eq!(foretold, records(&server));
    assert!(percent_max < 100 || preview.guard.is_none());
    assert!(before <= 10 || percent_max > 0 || removed == 0 || preview.guard.is_some());
}

proptest! {
    #[test]
    fn a_dry_run_shows_what_the_run_changes_and_what_a_guard_holds(
        case in cases(), percent_max in prop_oneof![Just(0_u32), Just(50), Just(100)],
    ) {
        check(&case, percent_max);
    }
}
