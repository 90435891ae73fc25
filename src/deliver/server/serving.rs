//! Asks the primary whether it serves a zone at this moment.

use super::query::{authentic, soa_of};
use super::session::Session;
use crate::deliver::error::Failure;
use crate::model::{RecordType, ZoneName};
use crate::wire::{Rcode, Reply};

/// How a primary answers for a name at this moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Serving {
    /// It serves a zone of that name.
    Yes,
    /// It has such a zone, which is not loaded.
    NotLoaded,
    /// It has no such zone; unauthenticated if the primary signs no such response.
    No,
    /// It refuses the key. Knot: also while it creates or drops a zone.
    KeyDenied,
}

/// Queries how the primary answers for a name at this moment.
pub(crate) async fn serving(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Serving, Failure> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    if answer == Reply::BadKey {
        return Ok(Serving::KeyDenied);
    }
    let rcode = if let Reply::Unsigned(rcode) = answer {
        rcode
    } else {
        let answer = authentic(answer, session.keys.update.name())?;
        match soa_of(&answer, zone) {
            Ok(Some(_)) => return Ok(Serving::Yes),
            Ok(None) => answer.rcode,
            // It is built in.
            Err(_) => return Ok(Serving::No),
        }
    };
    Ok(if rcode == Rcode::SERVFAIL {
        Serving::NotLoaded
    } else {
        Serving::No
    })
}
