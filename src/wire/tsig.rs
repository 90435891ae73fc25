//! Transaction signatures, TSIG (RFC 8945). This module signs requests and responses, verifies
//! both, and verifies the chain of signatures over the responses of a transfer. The time is an
//! argument. [`Forgery`] reports why a signature is wrong; the caller decides whether that matters.

use super::encode::{EncodeError, put_record};
use super::frame::{CLASS_ANY, MESSAGE_OCTETS_MAX};
use super::key::{Digest, Key};
use super::message::Message;
use super::tsig_record::{Tsig, TsigVariables};
use crate::model::RECORD_FIXED_OCTETS;
use crate::model::{Name, RecordType};
use crate::plan::HEADER_OCTETS;

/// The permitted difference of two clocks, in seconds (RFC 8945 section 10).
const FUDGE_SECONDS: u16 = 300;
/// Octets of TSIG data without the algorithm's name and the MAC: time, fudge, MAC size, original
/// id, error, other length.
const TSIG_FIXED_OCTETS: usize = 6 + 2 + 2 + 2 + 2 + 2;

/// The MAC of a request; the MAC of its response covers it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestMac(Vec<u8>);

/// The reason why a signature is not one by the expected key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Forgery {
    /// The TSIG names another key.
    #[error("the message is signed with key `{0}`")]
    Key(Name),
    /// The TSIG names another algorithm.
    #[error("the message is signed with algorithm `{0}`")]
    Algorithm(Name),
    /// The MAC does not have the length of the key's algorithm (RFC 8945 section 5.2.2.1).
    #[error("the message's MAC has {octets} octets and not {expected}")]
    #[expect(missing_docs, reason = "the names of the fields say what they hold")]
    MacLength { octets: usize, expected: usize },
    /// The MAC is wrong: the signer has another secret, or octets changed on the way.
    #[error("the message's MAC is wrong")]
    Mac,
    /// The time of signing is too far from now, or the clocks differ (RFC 8945 section 5.2.3).
    #[error("the message was signed {offset_seconds} s from now, more than {fudge_seconds} s")]
    Time {
        /// The time of signing minus the local time, in seconds.
        offset_seconds: i64,
        /// The permitted difference, in seconds.
        fudge_seconds: u16,
    },
}

/// Returns exactly how many octets the TSIG record of a key adds to a message.
pub fn tsig_octets(key: &Key) -> usize {
    let algorithm = key.algorithm();
    let names = key.name().as_wire().len() + algorithm.name().as_wire().len();
    names + RECORD_FIXED_OCTETS + TSIG_FIXED_OCTETS + algorithm.mac_octets()
}

/// Signs a request (RFC 8945 section 5.1); `now` is Unix time in seconds.
///
/// # Errors
/// [`EncodeError::TooLong`] if the TSIG does not fit into the message, and
/// [`EncodeError::NotWhole`]. Both leave the message unchanged.
pub fn sign_request(message: &mut Vec<u8>, key: &Key, now: u64) -> Result<RequestMac, EncodeError> {
    sign(message, key, now, MacInput::Request).map(RequestMac)
}

/// Signs the responses to one request, in the order in which they are sent.
pub struct ResponseSigner {
    key: Key,
    prior_mac: Vec<u8>,
    is_first: bool,
}

impl ResponseSigner {
    /// Builds the signer of the responses to the request with this MAC.
    pub fn new(key: &Key, request: &RequestMac) -> Self {
        Self {
            key: key.clone(),
            prior_mac: request.0.clone(),
            is_first: true,
        }
    }

    /// Signs the next response (RFC 8945 sections 5.3 and 5.3.1); `now` is Unix time in seconds.
    ///
    /// # Errors
    /// Those of [`sign_request`].
    pub fn sign(&mut self, message: &mut Vec<u8>, now: u64) -> Result<(), EncodeError> {
        let mac_input = if self.is_first {
            MacInput::FirstResponse(&self.prior_mac)
        } else {
            MacInput::LaterResponse(&self.prior_mac)
        };
        self.prior_mac = sign(message, &self.key, now, mac_input)?;
        self.is_first = false;
        Ok(())
    }
}

