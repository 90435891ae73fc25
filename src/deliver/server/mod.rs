//! One primary: its settings, the signed conversation with it, and what it answers.

mod exchange;
pub(crate) mod name_servers;
mod primary;
pub(crate) mod query;
pub(crate) mod serving;
mod session;
pub(crate) mod transfer;

pub use name_servers::NameServer;
pub(crate) use primary::CatalogSoa;
pub use primary::{Catalog, Pool, Primary, Provisioning, SigningKeys};
pub(crate) use session::{Session, Transfer, open, random_id};
