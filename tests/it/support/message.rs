//! DNS messages as octets: enough of RFC 1035 to spoil one, of RFC 2136 to see what one adds, and of RFC 8945 to
//! sign one.
//!
//! For peers that are hostile or broken. The signature is made here, apart from the program's own
//! code, so that a peer with the right key can lie.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::support::keys::Key;

/// Octets of a header (RFC 1035 section 4.1.1).
const HEADER: usize = 12;
/// `UPDATE` as an opcode (RFC 2136 section 2.2).
const UPDATE: u8 = 5;

/// Whether a message asks for a transfer: QTYPE 251 or 252 after the first QNAME (RFC 1035 section
/// 4.1.2).
pub(crate) fn is_transfer(message: &[u8]) -> bool {
    let after = after_name(message, HEADER);
    opcode(message) == 0 && matches!(message.get(after..after + 2), Some([0, 251 | 252]))
}

/// Whether a message asks for the version of the server, of which only the words of messages depend.
pub(crate) fn is_version_query(message: &[u8]) -> bool {
    opcode(message) == 0
        && message
            .get(HEADER..)
            .is_some_and(|it| it.starts_with(b"\x07version\x04bind\x00"))
}

/// Whether a message asks for records, and for no transfer.
pub(crate) fn is_query(message: &[u8]) -> bool {
    opcode(message) == 0 && !is_transfer(message)
}

/// Whether a message is an UPDATE.
pub(crate) fn is_update(message: &[u8]) -> bool {
    opcode(message) == UPDATE
}

/// Whether a message asks for an SOA.
pub(crate) fn is_soa_query(message: &[u8]) -> bool {
    let after = after_name(message, HEADER);
    opcode(message) == 0 && matches!(message.get(after..after + 2), Some([0, 6]))
}

/// A record of a message, whatever it stands for there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    /// Absolute, in lower case.
    pub(crate) owner: String,
    pub(crate) rtype: u16,
    pub(crate) class: u16,
    pub(crate) ttl: u32,
    /// As it stands in the message.
    pub(crate) rdata: Vec<u8>,
}

impl Entry {
    /// The record at `at`, and where it ends.
    fn read(message: &[u8], at: usize) -> (Self, usize) {
        let fixed = after_name(message, at);
        let end = fixed + 10 + usize::from(u16_at(message, fixed + 8));
        let ttl = [fixed + 4, fixed + 6].map(|at| u32::from(u16_at(message, at)));
        let entry = Self {
            owner: name_text(message, at).to_lowercase(),
            rtype: u16_at(message, fixed),
            class: u16_at(message, fixed + 2),
            ttl: ttl[0] << 16 | ttl[1],
            rdata: message[fixed + 10..end].to_vec(),
        };
        (entry, end)
    }

    /// The record of these octets, as [`record`] makes them.
    pub(crate) fn of(octets: &[u8]) -> Self {
        Self::read(octets, 0).0
    }

    /// Its octets, its owner uncompressed.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let length = u16::try_from(self.rdata.len()).expect("little data");
        let fixed = [self.rtype, self.class].map(u16::to_be_bytes).concat();
        let ttl = self.ttl.to_be_bytes();
        [
            name(&self.owner),
            fixed,
            ttl.to_vec(),
            length.to_be_bytes().to_vec(),
            self.rdata.clone(),
        ]
        .concat()
    }
}

/// The name, absolute and in lower case, and the type that a message is about.
pub(crate) fn question(message: &[u8]) -> (String, u16) {
    let name = name_text(message, HEADER).to_lowercase();
    (name, u16_at(message, after_name(message, HEADER)))
}

/// The prerequisites and the changes of an UPDATE.
pub(crate) fn update_sections(update: &[u8]) -> [Vec<Entry>; 2] {
    let mut at = after_name(update, HEADER) + 4;
    [6, 8].map(|count| {
        let entries = (0..u16_at(update, count)).map(|_| {
            let (entry, end) = Entry::read(update, at);
            at = end;
            entry
        });
        entries.collect()
    })
}

/// The name of the key that has signed a message, in lower case and without the final dot.
pub(crate) fn signer(message: &[u8]) -> Option<String> {
    if u16_at(message, 10) == 0 {
        return None;
    }
    let (last, _) = Entry::read(message, last_record(message));
    (last.rtype == 250).then(|| last.owner.trim_end_matches('.').to_owned())
}

/// The records that an UPDATE adds (RFC 2136 section 2.5.1), each as `owner TYPE data` with absolute names, a text
/// without quotes, and `TYPEn` with hexadecimal for what is not of [`rdata_text`].
pub(crate) fn additions(update: &[u8]) -> Vec<String> {
    updates_of_class(update, 1)
}

/// The records that an UPDATE removes one by one (RFC 2136 section 2.5.4), in the same form.
pub(crate) fn removals(update: &[u8]) -> Vec<String> {
    updates_of_class(update, 254)
}

