//! The state of a zone at a PowerDNS.

use super::api::{Api, MARK, Zone};
use super::error::PowerDnsError;
use crate::provision::status::{Creator, ZoneStatus};

/// The start of the account of an unfinished zone; the name of the instance follows.
pub(super) const ACCOUNT_PREFIX: &str = "nsbridge:";

/// The state of a zone at the server.
pub(super) enum ServerZone {
    Absent,
    /// An unfinished zone with its account, which a process creates, or left when it was killed.
    Unfinished(String),
    /// A zone that takes updates, with the instance in its mark.
    Primary(Option<String>),
    /// A zone of another kind.
    Other(String),
}

impl ServerZone {
    /// Asks the server for the state of a zone.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub(super) async fn read(api: &Api<'_>) -> Result<Self, PowerDnsError> {
        let zone = api.get().await?;
        let Some(Zone {
            kind,
            account,
            masters,
            ..
        }) = zone
        else {
            return Ok(Self::Absent);
        };
        Ok(match kind.to_ascii_lowercase().as_str() {
            "master" | "primary" | "native" => {
                let mut mark = api.metadata(MARK).await?;
                Self::Primary(mark.pop())
            }
            "slave" | "secondary" if account.starts_with(ACCOUNT_PREFIX) => {
                Self::Unfinished(account)
            }
            _ if masters.is_empty() => Self::Other(kind),
            _ => Self::Other(format!("{kind} of {}", masters.join(", "))),
        })
    }
}

/// Returns the status of an unfinished zone of another instance.
pub(super) fn other_instance(account: &str) -> ZoneStatus {
    let instance = account.strip_prefix(ACCOUNT_PREFIX).unwrap_or(account);
    ZoneStatus::Other(Creator::Instance(instance.to_owned()))
}
