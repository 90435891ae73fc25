//! Moves the serial of the catalog on, so that secondaries follow a primary that was restored from an older copy.
//!
//! A serial that follows the time (seconds since 1970) is later than each that the catalog had before. PowerDNS makes
//! serials of the date, which are ahead of the time: there the state has the latest serial.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Catalog, CatalogSoa, Session};
use crate::model::{RecordType, Serial, Soa};
use crate::plan::next_serial;

/// For how long a serial that is ahead of the time is not asked for again.
const SERIAL_AGE_MAX: Duration = Duration::from_secs(60);

/// The lead of a serial over the time, in seconds, that changes in quick succession may give it.
const LEAD_SECONDS_MAX: u32 = 3_600;

/// How many changes are counted until the primary is asked for the serial again.
const COUNTED_MAX: u32 = 100;

impl Catalog {
    /// Moves the serial on before a change, and returns it. A key without a right to the SOA leaves it to the primary.
    ///
    /// # Errors
    /// [`Failure::CatalogLost`] if the serial is behind one that the catalog had: entries may be missing.
    pub(crate) async fn move_serial(&self, session: &mut Session<'_>) -> Result<Serial, Failure> {
        self.move_on(session, false).await
    }

    /// Moves the serial on of a catalog whose entries are all there.
    pub(crate) async fn move_serial_of_whole(
        &self,
        session: &mut Session<'_>,
    ) -> Result<Serial, Failure> {
        self.soa.take();
        self.move_on(session, true).await
    }

    async fn move_on(&self, session: &mut Session<'_>, is_whole: bool) -> Result<Serial, Failure> {
        let now = now(session);
        let known = self.soa.borrow().clone();
        let known = known.filter(|(soa, _, asked_at)| {
            !soa.serial.is_after(now) || asked_at.elapsed() < SERIAL_AGE_MAX
        });
        let ((mut soa, ttl, asked_at), last) = if let Some(known) = known {
            (known, None)
        } else {
            // Before the question: another session may change the catalog meanwhile.
            let (last, certain) = (self.last_serial.get(), self.certain_serial.get());
            let asked = self.ask_soa(session).await?;
            // Only an answer shows that the primary was restored.
            let is_older = certain.is_some_and(|it| it.is_after(asked.0.serial));
            if is_older && !is_whole {
                let catalog = self.zone().clone();
                return Err(Failure::CatalogLost { catalog });
            }
            if !is_older {
                // More changes may have been counted than there were.
                self.last_serial.set(Some(asked.0.serial));
            }
            (asked, last)
        };
        if let Some(serial) = next_serial(soa.serial, now, last)
            && self.takes_soa.get()
        {
            let moved = Soa {
                serial,
                ..soa.clone()
            };
            let batch = self.name.move_serial(&moved, ttl);
            let reply = session.repeat(&batch, &self.key, true).await?;
            match is_applied(reply, self.zone(), self.key.name()) {
                Ok(true) => {
                    self.note_certain(serial);
                    soa = moved;
                }
                // Another format: so does the change fail.
                Ok(false) => {}
                // Knot: without a signature.
                Err(
                    Failure::UpdateRefused { .. }
                    | Failure::Unsigned { .. }
                    | Failure::BadKey { .. },
                ) => self.takes_soa.set(false),
                Err(failure) => return Err(failure),
            }
        }
        let reached = soa.serial;
        self.note_reached((soa, ttl, asked_at));
        Ok(reached)
    }

    async fn ask_soa(&self, session: &mut Session<'_>) -> Result<CatalogSoa, Failure> {
        let apex = self.zone().apex();
        let response = self.answer(session, apex, RecordType::SOA).await?;
        let record = response.records(apex, RecordType::SOA).next();
        let record = record.ok_or(Failure::ZoneAbsent)?;
        let soa = Soa::from_rdata(&record.rdata).map_err(Failure::Soa)?;
        self.note_certain(soa.serial);
        Ok((soa, record.ttl, Instant::now()))
    }

    /// Takes note that an UPDATE has changed the catalog, which had the serial `before`: that moves it on. Knot: moves it
    /// on once for several UPDATEs that come close together.
    pub(crate) fn count_change(&self, before: Serial, joins_updates: bool) {
        if let Some((mut soa, ttl, asked_at)) = self.soa.take() {
            let is_counted = !joins_updates || soa.serial == before;
            soa.serial = soa.serial.plus(is_counted.into());
            self.note_reached((soa, ttl, asked_at));
        }
    }

    fn note_reached(&self, soa: CatalogSoa) {
        raise(&self.last_serial, soa.0.serial);
        self.soa.replace(Some(soa));
    }

    fn note_certain(&self, serial: Serial) {
        raise(&self.certain_serial, serial);
    }
}

/// Notes a serial, unless a later one is noted.
fn raise(noted: &Cell<Option<Serial>>, serial: Serial) {
    if noted.get().is_none_or(|noted| serial.is_after(noted)) {
        noted.set(Some(serial));
    }
}

/// Returns the time as a serial.
fn now(session: &Session<'_>) -> Serial {
    let now = (session.clock)() & u64::from(u32::MAX);
    Serial(u32::try_from(now).unwrap_or(u32::MAX))
}

/// Stores the latest known serial of the catalog if it differs from `before`. Asks the primary for it first if it is far ahead
/// of the time, which the primary has chosen, and if many changes were counted since the last answer.
pub(crate) async fn note_serial(
    cx: &mut Context<'_>,
    before: Option<Serial>,
) -> Result<(), Failure> {
    let session = &mut cx.session;
    let Some(catalog) = &session.primary.catalog else {
        return Ok(());
    };
    let last = catalog.last_serial.get();
    if last == before {
        return Ok(());
    }
    let latest = now(session).plus(LEAD_SECONDS_MAX);
    let certain = catalog.certain_serial.get();
    let counted = certain.map_or(latest, |it| it.plus(COUNTED_MAX));
    if last.is_some_and(|last| last.is_after(latest) || last.is_after(counted)) {
        catalog.soa.take();
        if let Err(failure) = catalog.move_serial(session).await {
            tracing::debug!(%failure, "the serial of the catalog is not known");
        }
    }
    let key = session.zone_key(catalog.zone());
    match catalog.last_serial.get() {
        Some(serial) => cx.store.note_catalog_serial(key, serial),
        None => Ok(()),
    }
}