fn updates_of_class(update: &[u8], class: u16) -> Vec<String> {
    let mut at = after_name(update, HEADER) + 4;
    let prerequisites = usize::from(u16_at(update, 6));
    let mut found = Vec::new();
    for index in 0..prerequisites + usize::from(u16_at(update, 8)) {
        let fixed = after_name(update, at);
        let rdata = fixed + 10;
        let end = rdata + usize::from(u16_at(update, fixed + 8));
        if index >= prerequisites && u16_at(update, fixed + 2) == class {
            let data = rdata_text(update, u16_at(update, fixed), rdata, end);
            found.push(format!("{} {data}", name_text(update, at)));
        }
        at = end;
    }
    found
}

/// Type and data of a record.
fn rdata_text(message: &[u8], rtype: u16, start: usize, end: usize) -> String {
    let octets = &message[start..end];
    match (rtype, octets) {
        (1, &[a, b, c, d]) => format!("A {}", Ipv4Addr::new(a, b, c, d)),
        (2, _) => format!("NS {}", name_text(message, start)),
        (5, _) => format!("CNAME {}", name_text(message, start)),
        (15, _) => {
            let preference = u16_at(message, start);
            format!("MX {preference} {}", name_text(message, start + 2))
        }
        (16, [_, text @ ..]) => format!("TXT {}", String::from_utf8_lossy(text)),
        (28, _) if octets.len() == 16 => {
            let octets: [u8; 16] = octets.try_into().expect("16 octets");
            format!("AAAA {}", Ipv6Addr::from(octets))
        }
        _ => octets
            .iter()
            .fold(format!("TYPE{rtype} "), |mut text, octet| {
                let _ = write!(text, "{octet:02x}");
                text
            }),
    }
}

/// The name at `at` with its pointers followed, absolute.
fn name_text(message: &[u8], mut at: usize) -> String {
    let mut text = String::new();
    loop {
        match message[at] {
            0 if text.is_empty() => return ".".to_owned(),
            0 => return text,
            0xc0.. => at = usize::from(u16_at(message, at) & 0x3fff),
            length => {
                let label = &message[at + 1..at + 1 + usize::from(length)];
                text.push_str(&String::from_utf8_lossy(label));
                text.push('.');
                at += 1 + usize::from(length);
            }
        }
    }
}

/// The message with one bit of the last octet of its MAC turned over.
pub(crate) fn with_other_mac(mut message: Vec<u8>) -> Vec<u8> {
    // After the MAC: original id, error, length of other data, which is empty (RFC 8945 section 4.2).
    let last = message.len() - 7;
    message[last] ^= 1;
    message
}

/// The message with the first `from` in it made `to`.
///
/// # Panics
///
/// When it is not in the message: nothing would be spoiled.
#[track_caller]
pub(crate) fn replaced<const N: usize>(
    mut message: Vec<u8>,
    from: [u8; N],
    to: [u8; N],
) -> Vec<u8> {
    let found = message.windows(N).position(|window| window == from);
    let at = found.expect("what shall be replaced is in the message");
    message[at..at + N].copy_from_slice(&to);
    message
}

/// The message without its TSIG record.
pub(crate) fn without_tsig(message: &[u8]) -> Vec<u8> {
    let mut unsigned = message[..last_record(message)].to_vec();
    let additional = u16_at(message, 10) - 1;
    unsigned[10..12].copy_from_slice(&additional.to_be_bytes());
    unsigned
}

/// The UPDATE without its prerequisites.
pub(crate) fn without_prerequisites(message: &[u8]) -> Vec<u8> {
    let start = after_name(message, HEADER) + 4;
    let mut end = start;
    for _ in 0..u16_at(message, 6) {
        let fixed = after_name(message, end);
        end = fixed + 10 + usize::from(u16_at(message, fixed + 8));
    }
    let mut bare = [&message[..start], &message[end..]].concat();
    bare[6..8].fill(0);
    bare
}

/// The message with a TSIG record that has an error and no MAC (RFC 8945 section 5.2), in the names of the signed
/// `request`.
pub(crate) fn with_tsig_error(mut message: Vec<u8>, request: &[u8], error: u8) -> Vec<u8> {
    let tsig = &request[last_record(request)..];
    let owner_end = after_name(tsig, 0);
    let rdata = owner_end + 10;
    let (algorithm, time) = (
        &tsig[rdata..after_name(tsig, rdata)],
        after_name(tsig, rdata),
    );
    let rdata = [
        algorithm,
        &tsig[time..time + 8],
        &[0, 0],
        &message[..2],
        &[0, error, 0, 0],
    ]
    .concat();
    let length = u16::try_from(rdata.len()).expect("little data");
    message[11] += 1;
    message.extend_from_slice(&tsig[..owner_end]);
    message.extend_from_slice(&[0, 250, 0, 255, 0, 0, 0, 0]);
    message.extend_from_slice(&length.to_be_bytes());
    message.extend(rdata);
    message
}

/// An answer to `request`: its id and question, a response code, and records.
pub(crate) fn answer(request: &[u8], rcode: u8, records: &[Vec<u8>]) -> Vec<u8> {
    let question_end = after_name(request, HEADER) + 4;
    let count = u16::try_from(records.len()).expect("few records");
    let mut message = request[..question_end].to_vec();
    message[2] = (request[2] & 0x78) | 0x84; // QR, AA, and the opcode of the request
    message[3] = rcode;
    message[4..HEADER].fill(0);
    message[5] = 1;
    message[6..8].copy_from_slice(&count.to_be_bytes());
    message.extend(records.concat());
    message
}

