//! The state of a run that keeps none.

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures_util::TryFutureExt as _;
use tokio::sync::oneshot;

use super::settled::Settled;
use super::zone_state::{
    Answer, Lesson, PtrValue, StateChange, StateStore, ZoneKey, ZoneState, ZoneSummary,
};
use crate::deliver::error::Failure;
use crate::model::{Name, Rdata, Serial, ZoneName};
use crate::plan::{Epoch, SeenEntry};

/// No state: for a server of the command line, no record counts as managed. A run remembers what it learns of a primary,
/// and nothing else: it delivers each intent once, and the same records are desired at each attempt.
#[derive(Debug, Default)]
pub struct Stateless {
    lessons: RefCell<Vec<Lesson>>,
}

fn answer<T>(value: T) -> Answer<T> {
    let (sender, receiver) = oneshot::channel();
    // The receiver is here.
    sender.send(value).ok();
    receiver.map_err(|_| Failure::State)
}

/// Returns whether a lesson is one of a primary and of the zones at and above a name.
fn is_of(lesson: &Lesson, primary: &str, name: &Name) -> bool {
    let zone = lesson.zone.as_ref();
    lesson.primary == primary && zone.is_none_or(|(zone, _)| name.is_at_or_below(zone.apex()))
}

impl StateStore for Stateless {
    fn load(&self, _: &ZoneKey) -> Answer<ZoneState> {
        answer(ZoneState::default())
    }

    fn generation(&self, _: &ZoneKey) -> Answer<i64> {
        answer(0)
    }

    fn settled(&self, _: &ZoneKey) -> Answer<Option<Settled>> {
        answer(None)
    }

    fn persist(&self, _: StateChange) -> Answer<i64> {
        answer(0)
    }

    fn commit(&self, _: StateChange) -> Result<(), Failure> {
        Ok(())
    }

    fn forget(&self, _: ZoneKey, _: i64) -> Result<(), Failure> {
        Ok(())
    }

    fn durable(&self) -> Answer<()> {
        answer(())
    }

    fn knows(&self, _: &ZoneKey) -> Answer<bool> {
        answer(false)
    }

    fn is_leaving(&self, _: &ZoneKey) -> Answer<bool> {
        answer(false)
    }

    fn elsewhere(&self, _: &ZoneKey) -> Answer<Vec<String>> {
        answer(Vec::new())
    }

    fn list(&self) -> Answer<Vec<ZoneSummary>> {
        answer(Vec::new())
    }

    fn add_ptr(&self, _: PtrValue) -> Answer<()> {
        answer(())
    }

    fn drop_ptr(&self, _: PtrValue) -> Result<(), Failure> {
        Ok(())
    }

    fn count_deletion(&self, _: &ZoneKey, _: u64, max: u32) -> Answer<bool> {
        answer(max > 0)
    }

    fn deletions(&self, _: &ZoneKey, _: u64) -> Answer<u32> {
        answer(0)
    }

    fn add_challenge(&self, _: &str, _: &Name, _: &Rdata) -> Answer<()> {
        answer(())
    }

    fn drop_challenge(&self, _: &str, _: &Name, _: &Rdata) -> Result<(), Failure> {
        Ok(())
    }

    fn challenges(&self, _: &str, _: &Name) -> Answer<Vec<Rdata>> {
        answer(Vec::new())
    }

    fn catalog_serial(&self, _: &ZoneKey) -> Answer<Option<Serial>> {
        answer(None)
    }

    fn note_catalog_serial(&self, _: ZoneKey, _: Serial) -> Result<(), Failure> {
        Ok(())
    }

    fn catalog_entries(&self, _: &ZoneKey) -> Answer<Vec<SeenEntry>> {
        answer(Vec::new())
    }

    fn seen_claim(&self, _: &ZoneKey, _: &ZoneName) -> Answer<Option<Rdata>> {
        answer(None)
    }

