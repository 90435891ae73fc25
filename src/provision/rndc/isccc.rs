//! The wire format of rndc's control protocol (isccc), as in BIND's `lib/isccc/cc.c`.
//!
//! ```text
//! frame   u32 length of the rest · u32 version 1 · table
//! table   entries one after another
//! entry   u8 length of the key · key · u8 kind · u32 length of the data · data
//! kind    1 octets (all values, numbers too, are ASCII text) · 2 a table · 3 a list
//!
//! _auth   { hsha: u8 algorithm · base64 of the MAC, filled up with zeros to 88 octets }
//!      or { hmd5: base64 of the MAC without `=`, 22 octets }
//! _ctrl   { _ser, _tim, _nonce }      in replies also _rpl and _exp
//! _data   { type: the command line }  in replies also result, err and text
//! ```
//!
//! The MAC covers every octet after the `_auth` entry, which comes first. The reader reads a reply
//! as slices, at most two tables deep, so that a reply can make it neither recurse nor allocate. It
//! uses no field before the MAC is verified.
//!
//! nsbridge does not send the optional `_exp`. BIND: allows a clock that is 300 s off, but refuses
//! a command whose `_exp` has passed by the server's clock, which would replace the 300 s by
//! `_exp`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::wire::{Hash, Key};

/// Longest request frame that named accepts, without the length field (`MAXREQUEST` in BIND).
pub(super) const REQUEST_OCTETS_MAX: usize = 32_768;
/// Longest reply frame that is read, without the length field; equal to the limit of rndc(8).
pub(super) const REPLY_OCTETS_MAX: usize = 1 << 20;

const VERSION: u32 = 1;
const KIND_OCTETS: u8 = 1;
const KIND_TABLE: u8 = 2;
/// Octets of the MAC in `hsha`: the base64 of the longest MAC, the 64 octets of SHA-512.
const HSHA_TEXT_OCTETS: usize = 88;

/// The reason why a reply does not answer the command.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplyError {
    /// The frame is longer than a reply may be.
    #[error("the reply has {octets} octets, more than the {REPLY_OCTETS_MAX} allowed")]
    TooLarge {
        /// The value of the length field.
        octets: usize,
    },
    /// A length in the frame points beyond its end.
    #[error("the reply is cut short")]
    Short,
    /// The version of the protocol is not 1.
    #[error("the reply is of protocol version {0}, not {VERSION}")]
    Version(u32),
    /// A required field is missing.
    #[error("the reply has no `{0}`")]
    Missing(&'static str),
    /// The MAC does not match the key.
    #[error("the reply is not authentic: its MAC does not fit the control key")]
    Mac,
    /// The frame is not marked as a reply.
    #[error("what came is not marked as a reply")]
    NotAReply,
    /// The reply belongs to another request.
    #[error("the reply belongs to another command")]
    Serial,
}

/// The contents of an authentic reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// The nonce that the later requests of the connection must repeat.
    pub nonce: Vec<u8>,
    /// Whether the result code is 0, success. BIND: the other codes differ between releases.
    pub success: bool,
    /// The text of the result if the command failed.
    pub err: String,
    /// The output of the command.
    pub text: String,
}

/// Encodes a request frame with its length field. `serial` must be unique within 900 s; `now` is in
/// Unix seconds; `nonce` is the one of the first reply, and empty in the first request.
pub(super) fn encode_request(
    key: &Key,
    command: &str,
    serial: u32,
    now: u64,
    nonce: &[u8],
) -> Vec<u8> {
    let mut ctrl = Vec::new();
    push_entry(
        &mut ctrl,
        "_ser",
        KIND_OCTETS,
        serial.to_string().as_bytes(),
    );
    push_entry(&mut ctrl, "_tim", KIND_OCTETS, now.to_string().as_bytes());
    if !nonce.is_empty() {
        push_entry(&mut ctrl, "_nonce", KIND_OCTETS, nonce);
    }
    let mut data = Vec::new();
    push_entry(&mut data, "type", KIND_OCTETS, command.as_bytes());
    let mut body = Vec::new();
    push_entry(&mut body, "_ctrl", KIND_TABLE, &ctrl);
    push_entry(&mut body, "_data", KIND_TABLE, &data);
    seal(key, &body)
}

