//! Finds out what a primary takes in UPDATEs, with TXT records at a random name of its own that it removes again.
//!
//! ```text
//! prerequisites ──▶ time until served ──▶ RRsets ──▶ TTLs ──▶ changes a message ──▶ SOA, apex NS ──▶ remove
//! ```
//!
//! The serial of the zone moves on by a few. Only signed responses count. What a delivery would learn is learnt.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ask, is_applied, served_soa};
use crate::deliver::transaction::learn::learn as note;
use crate::model::{Name, Rdata, Record, RecordType, Serial, Soa, TTL_MAX, ZoneName};
use crate::plan::{
    Abilities, Apex, Batch, Habit, Octets, Prerequisite, Prerequisites, RrSetUpdates, Update,
};

/// The TTL of the records, in seconds.
const TTL_SECONDS: u32 = 300;
/// A TTL that is longer than a primary with a ceiling allows: ten years.
const TTL_LONG: u32 = 10 * 365 * 24 * 60 * 60;
/// The numbers of changes in a message that are tried, the most first. BIND: takes 100 records of an RRset
/// (`max-records-per-type`).
const CHANGES: [usize; 4] = [90, 30, 10, 3];
/// The pause between two looks for a change.
const PAUSE: Duration = Duration::from_millis(500);
/// A change that is served after this time is served at once: a delivery looks so long without being told to.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How far the serial is moved, to tell it from one that the primary counts by itself.
const SERIAL_STEP: u32 = 10;

