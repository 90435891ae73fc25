//! Encodes requests: UPDATE messages and queries. Every name is uncompressed, so that the length
//! of a message is known before it is encoded. A message is never truncated to fit.

use hickory_proto::op::{Header, HeaderCounts, MessageType, Metadata, OpCode};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

use super::frame::{CLASS_ANY, CLASS_IN, CLASS_NONE, MESSAGE_OCTETS_MAX};
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, zone as entries};
use crate::model::{Name, RecordType};
use crate::plan::{Batch, HEADER_OCTETS, Prerequisite, Update};

/// The reason why a message cannot be encoded or signed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum EncodeError {
    /// The message would be longer than [`MESSAGE_OCTETS_MAX`].
    TooLong { octets: usize },
    /// The encoded message has another length than its batch counted.
    Length { octets: usize, planned: usize },
    /// The octets to sign are no whole message, or the message has the flag TC.
    NotWhole,
    /// The private key gives no signature, because the system has no random numbers.
    NoSignature,
}

displayed!(EncodeError);

impl Diagnose for EncodeError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::TooLong { octets } => {
                case!(
                    entries::REQUEST_TOO_LONG,
                    octets,
                    limit = MESSAGE_OCTETS_MAX
                )
            }
            Self::Length { octets, planned } => case!(entries::REQUEST_LENGTH, octets, planned),
            Self::NotWhole => case!(entries::REQUEST_NOT_WHOLE),
            Self::NoSignature => case!(entries::REQUEST_WITHOUT_SIGNATURE),
        }
    }
}

/// Encodes a batch as an UPDATE message (RFC 2136 section 2).
///
/// # Errors
/// [`EncodeError::TooLong`]; [`EncodeError::Length`] if the message does not have exactly the
/// length that the batch counts.
pub fn encode_update(batch: &Batch, id: u16) -> Result<Vec<u8>, EncodeError> {
    let planned = batch.octets();
    if planned > MESSAGE_OCTETS_MAX {
        return Err(EncodeError::TooLong { octets: planned });
    }
    let count = |records: usize| {
        u16::try_from(records).map_err(|_| EncodeError::TooLong { octets: planned })
    };
    let counts = HeaderCounts {
        queries: 1,
        answers: count(batch.prerequisites.len())?,
        authorities: count(batch.updates.len())?,
        additionals: 0,
    };
    let metadata = Metadata::new(id, MessageType::Query, OpCode::Update);
    let mut message = Vec::with_capacity(planned);
    put_header(&mut message, Header { metadata, counts });
    put_question(&mut message, batch.zone.apex(), RecordType::SOA);
    for prerequisite in &batch.prerequisites {
        put_prerequisite(&mut message, prerequisite);
    }
    for update in &batch.updates {
        put_update(&mut message, update);
    }
    if message.len() == planned {
        Ok(message)
    } else {
        let octets = message.len();
        Err(EncodeError::Length { octets, planned })
    }
}

/// Encodes a query for one name and type, which may be AXFR, without the flag RD.
pub fn encode_query(name: &Name, rtype: RecordType, id: u16) -> Vec<u8> {
    let counts = HeaderCounts {
        queries: 1,
        ..HeaderCounts::default()
    };
    let metadata = Metadata::new(id, MessageType::Query, OpCode::Query);
    let mut message = Vec::with_capacity(HEADER_OCTETS + name.as_wire().len() + 4);
    put_header(&mut message, Header { metadata, counts });
    put_question(&mut message, name, rtype);
    message
}

/// Appends to a request that a response may have so many octets over UDP (RFC 6891 section 6.2.3).
pub fn advertise_octets(message: &mut Vec<u8>, octets: u16) {
    put_record(message, &Name::root(), RecordType::OPT, octets, 0, &[]);
    // Octets 10 and 11 hold ARCOUNT (RFC 1035 section 4.1.1); a request has no other additional record yet.
    message[11] += 1;
}

/// Appends a prerequisite (RFC 2136 section 2.4).
fn put_prerequisite(message: &mut Vec<u8>, prerequisite: &Prerequisite) {
    let any = RecordType::ANY;
    match prerequisite {
        Prerequisite::Exists { owner, rtype } => {
            put_record(message, owner, *rtype, CLASS_ANY, 0, &[]);
        }
        Prerequisite::Absent { owner, rtype } => {
            put_record(message, owner, *rtype, CLASS_NONE, 0, &[]);
        }
        Prerequisite::Equals {
            owner,
            rtype,
            rdata,
        } => put_record(message, owner, *rtype, CLASS_IN, 0, rdata.as_wire()),
        Prerequisite::NameInUse { owner } => put_record(message, owner, any, CLASS_ANY, 0, &[]),
        Prerequisite::NameNotInUse { owner } => put_record(message, owner, any, CLASS_NONE, 0, &[]),
    }
}

/// Appends a change (RFC 2136 section 2.5).
fn put_update(message: &mut Vec<u8>, update: &Update) {
    match update {
        Update::Add {
            owner,
            rtype,
            ttl,
            rdata,
        } => put_record(message, owner, *rtype, CLASS_IN, *ttl, rdata.as_wire()),
        Update::Remove {
            owner,
            rtype,
            rdata,
        } => put_record(message, owner, *rtype, CLASS_NONE, 0, rdata.as_wire()),
        Update::RemoveSet { owner, rtype } => {
            put_record(message, owner, *rtype, CLASS_ANY, 0, &[]);
        }
        Update::RemoveName { owner } => {
            put_record(message, owner, RecordType::ANY, CLASS_ANY, 0, &[]);
        }
    }
}

/// Starts a message with its header.
pub(super) fn put_header(message: &mut Vec<u8>, header: Header) {
    debug_assert!(message.is_empty(), "the header comes first");
    header
        .emit(&mut BinEncoder::new(message))
        .expect("a header's twelve octets fit a buffer of 65535");
}

/// Appends a question of class IN, or the zone of an UPDATE (RFC 2136 section 2.3).
pub(super) fn put_question(message: &mut Vec<u8>, name: &Name, rtype: RecordType) {
    message.extend_from_slice(name.as_wire());
    message.extend_from_slice(&rtype.0.to_be_bytes());
    message.extend_from_slice(&CLASS_IN.to_be_bytes());
}

/// Appends a record without compression. Its length is the sum of the owner name, of
/// [`RECORD_FIXED_OCTETS`] and of the data.
pub(super) fn put_record(
    message: &mut Vec<u8>,
    owner: &Name,
    rtype: RecordType,
    class: u16,
    ttl: u32,
    rdata: &[u8],
) {
    message.extend_from_slice(owner.as_wire());
    put_record_data(message, rtype, class, ttl, rdata);
}

/// Appends all of a record except its owner name.
pub(super) fn put_record_data(
    message: &mut Vec<u8>,
    rtype: RecordType,
    class: u16,
    ttl: u32,
    rdata: &[u8],
) {
    message.extend_from_slice(&rtype.0.to_be_bytes());
    message.extend_from_slice(&class.to_be_bytes());
    message.extend_from_slice(&ttl.to_be_bytes());
    // Data of more than 65535 octets make the whole message too long, which its caller detects.
    let length = u16::try_from(rdata.len()).unwrap_or(u16::MAX);
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(rdata);
}
