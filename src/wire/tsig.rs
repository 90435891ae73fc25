//! Transaction signatures (RFC 8945): a request is signed, an answer is checked against it, and a
//! stream of answers is chained. The time is an argument. What is wrong with an answer is told by
//! a closed enum; whether that matters is for the caller to say.

use super::encode::{EncodeError, put_record};
use super::frame::{CLASS_ANY, MESSAGE_OCTETS_MAX};
use super::key::{Digest, Key};
use super::message::Message;
use super::tsig_record::{Tsig, TsigVariables};
use crate::model::{Name, RecordType};
use crate::plan::{HEADER_OCTETS, RECORD_FIXED_OCTETS};

/// How far two clocks may be apart, in seconds (RFC 8945 section 10).
const FUDGE_SECONDS: u16 = 300;
/// Octets of TSIG data besides the algorithm's name and the MAC: time, fudge, MAC size, original
/// id, error, other length.
const TSIG_FIXED_OCTETS: usize = 6 + 2 + 2 + 2 + 2 + 2;

/// The MAC that a request was signed with, over which its answer is signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestMac(Vec<u8>);

/// Why a signature is not that of the one who shares the key with us.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Forgery {
    /// It names another key.
    #[error("the message is signed with key `{0}`")]
    Key(Name),
    /// It names another algorithm.
    #[error("the message is signed with algorithm `{0}`")]
    Algorithm(Name),
    /// Its MAC is of another length than the key's (RFC 8945 section 5.2.2.1).
    #[error("the message's MAC has {octets} octets and not {expected}")]
    MacLength {
        /// How many it has.
        octets: usize,
        /// How many the key's algorithm gives.
        expected: usize,
    },
    /// Its MAC is wrong: another secret, or octets changed on the way.
    #[error("the message's MAC is wrong")]
    Mac,
    /// It was made at another time than now, or the clocks differ (RFC 8945 section 5.2.3).
    #[error("the message was signed {offset_seconds} s from now, more than {fudge_seconds} s")]
    Time {
        /// Its time less ours, in seconds.
        offset_seconds: i64,
        /// How far they may be apart.
        fudge_seconds: u16,
    },
}

/// Exactly how many octets the TSIG record of a key adds to a message.
pub fn tsig_octets(key: &Key) -> usize {
    let algorithm = key.algorithm();
    let names = key.name().as_wire().len() + algorithm.name().as_wire().len();
    names + RECORD_FIXED_OCTETS + TSIG_FIXED_OCTETS + algorithm.mac_octets()
}

/// Signs a request (RFC 8945 section 5.1); `now` is Unix time in seconds.
///
/// # Errors
/// [`EncodeError::TooLong`] where the TSIG does not fit any more, and [`EncodeError::NotWhole`].
/// The message is as it was then.
pub fn sign_request(message: &mut Vec<u8>, key: &Key, now: u64) -> Result<RequestMac, EncodeError> {
    sign(message, key, now, MacInput::Request).map(RequestMac)
}

/// Signs the answers to one request, in the order in which they are sent.
pub struct ResponseSigner {
    key: Key,
    prior_mac: Vec<u8>,
    is_first: bool,
}

impl ResponseSigner {
    /// A signer of answers to the request with this MAC.
    pub fn new(key: &Key, request: &RequestMac) -> Self {
        Self {
            key: key.clone(),
            prior_mac: request.0.clone(),
            is_first: true,
        }
    }

    /// Signs the next answer (RFC 8945 sections 5.3 and 5.3.1); `now` is Unix time in seconds.
    ///
    /// # Errors
    /// As [`sign_request`].
    pub fn sign(&mut self, message: &mut Vec<u8>, now: u64) -> Result<(), EncodeError> {
        let covers = if self.is_first {
            MacInput::FirstResponse(&self.prior_mac)
        } else {
            MacInput::LaterResponse(&self.prior_mac)
        };
        self.prior_mac = sign(message, &self.key, now, covers)?;
        self.is_first = false;
        Ok(())
    }
}

/// What a MAC covers besides the message itself (RFC 8945 section 4.3).
#[derive(Clone, Copy)]
enum MacInput<'a> {
    /// The TSIG variables.
    Request,
    /// The request's MAC and the variables.
    FirstResponse(&'a [u8]),
    /// The prior answer's MAC and the timers only.
    LaterResponse(&'a [u8]),
}

/// Puts a TSIG at the end of a message and gives its MAC.
fn sign(
    message: &mut Vec<u8>,
    key: &Key,
    now: u64,
    covers: MacInput<'_>,
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
    match covers {
        MacInput::Request => {}
        MacInput::FirstResponse(mac) | MacInput::LaterResponse(mac) => feed_mac(&mut *digest, mac),
    }
    digest.update(message);
    match covers {
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
    /// Time and fudge as in a message: 48 and 16 bits.
    fn timers(&self) -> [u8; 8] {
        let mut octets = [0; 8];
        octets[..6].copy_from_slice(&self.time.to_be_bytes()[2..]);
        octets[6..].copy_from_slice(&self.fudge.to_be_bytes());
        octets
    }

    /// RFC 8945 section 5.3.1.
    fn feed_timers(&self, digest: &mut dyn Digest) {
        digest.update(&self.timers());
    }

    /// RFC 8945 section 4.3.3: names in lower case and uncompressed, class ANY, TTL 0.
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

/// RFC 8945 section 4.3.1: the length of a MAC, then the MAC.
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
    /// The MAC of a message that is a request, for its answer.
    pub(super) fn request_mac(&self) -> RequestMac {
        RequestMac(self.mac.to_vec())
    }

    /// Checks a request's or a first answer's key, algorithm and MAC; the time is not looked at.
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

    /// Checks that the message was signed about now (RFC 8945 section 5.2.3).
    pub(super) fn verify_time(&self, now: u64) -> Result<(), Forgery> {
        if self.variables.time.abs_diff(now) <= u64::from(self.variables.fudge) {
            return Ok(());
        }
        Err(Forgery::Time {
            offset_seconds: offset_seconds(self.variables.time, now),
            fudge_seconds: self.variables.fudge,
        })
    }

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

    /// RFC 8945 section 4.3.2: the message as it was before it was signed, under its original id.
    fn feed_message(&self, digest: &mut dyn Digest, octets: &[u8]) {
        let (header, records) = octets[..self.at].split_at(HEADER_OCTETS);
        let additionals = u16::from_be_bytes([header[10], header[11]]) - 1;
        digest.update(&self.original_id.to_be_bytes());
        digest.update(&header[2..10]);
        digest.update(&additionals.to_be_bytes());
        digest.update(records);
    }
}

/// A time less another, in seconds, as far as that can be said.
pub(super) fn offset_seconds(time: u64, now: u64) -> i64 {
    let distance = i64::try_from(time.abs_diff(now)).unwrap_or(i64::MAX);
    if time < now { -distance } else { distance }
}

/// Checks the answers after the first of one stream (RFC 8945 section 5.3.1).
pub(super) struct ResponseChain {
    key: Key,
    digest: Box<dyn Digest>,
    unsigned: usize,
}

/// Most messages between two signed ones (RFC 8945 section 5.3.1).
const UNSIGNED_MAX: usize = 99;

/// What became of the next message of a stream.
pub(super) enum ChainStatus {
    /// It is signed, and so are the unsigned ones before it.
    Signed,
    /// It is not signed; a later one has to cover it.
    Unsigned,
    /// Too many in a row are not signed.
    TooManyUnsigned,
}

impl ResponseChain {
    /// The chain after the first answer, whose TSIG was verified.
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

    /// Takes the next message, whose TSIG, if it has one, names no error.
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