/// The input of a MAC besides the message itself (RFC 8945 section 4.3).
#[derive(Clone, Copy)]
enum MacInput<'a> {
    /// The TSIG variables.
    Request,
    /// The MAC of the request and the TSIG variables.
    FirstResponse(&'a [u8]),
    /// The MAC of the prior response and the TSIG timers.
    LaterResponse(&'a [u8]),
}

/// Appends a TSIG to a message and returns its MAC.
fn sign(
    message: &mut Vec<u8>,
    key: &Key,
    now: u64,
    mac_input: MacInput<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let octets = message.len() + tsig_octets(key);
    if octets > MESSAGE_OCTETS_MAX {
        return Err(EncodeError::TooLong { octets });
    }
    // Octet 2 holds TC, octets 10 and 11 hold ARCOUNT (RFC 1035 section 4.1.1).
    let (id, additionals) = match message.first_chunk::<HEADER_OCTETS>() {
        Some(header) if header[2] & 0x02 == 0 => {
            let additionals = u16::from_be_bytes([header[10], header[11]]);
            ([header[0], header[1]], additionals)
        }
        _ => return Err(EncodeError::NotWhole),
    };
    let additionals = additionals.checked_add(1).ok_or(EncodeError::NotWhole)?;
    let algorithm = key.algorithm().name();
    let variables = TsigVariables {
        time: now,
        fudge: FUDGE_SECONDS,
        error: 0,
        other: &[],
    };
    let mut digest = key.digest();
    match mac_input {
        MacInput::Request => {}
        MacInput::FirstResponse(mac) | MacInput::LaterResponse(mac) => feed_mac(&mut *digest, mac),
    }
    digest.update(message);
    match mac_input {
        MacInput::Request | MacInput::FirstResponse(_) => {
            variables.feed_variables(&mut *digest, key.name(), &algorithm);
        }
        MacInput::LaterResponse(_) => variables.feed_timers(&mut *digest),
    }
    let mut mac = digest.finish();
    mac.truncate(key.algorithm().mac_octets());

    let mut data = algorithm.as_wire().to_vec();
    data.extend_from_slice(&variables.timers());
    data.extend_from_slice(&length(&mac));
    data.extend_from_slice(&mac);
    data.extend_from_slice(&id);
    data.extend_from_slice(&[0; 4]); // no error, no other data
    put_record(message, key.name(), RecordType::TSIG, CLASS_ANY, 0, &data);
    message[10..HEADER_OCTETS].copy_from_slice(&additionals.to_be_bytes());
    Ok(mac)
}

impl TsigVariables<'_> {
    /// Encodes time and fudge as in a message, in 48 and 16 bits.
    fn timers(&self) -> [u8; 8] {
        let mut octets = [0; 8];
        octets[..6].copy_from_slice(&self.time.to_be_bytes()[2..]);
        octets[6..].copy_from_slice(&self.fudge.to_be_bytes());
        octets
    }

    /// Adds the timers to a MAC (RFC 8945 section 5.3.1).
    fn feed_timers(&self, digest: &mut dyn Digest) {
        digest.update(&self.timers());
    }

    /// Adds the variables to a MAC (RFC 8945 section 4.3.3): names in lower case and uncompressed,
    /// class ANY, TTL 0.
    fn feed_variables(&self, digest: &mut dyn Digest, key: &Name, algorithm: &Name) {
        digest.update(key.to_lowercase().as_wire());
        digest.update(&CLASS_ANY.to_be_bytes());
        digest.update(&[0; 4]);
        digest.update(algorithm.to_lowercase().as_wire());
        self.feed_timers(digest);
        digest.update(&self.error.to_be_bytes());
        digest.update(&length(self.other));
        digest.update(self.other);
    }
}

/// Adds an earlier MAC, after its length, to a MAC (RFC 8945 section 4.3.1).
fn feed_mac(digest: &mut dyn Digest, mac: &[u8]) {
    digest.update(&length(mac));
    digest.update(mac);
}

fn length(octets: &[u8]) -> [u8; 2] {
    let length = u16::try_from(octets.len());
    length
        .expect("a part of a message has at most 65535 octets")
        .to_be_bytes()
}

