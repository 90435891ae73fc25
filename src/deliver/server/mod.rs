//! One primary: its settings, the signed conversation with it, and what it answers.

mod congestion;
mod exchange;
mod primary;
pub(crate) mod query;
mod session;
pub(crate) mod transfer;

pub use exchange::EXCHANGE_TIME_MAX;
pub(crate) use primary::Reading;
pub use primary::{Catalog, CatalogCensus, Pool, Primary, Provisioning, Read};
pub(crate) use session::{Session, Transfer, open};
