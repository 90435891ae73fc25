//! The settings of the provisioner for PowerDNS.

use std::time::Duration;

use crate::model::{Name, Secret};
use crate::transport::Endpoint;

/// The settings of a [`PowerDns`](super::PowerDns).
#[derive(Clone, Debug)]
pub struct PowerDnsSettings {
    /// Host, port and TLS of the API.
    pub endpoint: Endpoint,
    /// The path before `/api`, without a final slash; mostly empty.
    pub path: String,
    /// The API key.
    pub api_key: Secret<String>,
    /// The name of this instance, which marks its zones.
    pub instance: String,
    /// The names of the keys that may update the new zones; at least one.
    pub update_keys: Vec<Name>,
    /// The names of the keys that may transfer the new zones; at least one.
    pub transfer_keys: Vec<Name>,
    /// The longest wait for the response to one request.
    pub exchange_time_max: Duration,
}
