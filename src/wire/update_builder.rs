//! Builds the UPDATE of a script for nsupdate: any prerequisites and changes, of any class, in the
//! order of the script (RFC 2136 sections 2.4 and 2.5). Owner names are compressed, because a
//! script of thousands of records is sent as one message.

use std::collections::HashMap;

use hickory_proto::op::{Header, HeaderCounts, MessageType, Metadata, OpCode};

use super::encode::{EncodeError, put_header, put_record_data};
use super::frame::MESSAGE_OCTETS_MAX;
use super::wire_record::{Class, WireRecord};
use crate::model::{Name, RecordType};

/// The code of the EDNS option for the lifetime of added records (RFC 9664 section 4).
const OPTION_UPDATE_LEASE: u16 = 2;
/// The UDP payload size that the OPT record announces; nsupdate announces this size too.
const UDP_PAYLOAD_OCTETS: u16 = 1232;
/// The highest offset that a compression pointer reaches (RFC 1035 section 4.1.4).
const POINTER_MAX: usize = 0x3fff;

/// An UPDATE that a script builds step by step.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UpdateBuilder {
    /// The zone and its class; `None` while the zone is unknown.
    pub zone: Option<(Name, Class)>,
    /// The prerequisites, in the order of the script.
    pub prerequisites: Vec<WireRecord>,
    /// The changes, in the order of the script.
    pub updates: Vec<WireRecord>,
    /// The lifetime of added records.
    pub lease: Option<Lease>,
    /// Whether to request extended errors by an OPT record: a server adds them only to the response
    /// to a request with EDNS (RFC 8914).
    pub extended_errors: bool,
}

/// An Update Lease option (RFC 9664).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The lifetime of all records, in seconds; of all but KEY records if `key_seconds` is set.
    pub seconds: u32,
    /// The lifetime of KEY records, in seconds.
    pub key_seconds: Option<u32>,
}

impl UpdateBuilder {
    /// Encodes the message.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`].
    pub fn encode(&self, id: u16) -> Result<Vec<u8>, EncodeError> {
        let too_long = |octets| EncodeError::TooLong { octets };
        let count = |records: usize| u16::try_from(records).map_err(|_| too_long(records));
        let counts = HeaderCounts {
            queries: u16::from(self.zone.is_some()),
            answers: count(self.prerequisites.len())?,
            authorities: count(self.updates.len())?,
            additionals: u16::from(self.has_edns()),
        };
        let metadata = Metadata::new(id, MessageType::Query, OpCode::Update);
        let mut message = Vec::new();
        put_header(&mut message, Header { metadata, counts });
        let mut names = NameCompressor::default();
        if let Some((zone, class)) = &self.zone {
            names.put(&mut message, zone);
            message.extend_from_slice(&RecordType::SOA.0.to_be_bytes());
            message.extend_from_slice(&class.0.to_be_bytes());
        }
        for record in self.prerequisites.iter().chain(&self.updates) {
            names.put(&mut message, &record.owner);
            let (rtype, class) = (record.rtype, record.class.0);
            put_record_data(&mut message, rtype, class, record.ttl, &record.rdata);
        }
        if self.has_edns() {
            names.put(&mut message, &Name::root());
            let option = self.lease.map(Lease::option).unwrap_or_default();
            put_record_data(
                &mut message,
                RecordType::OPT,
                UDP_PAYLOAD_OCTETS,
                0,
                &option,
            );
        }
        if message.len() > MESSAGE_OCTETS_MAX {
            return Err(too_long(message.len()));
        }
        Ok(message)
    }

    fn has_edns(&self) -> bool {
        self.lease.is_some() || self.extended_errors
    }

    /// Returns whether the message has neither a prerequisite nor a change.
    pub fn is_empty(&self) -> bool {
        self.prerequisites.is_empty() && self.updates.is_empty()
    }
}

impl Lease {
    /// Encodes the option for an OPT record.
    fn option(self) -> Vec<u8> {
        let mut value = self.seconds.to_be_bytes().to_vec();
        value.extend(self.key_seconds.iter().flat_map(|it| it.to_be_bytes()));
        let length: u16 = if self.key_seconds.is_some() { 8 } else { 4 };
        let mut option = OPTION_UPDATE_LEASE.to_be_bytes().to_vec();
        option.extend_from_slice(&length.to_be_bytes());
        option.extend_from_slice(&value);
        option
    }
}

/// Encodes a query for the SOA record of a name, with the flag RD if `recursive`.
pub fn encode_soa_query(name: &Name, class: Class, id: u16, recursive: bool) -> Vec<u8> {
    let counts = HeaderCounts {
        queries: 1,
        ..HeaderCounts::default()
    };
    let mut metadata = Metadata::new(id, MessageType::Query, OpCode::Query);
    metadata.recursion_desired = recursive;
    let mut message = Vec::new();
    put_header(&mut message, Header { metadata, counts });
    message.extend_from_slice(name.as_wire());
    message.extend_from_slice(&RecordType::SOA.0.to_be_bytes());
    message.extend_from_slice(&class.0.to_be_bytes());
    message
}

/// The offsets of the names in a message, and of their suffixes. The case of letters counts, so
/// that each owner name keeps its spelling.
#[derive(Default)]
struct NameCompressor(HashMap<Vec<u8>, u16>);

impl NameCompressor {
    /// Appends a name; its longest suffix that is already in the message becomes a pointer.
    fn put(&mut self, message: &mut Vec<u8>, name: &Name) {
        let mut rest = name.as_wire();
        while let Some((&length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
            if let Some(at) = self.0.get(rest) {
                message.extend_from_slice(&(0xc000 | at).to_be_bytes());
                return;
            }
            let at = u16::try_from(message.len()).ok();
            if let Some(at) = at.filter(|at| usize::from(*at) <= POINTER_MAX) {
                self.0.insert(rest.to_vec(), at);
            }
            let (label, after) = tail.split_at(usize::from(length));
            message.push(length);
            message.extend_from_slice(label);
            rest = after;
        }
        message.push(0);
    }
}
