//! The resources of the API that are used here, and what their answers mean.
//!
//! Only statuses and fields decide; words of the server go into messages. A zone that is not there and
//! an API that is not there look alike (404), so the server itself is asked before a zone is called
//! absent.

use std::fmt::Write as _;
use std::time::Duration;

use hyper::Method;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::error::{PowerDnsError, WORDS_CHARACTERS_MAX};
use super::http::{Answer, Server};
use crate::model::{Name, ZoneName, excerpt};

/// The one server that a PowerDNS has (`server_id` in its documentation).
const SERVER: &str = "/servers/localhost";
/// The pauses before a request that the server could not carry out is sent again: of two that write at once
/// its database may refuse one, for some milliseconds.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(180),
    Duration::from_millis(540),
];

/// Metadata with the names of the keys that may update a zone.
pub(super) const UPDATE_KEYS: &str = "TSIG-ALLOW-DNSUPDATE";
/// Metadata with the instance that made a zone. Kinds of one's own begin with `X-`.
pub(super) const MARK: &str = "X-NSBRIDGE-INSTANCE";

/// A zone as the API shows it.
#[derive(Debug, Deserialize)]
pub(super) struct Zone {
    /// `Native`, `Master`, `Slave`, `Producer` or `Consumer`; `Primary` and `Secondary` in new versions.
    pub(super) kind: String,
    /// Whose it is, in the words of whoever made it.
    #[serde(default)]
    pub(super) account: String,
    /// The names of the keys that may transfer it.
    #[serde(default, rename = "master_tsig_key_ids")]
    pub(super) transfer_keys: Vec<String>,
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

/// What became of a request for a new zone.
#[derive(Debug)]
pub(super) enum Posted {
    /// It is there.
    Made,
    /// A zone of this name was there before.
    Conflict,
    /// The contents, a key or the size are not to the server's liking: its status and words.
    Refused(u16, String),
}

/// One zone of the server, and the time there is for requests about it.
pub(super) struct Api<'a> {
    pub(super) server: &'a Server,
    pub(super) zone: &'a ZoneName,
    pub(super) deadline: Instant,
}