/// Finds out what the primary of a session takes in UPDATEs of a zone.
///
/// # Errors
/// [`Failure`] if the primary takes no UPDATE of the zone with this key or does not serve it, or if the name cannot be
/// removed again.
pub(crate) async fn learn(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Abilities, Failure> {
    let random = getrandom::u32().map_err(Failure::Random)?;
    let label = format!("nsbridge-{random:08x}");
    let owner = zone.apex().child(label.as_bytes());
    let owner = owner.map_err(|_| Failure::NoRoomForCheck)?;
    let deadline = session.deadline;
    let left = deadline.saturating_duration_since(Instant::now());
    // The rest is for the removal.
    let time = left * 2 / 3;
    session.deadline = Instant::now() + time;
    let mut probe = WriteProbe {
        session,
        zone,
        owner,
        is_there: false,
        sent: BTreeSet::new(),
        abilities: Abilities::default(),
    };
    let learnt = probe.run().await;
    let (owner, is_there) = (probe.owner.clone(), probe.is_there);
    probe.session.deadline = deadline;
    let removed = probe.remove().await;
    match (learnt, removed) {
        (_, Err(failure)) if is_there => Err(Failure::CheckNameStays {
            owner,
            source: Box::new(failure),
        }),
        (Err(Failure::DeadlinePassed), _) if is_there => Err(Failure::CheckUnserved {
            owner,
            seconds: time.as_secs(),
        }),
        (Err(failure), _) | (Ok(()), Err(failure)) => Err(failure),
        (Ok(()), Ok(())) => Ok(probe.abilities),
    }
}

struct WriteProbe<'c, 'a> {
    session: &'c mut Session<'a>,
    zone: &'c ZoneName,
    owner: Name,
    /// The name may have records.
    is_there: bool,
    /// The records that it may have, served already or not.
    sent: BTreeSet<Rdata>,
    abilities: Abilities,
}

impl WriteProbe<'_, '_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let soa = served_soa(self.session, self.zone).await?;
        let (soa, soa_ttl) = soa.ok_or(Failure::ZoneAbsent)?;
        self.learn_prerequisites(&soa).await?;
        self.learn_delay().await?;
        self.learn_rrsets().await?;
        self.learn_ttls().await?;
        self.learn_changes().await?;
        self.learn_apex(soa, soa_ttl).await
    }

    /// Adds the first record with ever weaker prerequisites, until one holds.
    async fn learn_prerequisites(&mut self, soa: &Soa) -> Result<(), Failure> {
        let of_soa = Prerequisite::Equals {
            owner: self.zone.apex().clone(),
            rtype: RecordType::SOA,
            rdata: soa.to_rdata(),
        };
        let absent = Prerequisite::Absent {
            owner: self.owner.clone(),
            rtype: RecordType::TXT,
        };
        let first = vec![self.add(0, TTL_SECONDS)];
        if self.takes(vec![of_soa], first.clone()).await? {
            return Ok(());
        }
        self.abilities.prerequisites = if !self.takes(vec![absent], first.clone()).await? {
            self.must_take(first).await?;
            Prerequisites::None
        } else if self
            .takes(self.all_of(&[0]), vec![self.add(1, TTL_SECONDS)])
            .await?
        {
            Prerequisites::RrSets
        } else {
            Prerequisites::Presence
        };
        let taken = self.abilities.prerequisites;
        for habit in self.session.abilities.habits_shown_by(taken) {
            // That none are taken, only the configuration may say.
            if taken < Prerequisites::None && note(self.session, self.zone, habit, 1).await {
                break;
            }
        }
        Ok(())
    }

    async fn learn_delay(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        // Where an addition replaces the RRset, a second one may have replaced the first record.
        while self.texts().await?.is_empty() {
            self.wait().await?;
        }
        let delay = started.elapsed();
        if delay > AT_ONCE {
            // The next change may take longer.
            self.abilities.visible_within = Duration::from_secs(2 * (delay.as_secs() + 1));
        }
        Ok(())
    }

    /// Adds a second record in a message of its own.
    async fn learn_rrsets(&mut self) -> Result<(), Failure> {
        self.must_take(vec![self.add(2, TTL_SECONDS)]).await?;
        let texts = self.texts_with(&text(2)).await?;
        if !texts.contains(&text(0)) {
            self.abilities.rrsets = RrSetUpdates::Whole;
        }
        Ok(())
    }

    async fn learn_ttls(&mut self) -> Result<(), Failure> {
        for (number, ttl) in [(3, 1), (4, TTL_LONG)] {
            let all = Update::RemoveSet {
                owner: self.owner.clone(),
                rtype: RecordType::TXT,
            };
            if !self
                .takes(Vec::new(), vec![all, self.add(number, ttl)])
                .await?
            {
                continue;
            }
            self.texts_with(&text(number)).await?;
            let served = self.records(&self.owner.clone(), RecordType::TXT).await?;
            let served = served.first().map_or(ttl, |record| record.ttl);
            if served > ttl {
                self.abilities.ttl_min = served;
            } else if served < ttl {
                self.abilities.ttl_max = served.min(TTL_MAX);
            }
        }
        Ok(())
    }

    async fn learn_changes(&mut self) -> Result<(), Failure> {
        let Octets { max, .. } = self
            .session
            .primary
            .update_octets(&self.session.keys.update);
        let mut has_refused = false;
        for count in CHANGES {
            let updates = self.additions(count);
            if self.batch(Vec::new(), updates.clone()).octets() > max {
                continue;
            }
            if self.takes(Vec::new(), updates).await? {
                self.note_changes(count, has_refused).await;
                return Ok(());
            }
            has_refused = true;
        }
        let least = match self.abilities.rrsets {
            RrSetUpdates::ByValue => 1,
            RrSetUpdates::Whole => 2,
        };
        // A primary that refuses this too refuses more than long messages: maybe it limits UPDATEs in a time.
        self.must_take(self.additions(least)).await?;
        self.note_changes(least, has_refused).await;
        Ok(())
    }

    async fn note_changes(&mut self, count: usize, has_refused: bool) {
        self.abilities.changes_max = Some(count).filter(|_| has_refused);
        if let (true, Ok(records)) = (has_refused, u32::try_from(count)) {
            note(self.session, self.zone, Habit::RecordsMax, records).await;
        }
    }

    /// Moves the serial, and adds the apex NS records that are there: all in one message, since on some services
    /// one would replace the others.
    async fn learn_apex(&mut self, mut soa: Soa, soa_ttl: u32) -> Result<(), Failure> {
        if let Some((served, _)) = served_soa(self.session, self.zone).await? {
            soa.serial = served.serial;
        }
        let before = soa.serial;
        soa.serial = before.plus(SERIAL_STEP);
        let moved = Update::add(soa.to_record(self.zone, soa_ttl));
        if !self.takes(Vec::new(), vec![moved]).await? || !self.serves(soa.serial).await? {
            self.abilities.soa = Apex::Keep;
            let served = served_soa(self.session, self.zone).await?;
            // Where the primary counts in a way of its own, the other fields may be taken.
            if served.is_some_and(|(served, _)| served.serial == before) {
                note(self.session, self.zone, Habit::SoaKept, 1).await;
            }
        }
        let apex = self.zone.apex().clone();
        let ns = self.records(&apex, RecordType::NS).await?;
        let ns: Vec<Update> = ns.into_iter().map(Update::add).collect();
        let fits = self.abilities.changes_max.is_none_or(|max| ns.len() <= max);
        if fits && !self.takes(Vec::new(), ns).await? {
            self.abilities.apex_ns = Apex::Keep;
            note(self.session, self.zone, Habit::ApexNsKept, 1).await;
        }
        Ok(())
    }

    /// Returns whether the primary comes to serve a serial, or one that others have moved on from it. A serial far from
    /// it is one that the primary sets by itself.
    async fn serves(&mut self, serial: Serial) -> Result<bool, Failure> {
        let end = Instant::now() + self.abilities.visible_within.max(AT_ONCE);
        loop {
            let served = served_soa(self.session, self.zone).await?;
            let is_close = |served: Serial| {
                !serial.is_after(served) && serial.plus(SERIAL_STEP).is_after(served)
            };
            if served.is_some_and(|(soa, _)| is_close(soa.serial)) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            self.wait().await?;
        }
    }

    /// Removes all records of the name: by name, or one by one if the primary takes no more.
    async fn remove(&mut self) -> Result<(), Failure> {
        let all = Update::RemoveName {
            owner: self.owner.clone(),
        };
        if !self.takes(Vec::new(), vec![all]).await? {
            for rdata in std::mem::take(&mut self.sent) {
                let (owner, rtype) = (self.owner.clone(), RecordType::TXT);
                let removed = Update::Remove {
                    owner,
                    rtype,
                    rdata,
                };
                self.must_take(vec![removed]).await?;
            }
        }
        while !self.texts().await?.is_empty() {
            self.wait().await?;
        }
        Ok(())
    }

    /// Sends an UPDATE. Returns `false` if a prerequisite failed, or the primary refuses it.
    async fn takes(
        &mut self,
        prerequisites: Vec<Prerequisite>,
        updates: Vec<Update>,
    ) -> Result<bool, Failure> {
        match self.send(prerequisites, updates).await {
            Err(Failure::UpdateRefused { .. } | Failure::ServerFailure { .. }) => Ok(false),
            taken => taken,
        }
    }

    /// Sends an UPDATE that the primary must take.
    async fn must_take(&mut self, updates: Vec<Update>) -> Result<(), Failure> {
        self.send(Vec::new(), updates).await.map(|_| ())
    }

    async fn send(
        &mut self,
        prerequisites: Vec<Prerequisite>,
        updates: Vec<Update>,
    ) -> Result<bool, Failure> {
        let batch = self.batch(prerequisites, updates);
        let key = &self.session.keys.update;
        let applied = match self.session.update(&batch, key).await {
            Ok(reply) => is_applied(reply, self.zone, key.name()),
            Err(failure) => Err(failure),
        };
        if let Ok(true) | Err(Failure::ResponseLost { .. }) = applied {
            self.is_there = true;
            let records = batch.updates.iter().filter_map(Update::to_record);
            let own = records.filter(|it| it.owner == self.owner);
            self.sent.extend(own.map(|it| it.rdata));
        }
        applied
    }

    fn batch(&self, prerequisites: Vec<Prerequisite>, updates: Vec<Update>) -> Batch {
        Batch {
            zone: self.zone.clone(),
            prerequisites,
            updates,
        }
    }

    fn add(&self, number: usize, ttl: u32) -> Update {
        Update::Add {
            owner: self.owner.clone(),
            rtype: RecordType::TXT,
            ttl,
            rdata: text(number),
        }
    }

    fn additions(&self, count: usize) -> Vec<Update> {
        let numbers = 10..10 + count;
        numbers
            .map(|number| self.add(number, TTL_SECONDS))
            .collect()
    }

    /// Returns the prerequisites that the name has exactly these records.
    fn all_of(&self, numbers: &[usize]) -> Vec<Prerequisite> {
        let equals = |number: &usize| Prerequisite::Equals {
            owner: self.owner.clone(),
            rtype: RecordType::TXT,
            rdata: text(*number),
        };
        numbers.iter().map(equals).collect()
    }

    async fn texts(&mut self) -> Result<Vec<Rdata>, Failure> {
        let found = self.records(&self.owner.clone(), RecordType::TXT).await?;
        Ok(found.into_iter().map(|record| record.rdata).collect())
    }

    /// Returns the records of the name once this one is served.
    async fn texts_with(&mut self, rdata: &Rdata) -> Result<Vec<Rdata>, Failure> {
        loop {
            let texts = self.texts().await?;
            if texts.contains(rdata) {
                return Ok(texts);
            }
            self.wait().await?;
        }
    }

    async fn records(&mut self, owner: &Name, rtype: RecordType) -> Result<Vec<Record>, Failure> {
        let response = ask(self.session, owner, rtype).await?;
        let found = response.iter().flat_map(|it| it.records(owner, rtype));
        Ok(found.cloned().collect())
    }

    async fn wait(&self) -> Result<(), Failure> {
        if Instant::now() + PAUSE >= self.session.deadline {
            return Err(Failure::DeadlinePassed);
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Returns the data of a TXT record with a number.
fn text(number: usize) -> Rdata {
    let text = format!("nsbridge-check {number}");
    let length = u8::try_from(text.len()).expect("a short text");
    Rdata::from_canonical([&[length], text.as_bytes()].concat())
}
