//! Fleets: several installations, a primary, and secondaries that follow its catalog, while servers are rebuilt,
//! restored, renamed and changed by hand.

mod audit;
mod history;
mod lost;
mod world;
