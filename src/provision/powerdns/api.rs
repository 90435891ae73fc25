//! The resources of the API, and the meaning of their responses.
//!
//! Only statuses and fields decide; the server's error texts only go into messages. An absent zone
//! and an absent API give one status (404), so this module reads the server's own resource before
//! it reports a zone as absent.

use std::fmt::Write as _;
use std::time::Duration;

use hyper::Method;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::error::{ERROR_TEXT_CHARACTERS_MAX, PowerDnsError};
use super::http::{Response, Server};
use crate::model::{Name, ZoneName, excerpt};

/// The one server that a PowerDNS has (`server_id` in its documentation).
const SERVER: &str = "/servers/localhost";
/// The pauses before the retries of a request that failed at the server. PowerDNS with SQLite: its
/// database may refuse one of two simultaneous writers, for some milliseconds.
const RETRY_PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(180),
    Duration::from_millis(540),
];
/// Further pauses of a request that changes something. On a slow disk, other writers may hold the
/// database for seconds.
const CHANGE_RETRY_PAUSES: [Duration; 10] = [Duration::from_millis(750); 10];

/// The kind of metadata with the names of the keys that may update a zone.
pub(super) const UPDATE_KEYS: &str = "TSIG-ALLOW-DNSUPDATE";
/// The kind of metadata with the instance of a zone. Custom kinds start with `X-`.
pub(super) const MARK: &str = "X-NSBRIDGE-INSTANCE";

/// A zone in a response of the API.
#[derive(Debug, Deserialize)]
pub(super) struct Zone {
    /// `Native`, `Master`, `Slave`, `Producer` or `Consumer`; `Primary` and `Secondary` in new
    /// versions.
    pub(super) kind: String,
    /// A free text of the client that created the zone.
    #[serde(default)]
    pub(super) account: String,
    /// The servers that a secondary zone is fetched from.
    #[serde(default)]
    pub(super) masters: Vec<String>,
    /// The names of the keys that may transfer the zone.
    #[serde(default, rename = "master_tsig_key_ids")]
    pub(super) transfer_keys: Vec<String>,
}

/// The records of a zone, as far as a half-made zone differs from a whole one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Contents {
    /// No record at all, not even a disabled one.
    None,
    /// Records without an SOA that is in use.
    WithoutSoa,
    /// Records with an SOA.
    WithSoa,
}

#[derive(Deserialize)]
struct ZoneContents {
    rrsets: Vec<ZoneSet>,
}

#[derive(Deserialize)]
struct ZoneSet {
    #[serde(rename = "type")]
    rtype: String,
    /// Empty if there are only comments.
    records: Vec<ZoneRecord>,
}

#[derive(Deserialize)]
struct ZoneRecord {
    disabled: bool,
}

#[derive(Deserialize, Serialize)]
struct Metadata {
    kind: String,
    metadata: Vec<String>,
}

#[derive(Deserialize)]
struct TsigKey {
    name: String,
}

#[derive(Deserialize)]
struct Problem {
    error: String,
}

#[derive(Serialize)]
struct TransferKeys {
    master_tsig_key_ids: Vec<String>,
}

#[derive(Serialize)]
struct Promotion<'a> {
    kind: &'a str,
    account: &'a str,
}

/// The outcome of a request for a new zone.
#[derive(Debug)]
pub(super) enum Posted {
    /// The zone was created.
    Created,
    /// A zone of this name existed before.
    Conflict,
    /// The server refuses the contents, a key or the size: status and error text.
    Refused(u16, String),
}

/// The requests about one zone of the server, with their deadline.
pub(super) struct Api<'a> {
    pub(super) server: &'a Server,
    pub(super) zone: &'a ZoneName,
    pub(super) deadline: Instant,
}