/// A record in class IN with a TTL of an hour.
pub(crate) fn record(owner: &str, rtype: u8, rdata: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rdata.len()).expect("little data");
    let fixed = [
        &[0, rtype, 0, 1][..],
        &3600_u32.to_be_bytes(),
        &length.to_be_bytes(),
    ]
    .concat();
    [name(owner), fixed, rdata.to_vec()].concat()
}

/// An SOA record of `zone` with this serial.
pub(crate) fn soa(zone: &str, serial: u32) -> Vec<u8> {
    let times = [serial, 3600, 600, 86400, 300]
        .map(u32::to_be_bytes)
        .concat();
    record(
        zone,
        6,
        &[name("ns1.test"), name("hostmaster.test"), times].concat(),
    )
}

/// The MAC of octets by the algorithm of this name (RFC 8945 section 6).
fn mac(algorithm: &[u8], secret: &[u8], octets: &[u8]) -> Vec<u8> {
    macro_rules! mac_by {
        ($hash:ty) => {{
            let hmac = Hmac::<$hash>::new_from_slice(secret);
            let hmac = hmac.expect("any length is allowed");
            hmac.chain_update(octets).finalize().into_bytes().to_vec()
        }};
    }
    let label = &algorithm[1..=usize::from(algorithm[0])];
    match label.to_ascii_lowercase().as_slice() {
        b"hmac-md5" => mac_by!(Md5),
        b"hmac-sha1" => mac_by!(Sha1),
        b"hmac-sha224" => mac_by!(Sha224),
        b"hmac-sha256" => mac_by!(Sha256),
        b"hmac-sha384" => mac_by!(Sha384),
        b"hmac-sha512" => mac_by!(Sha512),
        other => panic!("no algorithm: {}", other.escape_ascii()),
    }
}

/// Signs `message` as the answer to the signed `request`, at the time that the request was signed
/// at, by its algorithm (RFC 8945 sections 4.2, 4.3 and 5.3).
pub(crate) fn sign(mut message: Vec<u8>, request: &[u8], key: &Key) -> Vec<u8> {
    let tsig = &request[last_record(request)..];
    let owner_end = after_name(tsig, 0);
    let rdata = owner_end + 10;
    let (owner, algorithm) = (&tsig[..owner_end], &tsig[rdata..after_name(tsig, rdata)]);
    let time = after_name(tsig, rdata);
    let time_and_fudge = &tsig[time..time + 8];
    let mac_length = usize::from(u16_at(tsig, time + 8));
    // The length of the request's MAC, and the MAC.
    let request_mac = &tsig[time + 8..time + 10 + mac_length];
    let no_error_and_no_data = [0; 4];

    let signed = [
        request_mac,
        &message,
        owner,
        &[0, 255, 0, 0, 0, 0], // class ANY, TTL 0
        algorithm,
        time_and_fudge,
        &no_error_and_no_data,
    ];
    let mac = mac(algorithm, &key.secret(), &signed.concat());

    let id = message[..2].to_vec();
    let length = [0, u8::try_from(mac.len()).expect("at most 64 octets")];
    let rdata = [
        algorithm,
        time_and_fudge,
        &length,
        &mac,
        &id,
        &no_error_and_no_data,
    ]
    .concat();
    let rdata_length = u16::try_from(rdata.len()).expect("little data");
    message[11] += 1;
    message.extend_from_slice(owner);
    message.extend_from_slice(&[0, 250, 0, 255, 0, 0, 0, 0]);
    message.extend_from_slice(&rdata_length.to_be_bytes());
    message.extend(rdata);
    message
}

/// A name on the wire, uncompressed.
pub(crate) fn name(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        octets.push(u8::try_from(label.len()).expect("a short label"));
        octets.extend_from_slice(label.as_bytes());
    }
    octets.push(0);
    octets
}

fn opcode(message: &[u8]) -> u8 {
    message.get(2).map_or(0, |flags| (flags & 0x78) >> 3)
}

/// Where the last record begins.
fn last_record(message: &[u8]) -> usize {
    let questions = u16_at(message, 4);
    let records: u16 = [6, 8, 10].map(|at| u16_at(message, at)).iter().sum();
    let mut at = HEADER;
    for _ in 0..questions {
        at = after_name(message, at) + 4;
    }
    for _ in 1..records {
        let fixed = after_name(message, at);
        at = fixed + 10 + usize::from(u16_at(message, fixed + 8));
    }
    at
}

/// Where the name at `at` ends: after its root label or its pointer (RFC 1035 section 4.1.4).
fn after_name(message: &[u8], mut at: usize) -> usize {
    while let Some(&length) = message.get(at) {
        match length {
            0 => return at + 1,
            0xc0.. => return at + 2,
            _ => at += 1 + usize::from(length),
        }
    }
    at
}

fn u16_at(message: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([message[at], message[at + 1]])
}