impl Tsig<'_> {
    /// Returns the MAC of a request.
    pub(super) fn request_mac(&self) -> RequestMac {
        RequestMac(self.mac.to_vec())
    }

    /// Verifies key, algorithm and MAC of a request or of a first response, but not the time.
    pub(super) fn verify(
        &self,
        message: &Message<'_>,
        key: &Key,
        request: Option<&RequestMac>,
    ) -> Result<(), Forgery> {
        self.verify_parameters(key)?;
        let mut digest = key.digest();
        if let Some(RequestMac(mac)) = request {
            feed_mac(&mut *digest, mac);
        }
        self.feed_message(&mut *digest, message.octets);
        self.variables
            .feed_variables(&mut *digest, &self.key, &self.algorithm);
        self.verify_mac(digest)
    }

    /// Verifies that the time of signing is near `now` (RFC 8945 section 5.2.3).
    pub(super) fn verify_time(&self, now: u64) -> Result<(), Forgery> {
        if self.variables.time.abs_diff(now) <= u64::from(self.variables.fudge) {
            return Ok(());
        }
        Err(Forgery::Time {
            offset_seconds: offset_seconds(self.variables.time, now),
            fudge_seconds: self.variables.fudge,
        })
    }

    /// Verifies the names of key and algorithm, and the length of the MAC.
    fn verify_parameters(&self, key: &Key) -> Result<(), Forgery> {
        let algorithm = key.algorithm();
        if self.key != *key.name() {
            return Err(Forgery::Key(self.key.clone()));
        }
        if self.algorithm != algorithm.name() {
            return Err(Forgery::Algorithm(self.algorithm.clone()));
        }
        if self.mac.len() != algorithm.mac_octets() {
            return Err(Forgery::MacLength {
                octets: self.mac.len(),
                expected: algorithm.mac_octets(),
            });
        }
        Ok(())
    }

    fn verify_mac(&self, digest: Box<dyn Digest>) -> Result<(), Forgery> {
        if digest.verify(self.mac) {
            Ok(())
        } else {
            Err(Forgery::Mac)
        }
    }

    /// Adds the message as it was before the signer added the TSIG, with its original id, to a MAC
    /// (RFC 8945 section 4.3.2).
    fn feed_message(&self, digest: &mut dyn Digest, octets: &[u8]) {
        let (header, records) = octets[..self.at].split_at(HEADER_OCTETS);
        let additionals = u16::from_be_bytes([header[10], header[11]]) - 1;
        digest.update(&self.original_id.to_be_bytes());
        digest.update(&header[2..10]);
        digest.update(&additionals.to_be_bytes());
        digest.update(records);
    }
}

/// Returns `time` minus `now` in seconds, limited to the range of the type.
pub(super) fn offset_seconds(time: u64, now: u64) -> i64 {
    let distance = i64::try_from(time.abs_diff(now)).unwrap_or(i64::MAX);
    if time < now { -distance } else { distance }
}

/// Verifies the later responses of a transfer, each with the ones before it (RFC 8945 section
/// 5.3.1).
pub(super) struct ResponseChain {
    key: Key,
    /// The MAC over the prior MAC and the unsigned responses since then.
    digest: Box<dyn Digest>,
    /// The number of unsigned responses since the last signed one.
    unsigned: usize,
}

/// Most unsigned messages between two signed ones (RFC 8945 section 5.3.1).
const UNSIGNED_MAX: usize = 99;

/// The state of the chain after a response.
pub(super) enum ChainStatus {
    /// The response is signed; its MAC covers the unsigned ones before it too.
    Signed,
    /// The response is not signed; a later one must cover it.
    Unsigned,
    /// Too many responses in a row are not signed.
    TooManyUnsigned,
}

impl ResponseChain {
    /// Starts the chain after the first response, whose TSIG the caller has verified.
    pub(super) fn after(key: Key, first: &Tsig<'_>) -> Self {
        let digest = key.digest();
        let mut chain = Self {
            key,
            digest,
            unsigned: 0,
        };
        feed_mac(&mut *chain.digest, first.mac);
        chain
    }

    /// Verifies the next response; its TSIG, if it has one, must carry no error.
    pub(super) fn check(
        &mut self,
        message: &Message<'_>,
        now: u64,
    ) -> Result<ChainStatus, Forgery> {
        let Some(tsig) = &message.tsig else {
            self.digest.update(message.octets);
            self.unsigned += 1;
            return Ok(if self.unsigned > UNSIGNED_MAX {
                ChainStatus::TooManyUnsigned
            } else {
                ChainStatus::Unsigned
            });
        };
        tsig.verify_parameters(&self.key)?;
        let mut next = self.key.digest();
        feed_mac(&mut *next, tsig.mac);
        let mut digest = std::mem::replace(&mut self.digest, next);
        tsig.feed_message(&mut *digest, message.octets);
        tsig.variables.feed_timers(&mut *digest);
        tsig.verify_mac(digest)?;
        tsig.verify_time(now)?;
        self.unsigned = 0;
        Ok(ChainStatus::Signed)
    }
}
