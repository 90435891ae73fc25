//! Fleets: several installations, a primary, and secondaries that follow its catalog, while servers are rebuilt,
//! restored, copied, renamed and changed by hand.

mod audit;
mod cloned;
mod day;
mod history;
mod lost;
mod machines;
mod restored;
mod restored_primary;
mod world;