impl Api<'_> {
    /// Creates a zone.
    pub(super) async fn post(&self, body: String) -> Result<Posted, PowerDnsError> {
        let path = format!("{SERVER}/zones?rrsets=false");
        let response = self.send(Method::POST, &path, Some(body)).await?;
        match response.status {
            _ if is_success(&response) => Ok(Posted::Created),
            409 => Ok(Posted::Conflict),
            400 | 413 | 422 => Ok(Posted::Refused(response.status, error_text(&response))),
            // Every retry of one of two simultaneous creations may fail.
            500.. if self.get().await?.is_some() => Ok(Posted::Conflict),
            _ => Err(self.refused("making the zone", &response)),
        }
    }

    /// Reads the zone; `None` if it does not exist.
    pub(super) async fn get(&self) -> Result<Option<Zone>, PowerDnsError> {
        let path = format!("{}?rrsets=false", self.path());
        let response = self.send(Method::GET, &path, None).await?;
        match response.status {
            200 => self.read(&response).map(Some),
            404 => self.confirm_server().await.map(|()| None),
            _ => Err(self.refused("reading the zone", &response)),
        }
    }

    /// Reads what the zone holds; nothing if it does not exist. A zone too large to read counts as whole.
    pub(super) async fn contents(&self) -> Result<Contents, PowerDnsError> {
        let response = match self.send(Method::GET, &self.path(), None).await {
            Err(PowerDnsError::TooLong { .. }) => return Ok(Contents::WithSoa),
            response => response?,
        };
        match response.status {
            200 => {}
            404 => return self.confirm_server().await.map(|()| Contents::None),
            _ => return Err(self.refused("reading the zone", &response)),
        }
        let sets = self.read::<ZoneContents>(&response)?.rrsets;
        let is_soa_in_use =
            |set: &ZoneSet| set.rtype == "SOA" && set.records.iter().any(|it| !it.disabled);
        Ok(if sets.iter().any(is_soa_in_use) {
            Contents::WithSoa
        } else if sets.iter().all(|set| set.records.is_empty()) {
            Contents::None
        } else {
            Contents::WithoutSoa
        })
    }

    /// Deletes the zone; returns `false` if it did not exist.
    pub(super) async fn delete(&self) -> Result<bool, PowerDnsError> {
        let response = self.send(Method::DELETE, &self.path(), None).await?;
        match response.status {
            _ if is_success(&response) => Ok(true),
            404 => self.confirm_server().await.map(|()| false),
            _ => Err(self.refused("removing the zone", &response)),
        }
    }

    /// Turns the zone into a primary zone, and sets its account.
    pub(super) async fn promote(&self, account: &str) -> Result<(), PowerDnsError> {
        let promotion = Promotion {
            // The versions that report "Primary" accept this too.
            kind: "Master",
            account,
        };
        let body = to_json(&promotion);
        let response = self.send(Method::PUT, &self.path(), Some(body)).await?;
        self.succeeded("making the zone a primary one", &response)
    }

    /// Sets the keys that may transfer the zone. The API does not accept them as metadata.
    pub(super) async fn set_transfer_keys(&self, keys: Vec<String>) -> Result<(), PowerDnsError> {
        let body = to_json(&TransferKeys {
            master_tsig_key_ids: keys,
        });
        let response = self.send(Method::PUT, &self.path(), Some(body)).await?;
        self.succeeded("setting the keys that may transfer the zone", &response)
    }

    /// Reads the values of one kind of metadata.
    pub(super) async fn metadata(&self, kind: &str) -> Result<Vec<String>, PowerDnsError> {
        let path = format!("{}/metadata/{kind}", self.path());
        let response = self.send(Method::GET, &path, None).await?;
        self.succeeded("reading the zone's metadata", &response)?;
        Ok(self.read::<Metadata>(&response)?.metadata)
    }

    /// Sets the values of one kind of metadata.
    pub(super) async fn set_metadata(
        &self,
        kind: &str,
        values: Vec<String>,
    ) -> Result<(), PowerDnsError> {
        let body = Metadata {
            kind: kind.to_owned(),
            metadata: values,
        };
        let path = format!("{}/metadata/{kind}", self.path());
        let response = self.send(Method::PUT, &path, Some(to_json(&body))).await?;
        self.succeeded("writing the zone's metadata", &response)
    }

    /// Reads the names of the keys that the server knows. The response contains no secrets.
    pub(super) async fn keys(&self) -> Result<Vec<Name>, PowerDnsError> {
        let path = format!("{SERVER}/tsigkeys");
        let response = self.send(Method::GET, &path, None).await?;
        self.succeeded("reading the names of the keys", &response)?;
        let keys = self.read::<Vec<TsigKey>>(&response)?.into_iter();
        Ok(keys.filter_map(|key| key.name.parse().ok()).collect())
    }

    /// Checks that the responses come from the API of a PowerDNS at all.
    async fn confirm_server(&self) -> Result<(), PowerDnsError> {
        let response = self.send(Method::GET, SERVER, None).await?;
        if response.status == 200 {
            return self.read::<ServerResource>(&response).map(drop);
        }
        Err(self.refused("reading the server's version", &response))
    }

    /// Sends a request, and repeats it if the server reports an internal error. Every request may
    /// be repeated: the server answers 404 or 409 if it has already applied one.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response, PowerDnsError> {
        let further = CHANGE_RETRY_PAUSES.iter().filter(|_| method != Method::GET);
        let mut pauses = RETRY_PAUSES.iter().chain(further);
        loop {
            let request = self
                .server
                .request(method.clone(), path, body.clone(), self.deadline);
            let response = request.await?;
            match pauses.next() {
                Some(pause)
                    if response.status >= 500 && Instant::now() + *pause < self.deadline =>
                {
                    tokio::time::sleep(*pause).await;
                }
                _ => return Ok(response),
            }
        }
    }

    fn path(&self) -> String {
        format!("{SERVER}/zones/{}", zone_id(self.zone))
    }

    fn succeeded(&self, step: &'static str, response: &Response) -> Result<(), PowerDnsError> {
        if is_success(response) {
            Ok(())
        } else {
            Err(self.refused(step, response))
        }
    }

    /// Returns the error for a response that is no success.
    pub(super) fn refused(&self, step: &'static str, response: &Response) -> PowerDnsError {
        let (server, status) = (self.server.name(), response.status);
        match status {
            401 => PowerDnsError::WrongKey { server },
            403 => PowerDnsError::Forbidden { server },
            300..=399 => PowerDnsError::Redirected { server, status },
            429 | 502..=504 => PowerDnsError::Away { server, status },
            200..=299 | 404 => PowerDnsError::NotTheApi { server, status },
            _ if !is_of_powerdns(response) => PowerDnsError::NotTheApi { server, status },
            _ => PowerDnsError::Refused {
                server,
                zone: self.zone.clone(),
                step,
                status,
                answer: error_text(response),
            },
        }
    }

    fn read<'b, T: Deserialize<'b>>(&self, response: &'b Response) -> Result<T, PowerDnsError> {
        serde_json::from_slice(&response.body).map_err(|_| PowerDnsError::NotTheApi {
            server: self.server.name(),
            status: response.status,
        })
    }
}