impl Api<'_> {
    /// Makes a zone.
    pub(super) async fn post(&self, body: String) -> Result<Posted, PowerDnsError> {
        let path = format!("{SERVER}/zones?rrsets=false");
        let answer = self.send(Method::POST, &path, Some(body)).await?;
        match answer.status {
            _ if is_success(&answer) => Ok(Posted::Made),
            409 => Ok(Posted::Conflict),
            400 | 413 | 422 => Ok(Posted::Refused(answer.status, words(&answer))),
            // Two at once may be in each other's way to the end.
            500.. if self.get().await?.is_some() => Ok(Posted::Conflict),
            _ => Err(self.refused("making the zone", &answer)),
        }
    }

    /// The zone as it is; none where there is none.
    pub(super) async fn get(&self) -> Result<Option<Zone>, PowerDnsError> {
        let path = format!("{}?rrsets=false", self.path());
        let answer = self.send(Method::GET, &path, None).await?;
        match answer.status {
            200 => self.read(&answer).map(Some),
            404 => self.confirm_server().await.map(|()| None),
            _ => Err(self.refused("reading the zone", &answer)),
        }
    }

    /// Removes the zone; false where there is none.
    pub(super) async fn delete(&self) -> Result<bool, PowerDnsError> {
        let answer = self.send(Method::DELETE, &self.path(), None).await?;
        match answer.status {
            _ if is_success(&answer) => Ok(true),
            404 => self.confirm_server().await.map(|()| false),
            _ => Err(self.refused("removing the zone", &answer)),
        }
    }

    /// Makes a primary zone of it, and gives it this account.
    pub(super) async fn promote(&self, account: &str) -> Result<(), PowerDnsError> {
        let promotion = Promotion {
            // Also understood by the versions that say "Primary".
            kind: "Master",
            account,
        };
        let body = to_json(&promotion);
        let answer = self.send(Method::PUT, &self.path(), Some(body)).await?;
        self.succeeded("making the zone a primary one", &answer)
    }

    /// Sets the keys that may transfer the zone. The API takes them as metadata from nobody.
    pub(super) async fn set_transfer_keys(&self, keys: Vec<String>) -> Result<(), PowerDnsError> {
        let body = to_json(&TransferKeys {
            master_tsig_key_ids: keys,
        });
        let answer = self.send(Method::PUT, &self.path(), Some(body)).await?;
        self.succeeded("setting the keys that may transfer the zone", &answer)
    }

    /// The values of metadata of one kind; none where there are none.
    pub(super) async fn metadata(&self, kind: &str) -> Result<Vec<String>, PowerDnsError> {
        let path = format!("{}/metadata/{kind}", self.path());
        let answer = self.send(Method::GET, &path, None).await?;
        self.succeeded("reading the zone's metadata", &answer)?;
        Ok(self.read::<Metadata>(&answer)?.metadata)
    }

    /// Sets the values of metadata of one kind.
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
        let answer = self.send(Method::PUT, &path, Some(to_json(&body))).await?;
        self.succeeded("writing the zone's metadata", &answer)
    }

    /// The names of the keys that the server knows. The list has no secrets in it.
    pub(super) async fn keys(&self) -> Result<Vec<Name>, PowerDnsError> {
        let path = format!("{SERVER}/tsigkeys");
        let answer = self.send(Method::GET, &path, None).await?;
        self.succeeded("reading the names of the keys", &answer)?;
        let keys = self.read::<Vec<TsigKey>>(&answer)?.into_iter();
        Ok(keys.filter_map(|key| key.name.parse().ok()).collect())
    }

    /// Asks whether what answers is the API of a PowerDNS at all.
    async fn confirm_server(&self) -> Result<(), PowerDnsError> {
        let answer = self.send(Method::GET, SERVER, None).await?;
        if answer.status == 200 {
            return self.read::<ServerResource>(&answer).map(drop);
        }
        Err(self.refused("reading the server's version", &answer))
    }

    /// Sends a request, and again where the server has an error of its own. Each may be repeated: what was done
    /// before is answered with 404 or 409.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, PowerDnsError> {
        let mut pauses = PAUSES.iter();
        loop {
            let request = self
                .server
                .request(method.clone(), path, body.clone(), self.deadline);
            let answer = request.await?;
            match pauses.next() {
                Some(pause) if answer.status >= 500 && Instant::now() + *pause < self.deadline => {
                    tokio::time::sleep(*pause).await;
                }
                _ => return Ok(answer),
            }
        }
    }

    fn path(&self) -> String {
        format!("{SERVER}/zones/{}", zone_id(self.zone))
    }

    fn succeeded(&self, step: &'static str, answer: &Answer) -> Result<(), PowerDnsError> {
        if is_success(answer) {
            Ok(())
        } else {
            Err(self.refused(step, answer))
        }
    }

    /// The error of an answer that is no success.
    pub(super) fn refused(&self, step: &'static str, answer: &Answer) -> PowerDnsError {
        let (server, status) = (self.server.name(), answer.status);
        match status {
            401 => PowerDnsError::WrongKey { server },
            403 => PowerDnsError::Forbidden { server },
            300..=399 => PowerDnsError::Redirected { server, status },
            429 | 502..=504 => PowerDnsError::Away { server, status },
            200..=299 | 404 => PowerDnsError::NotTheApi { server, status },
            _ if !is_of_powerdns(answer) => PowerDnsError::NotTheApi { server, status },
            _ => PowerDnsError::Refused {
                server,
                zone: self.zone.clone(),
                step,
                status,
                answer: words(answer),
            },
        }
    }

    fn read<'b, T: Deserialize<'b>>(&self, answer: &'b Answer) -> Result<T, PowerDnsError> {
        serde_json::from_slice(&answer.body).map_err(|_| PowerDnsError::NotTheApi {
            server: self.server.name(),
            status: answer.status,
        })
    }
}

/// Whether the server did what it was asked: it answers with JSON then, or with nothing. A page with that status is
/// somebody else's.
fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
        && (answer.body.is_empty() || serde_json::from_slice::<IgnoredAny>(&answer.body).is_ok())
}

#[derive(Deserialize)]
struct ServerResource {
    #[serde(rename = "daemon_type")]
    _daemon_type: AuthoritativeDaemon,
}

/// The recursor and dnsdist have an API of the same form, and no zones that can be made.
#[derive(Deserialize)]
enum AuthoritativeDaemon {
    #[serde(rename = "authoritative")]
    Authoritative,
}

/// What the server said: the text of its JSON, or the short text that it sends for plain statuses.
fn words(answer: &Answer) -> String {
    let text = match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => problem.error,
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    excerpt(&text, WORDS_CHARACTERS_MAX)
}

/// Whether an error reads as PowerDNS writes them: JSON with a text, or the words of the status.
fn is_of_powerdns(answer: &Answer) -> bool {
    const PLAIN_OCTETS_MAX: usize = 40;
    serde_json::from_slice::<Problem>(&answer.body).is_ok()
        || answer.body.len() <= PLAIN_OCTETS_MAX && !answer.body.contains(&b'<')
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and lists of them become JSON")
}

/// How a zone is named in paths: what is neither letter, digit, `-`, `.` nor `_` as `=` and its
/// hexadecimal digits.
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
    fn a_zone_is_named_in_paths_as_the_server_names_it() {
        let id = |name: &str| zone_id(&ZoneName::new(&name.parse().unwrap()));
        assert_eq!(id("Example.com"), "example.com.");
        assert_eq!(
            id("0/25.2.0.192.in-addr.arpa."),
            "0=2F25.2.0.192.in-addr.arpa."
        );
    }
}