/// Reads a reply frame without its length field.
///
/// # Errors
/// [`ReplyError`]; a frame that is not authentic is never parsed further.
pub fn read_reply(frame: &[u8], key: &Key, serial: u32) -> Result<Reply, ReplyError> {
    let (version, table) = frame.split_first_chunk::<4>().ok_or(ReplyError::Short)?;
    let version = u32::from_be_bytes(*version);
    if version != VERSION {
        return Err(ReplyError::Version(version));
    }
    let (auth, signed) = split_entry(table)?;
    if auth.key != b"_auth" || auth.kind != KIND_TABLE {
        return Err(ReplyError::Missing("_auth"));
    }
    let (field, expected) = signature(key, signed);
    let found = find(auth.data, field, KIND_OCTETS)?.ok_or(ReplyError::Mac)?;
    if !equal_in_constant_time(found, &expected) {
        return Err(ReplyError::Mac);
    }

    let ctrl = find(signed, "_ctrl", KIND_TABLE)?.ok_or(ReplyError::Missing("_ctrl"))?;
    let data = find(signed, "_data", KIND_TABLE)?.ok_or(ReplyError::Missing("_data"))?;
    if find(ctrl, "_rpl", KIND_OCTETS)? != Some(b"1") {
        return Err(ReplyError::NotAReply);
    }
    if find(ctrl, "_ser", KIND_OCTETS)? != Some(serial.to_string().as_bytes()) {
        return Err(ReplyError::Serial);
    }
    let nonce = find(ctrl, "_nonce", KIND_OCTETS)?.ok_or(ReplyError::Missing("_nonce"))?;
    let result = find(data, "result", KIND_OCTETS)?.ok_or(ReplyError::Missing("result"))?;
    let text = |key| {
        Ok(String::from_utf8_lossy(
            find(data, key, KIND_OCTETS)?.unwrap_or_default(),
        ))
    };
    Ok(Reply {
        nonce: nonce.to_vec(),
        success: result == b"0",
        err: text("err")?.into_owned(),
        text: text("text")?.into_owned(),
    })
}

/// Builds a frame with its length field around the octets that its MAC covers.
pub fn seal(key: &Key, body: &[u8]) -> Vec<u8> {
    let (field, mac) = signature(key, body);
    let mut auth = Vec::new();
    push_entry(&mut auth, field, KIND_OCTETS, &mac);
    let mut table = Vec::new();
    push_entry(&mut table, "_auth", KIND_TABLE, &auth);
    table.extend_from_slice(body);

    let mut frame = Vec::with_capacity(8 + table.len());
    frame.extend_from_slice(&length_field(table.len() + 4));
    frame.extend_from_slice(&VERSION.to_be_bytes());
    frame.extend_from_slice(&table);
    frame
}

/// Returns the name and the value of the `_auth` field that signs `body`.
fn signature(key: &Key, body: &[u8]) -> (&'static str, Vec<u8>) {
    let mac = key.mac(&[body]);
    // The numbers are BIND's `ISCCC_ALG_HMAC…`, which are equal to those of DST.
    let algorithm = match key.algorithm().hash() {
        Hash::Md5 => return ("hmd5", STANDARD_NO_PAD.encode(mac).into_bytes()),
        Hash::Sha1 => 161,
        Hash::Sha224 => 162,
        Hash::Sha256 => 163,
        Hash::Sha384 => 164,
        Hash::Sha512 => 165,
    };
    let mut value = Vec::with_capacity(1 + HSHA_TEXT_OCTETS);
    value.push(algorithm);
    value.extend_from_slice(STANDARD.encode(mac).as_bytes());
    value.resize(1 + HSHA_TEXT_OCTETS, 0);
    ("hsha", value)
}

fn equal_in_constant_time(found: &[u8], expected: &[u8]) -> bool {
    // The length of a MAC is no secret. `black_box` prevents that the compiler cuts the fold short.
    found.len() == expected.len()
        && std::hint::black_box(
            found
                .iter()
                .zip(expected)
                .fold(0, |difference, (a, b)| difference | (a ^ b)),
        ) == 0
}

struct Entry<'a> {
    key: &'a [u8],
    kind: u8,
    data: &'a [u8],
}

/// Splits a table into its first entry and the rest.
fn split_entry(table: &[u8]) -> Result<(Entry<'_>, &[u8]), ReplyError> {
    let split = || {
        let (&key_octets, rest) = table.split_first()?;
        let (key, rest) = rest.split_at_checked(usize::from(key_octets))?;
        let (&kind, rest) = rest.split_first()?;
        let (octets, rest) = rest.split_first_chunk::<4>()?;
        let octets = usize::try_from(u32::from_be_bytes(*octets)).ok()?;
        let (data, rest) = rest.split_at_checked(octets)?;
        Some((Entry { key, kind, data }, rest))
    };
    split().ok_or(ReplyError::Short)
}

/// Returns the data of the first entry with this key and kind, if all entries of the table are
/// whole.
fn find<'a>(mut table: &'a [u8], key: &str, kind: u8) -> Result<Option<&'a [u8]>, ReplyError> {
    let mut found = None;
    while !table.is_empty() {
        let (entry, rest) = split_entry(table)?;
        if found.is_none() && entry.key == key.as_bytes() && entry.kind == kind {
            found = Some(entry.data);
        }
        table = rest;
    }
    Ok(found)
}

fn push_entry(table: &mut Vec<u8>, key: &str, kind: u8, data: &[u8]) {
    table.push(u8::try_from(key.len()).expect("the keys are the short literals of this module"));
    table.extend_from_slice(key.as_bytes());
    table.push(kind);
    table.extend_from_slice(&length_field(data.len()));
    table.extend_from_slice(data);
}

fn length_field(octets: usize) -> [u8; 4] {
    // The caller refuses a longer request before it sends it.
    u32::try_from(octets).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests;