    fn note_catalog_entries(
        &self,
        _: ZoneKey,
        _: Vec<SeenEntry>,
        _: Vec<ZoneName>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    fn epochs(&self, _: &ZoneKey) -> Answer<Vec<Epoch>> {
        answer(Vec::new())
    }

    fn add_epoch(&self, _: ZoneKey, _: Epoch) -> Answer<()> {
        answer(())
    }

    fn note_stranger(&self, _: ZoneKey, _: Option<Epoch>) -> Result<(), Failure> {
        Ok(())
    }

    fn lessons(&self, of: Option<(&str, &Name)>, _: u64) -> Answer<Vec<Lesson>> {
        let lessons = self.lessons.borrow();
        let is_wanted = |it: &&Lesson| of.is_none_or(|(primary, name)| is_of(it, primary, name));
        answer(lessons.iter().filter(is_wanted).cloned().collect())
    }

    fn learn(&self, lesson: Lesson) -> Result<(), Failure> {
        let mut lessons = self.lessons.borrow_mut();
        let (of, habit) = ((&lesson.primary, &lesson.zone), lesson.learnt.habit);
        lessons.retain(|it| (&it.primary, &it.zone) != of || it.learnt.habit != habit);
        lessons.push(lesson);
        Ok(())
    }

    fn forget_lessons(&self, primary: &str, name: &Name) -> Result<(), Failure> {
        let mut lessons = self.lessons.borrow_mut();
        lessons.retain(|it| !is_of(it, primary, name));
        Ok(())
    }

    fn ptrs(&self) -> Answer<BTreeSet<PtrValue>> {
        answer(BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RrSets;
    use crate::plan::{Habit, Learnt};

    fn lesson(primary: &str, zone: Option<&str>, habit: Habit, value: u32) -> Lesson {
        let zone = zone.map(|zone| {
            (
                ZoneName::new(&zone.parse().unwrap()),
                "key.".parse().unwrap(),
            )
        });
        Lesson {
            primary: primary.into(),
            zone,
            learnt: Learnt { habit, value },
            server: String::new(),
            at: 0,
        }
    }

    #[tokio::test]
    async fn a_run_remembers_what_it_learns_of_each_primary_and_zone() {
        let state = Stateless::default();
        let of_primary = lesson("a", None, Habit::Interval, 1);
        let of_zone = lesson("a", Some("example."), Habit::SoaTtlKept, 1);
        for lesson in [
            lesson("a", None, Habit::Interval, 9),
            of_primary.clone(),
            of_zone.clone(),
            lesson("a", Some("other."), Habit::SoaTtlKept, 1),
            lesson("b", None, Habit::Interval, 2),
        ] {
            state.learn(lesson).unwrap();
        }
        let name: Name = "www.example.".parse().unwrap();
        let of_name = state.lessons(Some(("a", &name)), 0).await.unwrap();
        assert_eq!(of_name, [of_primary, of_zone]);
        state.forget_lessons("a", &name).unwrap();
        let left = state.lessons(None, 0).await.unwrap();
        let left: Vec<_> = left
            .iter()
            .map(|it| (&it.primary[..], it.learnt.value))
            .collect();
        assert_eq!(left, [("a", 1), ("b", 2)]);
    }

    #[tokio::test]
    async fn no_record_is_managed_whatever_was_reserved() {
        let (state, zone) = (
            Stateless::default(),
            ZoneName::new(&"example.".parse().unwrap()),
        );
        let key = ZoneKey {
            primary: "a".into(),
            zone,
        };
        let mut before = state.load(&key).await.unwrap();
        let store: &dyn StateStore = &state;
        store
            .reserve(&key, &mut before, RrSets::default())
            .await
            .unwrap();
        let begun = store.load(&key);
        let after = store.finish_load(&key, begun).await.unwrap();
        assert_eq!(after.generation, before.generation);
        assert!(after.managed.is_empty() && !store.knows(&key).await.unwrap());
    }
}
