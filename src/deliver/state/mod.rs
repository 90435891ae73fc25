//! What this instance manages: the state of each zone, and how an update changes it.

pub(crate) mod managed;
mod settled;
mod stateless;
mod zone_state;

pub use settled::{SETTLED_SECONDS, Settled};
pub use stateless::Stateless;
pub use zone_state::{
    Answer, Lesson, Provenance, PtrValue, REFUSAL_SECONDS, Refusal, StateChange, StateStore,
    ZoneKey, ZoneState, ZoneSummary,
};