/// Returns whether the server applied the request: its response is JSON then, or empty. A page with
/// a status of success comes from another server.
fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
        && (response.body.is_empty()
            || serde_json::from_slice::<IgnoredAny>(&response.body).is_ok())
}

#[derive(Deserialize)]
struct ServerResource {
    #[serde(rename = "daemon_type")]
    _daemon_type: AuthoritativeDaemon,
}

/// The recursor and dnsdist have an API of this form, but without zones that can be created.
#[derive(Deserialize)]
enum AuthoritativeDaemon {
    #[serde(rename = "authoritative")]
    Authoritative,
}

/// Returns the error text of the server: from its JSON, or the short text of a plain status.
fn error_text(response: &Response) -> String {
    let text = match serde_json::from_slice::<Problem>(&response.body) {
        Ok(problem) => problem.error,
        Err(_) => String::from_utf8_lossy(&response.body).into_owned(),
    };
    excerpt(&text, ERROR_TEXT_CHARACTERS_MAX)
}

/// Returns whether an error has the form of PowerDNS: JSON with a text, or the text of the status.
fn is_of_powerdns(response: &Response) -> bool {
    const PLAIN_OCTETS_MAX: usize = 40;
    serde_json::from_slice::<Problem>(&response.body).is_ok()
        || response.body.len() <= PLAIN_OCTETS_MAX && !response.body.contains(&b'<')
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and lists of them become JSON")
}

/// Formats the name of a zone for a path: every octet but letters, digits, `-`, `.` and `_` is `=`
/// and two hexadecimal digits.
fn zone_id(zone: &ZoneName) -> String {
    let text = zone.apex().to_lowercase().to_string();
    let mut id = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._".contains(&octet) {
            id.push(char::from(octet));
        } else {
            let _ = write!(id, "={octet:02X}");
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_the_id_in_paths_that_the_server_gives_it() {
        let id = |name: &str| zone_id(&ZoneName::new(&name.parse().unwrap()));
        assert_eq!(id("Example.com"), "example.com.");
        assert_eq!(
            id("0/25.2.0.192.in-addr.arpa."),
            "0=2F25.2.0.192.in-addr.arpa."
        );
    }
}
