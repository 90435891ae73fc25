//! Zones as deliveries left them.

use super::*;
use crate::deliver::Settled;

fn settled(read_at: u64) -> Settled {
    Settled {
        wanted: [1; 32],
        read_at,
        soa_ttl: 3_600,
        soa: Rdata::from_canonical([0; 22]),
    }
}

/// Returns a change that settles the zone, and adds or drops records.
fn settle(state: &ZoneState, add: &[&str], drop: &[&str], read_at: u64) -> StoreChange {
    let StoreChange::Change(change) = change(state, Provenance::Created, add, drop) else {
        panic!("a change");
    };
    StoreChange::Change(StateChange {
        settled: Some(settled(read_at)),
        ..change
    })
}

#[test]
fn a_settled_zone_stays_so_until_its_state_changes() {
    let (_directory, mut store) = store();
    assert_eq!(store.settled(&key()).unwrap(), None);
    let mut state = ZoneState::default();
    store.apply(&[settle(&state, &["www"], &[], 1)]).unwrap();
    assert_eq!(store.settled(&key()).unwrap(), Some(settled(1)));
    // Nothing else changes: other processes need not load the state again.
    let loaded = store.load(&key()).unwrap();
    store.apply(&[settle(&loaded, &[], &[], 2)]).unwrap();
    assert_eq!(store.settled(&key()).unwrap(), Some(settled(2)));
    assert_eq!(store.load(&key()).unwrap().generation, loaded.generation);
    // A change that changes nothing leaves it.
    let nothing = change(&loaded, Provenance::Created, &[], &[]);
    store.apply(&[nothing]).unwrap();
    assert_eq!(store.settled(&key()).unwrap(), Some(settled(2)));
    let changes: [fn(&mut StateChange); 6] = [
        |it| it.provenance = Provenance::Adopted,
        |it| it.add = records(&["more"]),
        |it| it.drop = records(&["more"]),
        |it| it.refusals = Some(Vec::new()),
        |it| it.serial = Some(Serial(5)),
        |it| it.key_tags = vec![7],
    ];
    for change_one in changes {
        state = store.load(&key()).unwrap();
        store.apply(&[settle(&state, &[], &[], 3)]).unwrap();
        assert_eq!(store.settled(&key()).unwrap(), Some(settled(3)));
        let StoreChange::Change(mut one) = change(&state, state.provenance, &[], &[]) else {
            panic!("a change");
        };
        change_one(&mut one);
        store.apply(&[StoreChange::Change(one)]).unwrap();
        assert_eq!(store.settled(&key()).unwrap(), None);
    }
}

#[test]
fn a_zone_whose_state_another_process_changed_is_not_settled() {
    let (_directory, mut store) = store();
    let before = ZoneState::default();
    let add = change(&before, Provenance::Created, &["www"], &[]);
    store.apply(&[add]).unwrap();
    // The zone was read before: what the other process adds may be there since.
    store.apply(&[settle(&before, &[], &[], 1)]).unwrap();
    assert_eq!(store.settled(&key()).unwrap(), None);
    store.apply(&[settle(&before, &["more"], &[], 1)]).unwrap();
    assert_eq!(store.settled(&key()).unwrap(), None);
}

#[test]
fn a_zone_with_a_damaged_state_is_not_settled() {
    let (_directory, mut store) = store();
    let state = ZoneState::default();
    store.apply(&[settle(&state, &["www"], &[], 1)]).unwrap();
    let flip = "UPDATE zone SET origin = origin + 1";
    store.connection.execute_batch(flip).unwrap();
    assert_eq!(store.settled(&key()).unwrap(), None);
}
