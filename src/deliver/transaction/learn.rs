//! What a transaction learns of its primary, by signed responses alone; `Context` stores it when the work ends.
//!
//! Most habits only of a primary that creates no zones and keeps no catalog, both of which need all of RFC 2136, and that
//! is no server whose habits are known.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::probe::random_owner;
use crate::deliver::error::Failure;
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Session, random_id};
use crate::diagnostic::Software;
use crate::model::ZoneName;
use crate::plan::{Batch, Habit, Learnt};
use crate::transport::RequestKind;
use crate::wire::{self, Rcode};

/// The longest time to ask for the software of a primary.
const SOFTWARE_TIME_MAX: Duration = Duration::from_millis(500);

/// Asks the primary once for its software, if nothing else tells, so that hints name that alone.
pub(crate) async fn learn_software(session: &mut Session<'_>) {
    let primary = session.primary;
    if primary.provisioning.is_none() && session.abilities.answers_queries() {
        let ask = Box::pin(ask_software(session));
        let ask = async { ask.await.unwrap_or_default() };
        primary.pool.software.get_or_init(|| ask).await;
    }
}

async fn ask_software(session: &mut Session<'_>) -> Result<(Software, String), Failure> {
    let message = wire::encode_version_query(random_id()?);
    let exchange = session.exchange(&message, None, RequestKind::Query);
    if let Ok(answer) = timeout(SOFTWARE_TIME_MAX, exchange).await {
        let (answer, _) = answer?;
        return Ok((wire::software_of(&answer), wire::version_of(&answer)));
    }
    session.connection = None;
    Ok((Software::Unknown, String::new()))
}

/// Returns whether the primary may have habits of its own.
async fn may_have_habits(session: &mut Session<'_>) -> bool {
    let primary = session.primary;
    if primary.provisioning.is_some() || primary.catalog.is_some() {
        return false;
    }
    learn_software(session).await;
    primary.software() == Software::Unknown
}

/// Notes a habit of the primary, or of a zone with the key.
///
/// Returns `false` if such a primary does not have it.
pub(crate) async fn learn(
    session: &mut Session<'_>,
    zone: &ZoneName,
    habit: Habit,
    value: u32,
) -> bool {
    if !may_have_habits(session).await && !habit.is_of_any_server() {
        return false;
    }
    let learnt = Learnt { habit, value };
    session.abilities = session.abilities.clone().with([learnt].into_iter());
    session.lessons.push((zone.clone(), learnt));
    true
}

/// Replaces the refusal of the first UPDATE of a transaction if the primary refuses all that have prerequisites: of two
/// that change nothing it takes the one without.
pub(super) async fn explain_prerequisites(
    session: &mut Session<'_>,
    batch: &Batch,
    failure: Failure,
) -> Failure {
    let of_message = [Rcode::FORMERR, Rcode::NOTIMP, Rcode::REFUSED];
    let is_one =
        matches!(&failure, Failure::UpdateRefused { rcode, .. } if of_message.contains(rcode));
    if !is_one || batch.prerequisites.is_empty() || !may_have_habits(session).await {
        return failure;
    }
    let Ok(owner) = random_owner(batch.zone.apex()) else {
        return failure;
    };
    let with_one = Batch::of_absent_record(&batch.zone, &owner);
    let without = Batch {
        prerequisites: Vec::new(),
        ..with_one.clone()
    };
    if let Ok(Some(_)) = refusal(session, &with_one).await
        && let Ok(None) = refusal(session, &without).await
    {
        let primary = session.primary.name.clone();
        return Failure::PrerequisitesRefused { primary };
    }
    failure
}

/// Returns the code with which the primary refuses an UPDATE.
async fn refusal(session: &mut Session<'_>, batch: &Batch) -> Result<Option<Rcode>, Failure> {
    let key = &session.keys.update;
    let reply = session.update_once(batch, key).await?;
    match is_applied(reply, &batch.zone, key.name()) {
        Ok(_) => Ok(None),
        Err(Failure::UpdateRefused { rcode, .. }) => Ok(Some(rcode)),
        Err(other) => Err(other),
    }
}

/// Returns whether the primary refuses UPDATEs for their time, and slows down if so. The proof is an UPDATE of this
/// transaction that it took before, and refuses now: it changes nothing. Once that is known, an UPDATE that holds nothing
/// but prerequisites tells.
pub(super) async fn is_limited(
    session: &mut Session<'_>,
    zone: &ZoneName,
    failure: &Failure,
    taken: Option<Batch>,
) -> Result<bool, Failure> {
    let Failure::UpdateRefused {
        rcode: Rcode::REFUSED,
        ..
    } = failure
    else {
        return Ok(false);
    };
    let is_known = !session.primary.pool.pace.interval().is_zero();
    if !is_known && taken.is_none() || !may_have_habits(session).await {
        return Ok(false);
    }
    let nothing = Batch::without_effect(zone, zone.apex(), &[]);
    let batch = taken.unwrap_or_else(|| session.abilities.fit_batch(nothing, &[]));
    if refusal(session, &batch).await? != Some(Rcode::REFUSED) {
        return Ok(false);
    }
    session.primary.pool.pace.slow_down(Instant::now());
    // The value is known when the work ends.
    learn(session, zone, Habit::Interval, 0).await;
    Ok(true)
}
