//! What was learnt of primaries.

use super::*;
use crate::deliver::Lesson;
use crate::plan::{Habit, LEARNT_SECONDS, Learnt};
use crate::queue::store::StoreChange;

const NOW: u64 = 1_700_000_000;

fn lesson(habit: Habit, value: u32, at: u64) -> Lesson {
    let of_zone = || {
        let zone = ZoneName::new(&"example.com".parse().unwrap());
        (zone, "plesk".parse().unwrap())
    };
    Lesson {
        primary: "main".into(),
        zone: (!habit.is_of_primary()).then(of_zone),
        learnt: Learnt { habit, value },
        server: "Service 1".into(),
        at,
    }
}

fn learn(store: &mut Store, lessons: &[Lesson]) {
    let changes: Vec<StoreChange> = lessons.iter().cloned().map(StoreChange::Learn).collect();
    store.apply(&changes).unwrap();
}

#[test]
fn a_lesson_of_each_kind_counts_for_a_day() {
    let (_directory, mut store) = store();
    let mut all: Vec<Lesson> = Habit::ALL.map(|(habit, _)| lesson(habit, 7, NOW)).into();
    learn(&mut store, &all);
    let mut found = store.lessons(None, NOW + LEARNT_SECONDS - 1).unwrap();
    let by_habit = |it: &Lesson| it.learnt.habit;
    all.sort_by_key(by_habit);
    found.sort_by_key(by_habit);
    assert_eq!(found, all);
    assert_eq!(store.lessons(None, NOW + LEARNT_SECONDS).unwrap(), []);
    // A clock that was set back ends it.
    assert_eq!(store.lessons(None, NOW - 1).unwrap(), []);
}

#[test]
fn a_primary_has_what_was_learnt_of_it_and_of_its_zones_in_question() {
    let (_directory, mut store) = store();
    let lessons = [
        lesson(Habit::SoaKept, 1, NOW),
        lesson(Habit::RecordsMax, 9, NOW),
    ];
    learn(&mut store, &lessons);
    let of = |primary: &str, zones: &[&str]| {
        let zones = zones.iter().map(ToString::to_string).collect();
        store
            .lessons(Some(&(primary.to_owned(), zones)), NOW)
            .unwrap()
    };
    assert_eq!(of("main", &["example.com.", ""]), lessons);
    assert_eq!(of("main", &["example.net.", ""]), lessons[1..]);
    assert_eq!(of("other", &["example.com.", ""]), []);
}

#[test]
fn a_new_lesson_replaces_the_old_one_and_what_no_longer_counts_goes() {
    let (_directory, mut store) = store();
    let old = [
        lesson(Habit::SoaKept, 1, NOW),
        lesson(Habit::RecordsMax, 9, NOW),
    ];
    learn(&mut store, &old);
    let later = NOW + LEARNT_SECONDS;
    let new = [lesson(Habit::RecordsMax, 20, later)];
    learn(&mut store, &new);
    assert_eq!(store.lessons(None, later).unwrap(), new);
    let count = |sql: &str| {
        store
            .connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(count("SELECT count(*) FROM learnt").unwrap(), 1);
}

#[test]
fn what_this_version_does_not_know_or_another_one_learnt_counts_for_nothing() {
    for change in [
        "program = '0.0.1'",
        "habit = 'fleet'",
        "zone = 'example.com.', key = 'plesk.'",
    ] {
        let (_directory, mut store) = store();
        learn(&mut store, &[lesson(Habit::RecordsMax, 9, NOW)]);
        let changed = store
            .connection
            .execute(&format!("UPDATE learnt SET {change}"), []);
        assert_eq!(changed, Ok(1));
        assert_eq!(store.lessons(None, NOW).unwrap(), [], "{change}");
    }
}
