//! The primary's side of a transfer, which seeds a new zone with its first contents. It reads and
//! verifies the queries of a secondary and encodes the SOA and the records of a zone as responses.
//! The caller decides which secondary may have which zone.

use hickory_proto::op::{Header, HeaderCounts, MessageType, Metadata, OpCode, ResponseCode};

use super::encode::{put_header, put_question, put_record};
use super::frame::{CLASS_IN, MalformedReason};
use super::key::Key;
use super::message::{Message, Question};
use super::tsig::{Forgery, RequestMac};
use crate::model::RECORD_FIXED_OCTETS;
use crate::model::{InitialZone, Name, RecordType};
use crate::plan::HEADER_OCTETS;

/// A verified query.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct Request {
    pub id: u16,
    /// The name in the question, with its spelling.
    pub name: Name,
    /// The type in the question; a secondary asks for SOA, AXFR and IXFR.
    pub rtype: RecordType,
    /// The MAC, for [`super::ResponseSigner`].
    pub mac: RequestMac,
}

/// The reason why octets are no [`Request`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The octets are no query with exactly one question.
    #[error(transparent)]
    Malformed(#[from] MalformedReason),
    /// The question has another class than IN.
    #[error("the request is for class {0}")]
    Class(u16),
    /// The query is not signed.
    #[error("the request is not signed")]
    Unsigned,
    /// The signature of the query is not one by the key.
    #[error(transparent)]
    Forged(#[from] Forgery),
}

/// Reads and verifies a query; `now` is Unix time in seconds.
///
/// # Errors
/// [`RequestError`]; no part of the query is authentic then.
pub fn read_request(octets: &[u8], key: &Key, now: u64) -> Result<Request, RequestError> {
    let message = Message::parse(octets)?;
    message.expect_kind(MessageType::Query, OpCode::Query)?;
    let tsig = message.tsig.as_ref().ok_or(RequestError::Unsigned)?;
    tsig.verify(&message, key, None)?;
    tsig.verify_time(now)?;
    let Question { name, rtype, class } = message.question()?;
    if class != CLASS_IN {
        return Err(RequestError::Class(class));
    }
    Ok(Request {
        id: message.header.id,
        name,
        rtype,
        mac: tsig.request_mac(),
    })
}

/// Encodes the response to a query for the zone's SOA.
pub fn encode_soa_response(zone: &InitialZone, request: &Request) -> Vec<u8> {
    let mut response = ResponseBuilder::start(request);
    response.put_soa(zone);
    response.finish()
}

/// Encodes the responses of a transfer (RFC 5936 section 2.2). Each has at most `octets_max` octets
/// before it is signed; the caller must leave room for the TSIG. Only a record that is longer by
/// itself makes a longer message, which cannot be signed or sent.
pub fn encode_transfer(zone: &InitialZone, request: &Request, octets_max: usize) -> Vec<Vec<u8>> {
    let start = || ResponseBuilder::start(request);
    let mut responses = Vec::new();
    let mut response = start();
    response.put_soa(zone);
    for set in &zone.records {
        for rdata in &set.rdatas {
            if !response.has_room(&set.owner, rdata.as_wire(), octets_max) {
                responses.push(std::mem::replace(&mut response, start()).finish());
            }
            response.put(&set.owner, set.rtype, set.ttl, rdata.as_wire());
        }
    }
    if !response.has_room(zone.name.apex(), zone.soa.to_rdata().as_wire(), octets_max) {
        responses.push(std::mem::replace(&mut response, start()).finish());
    }
    response.put_soa(zone);
    responses.push(response.finish());
    responses
}

/// Encodes an unsigned response with REFUSED, for a query that the caller does not serve. `None` if
/// the octets are no query: two servers would otherwise send refusals to each other without end.
pub fn encode_refusal(octets: &[u8]) -> Option<Vec<u8>> {
    let message = Message::parse(octets).ok()?;
    if message.header.message_type != MessageType::Query {
        return None;
    }
    let mut metadata = Metadata::response_from_request(&message.header.metadata);
    metadata.response_code = ResponseCode::Refused;
    let question = message.question().ok().filter(|it| it.class == CLASS_IN);
    let counts = HeaderCounts {
        queries: u16::from(question.is_some()),
        ..HeaderCounts::default()
    };
    let mut refusal = Vec::new();
    put_header(&mut refusal, Header { metadata, counts });
    if let Some(question) = question {
        put_question(&mut refusal, &question.name, question.rtype);
    }
    Some(refusal)
}

/// A response to which records are appended.
struct ResponseBuilder {
    octets: Vec<u8>,
    records: u16,
}

impl ResponseBuilder {
    fn start(request: &Request) -> Self {
        let mut metadata = Metadata::new(request.id, MessageType::Response, OpCode::Query);
        metadata.authoritative = true;
        let counts = HeaderCounts {
            queries: 1,
            ..HeaderCounts::default()
        };
        let mut octets = Vec::new();
        put_header(&mut octets, Header { metadata, counts });
        put_question(&mut octets, &request.name, request.rtype);
        Self { octets, records: 0 }
    }

    /// Returns whether a record fits; a response without records has room for any record.
    fn has_room(&self, owner: &Name, rdata: &[u8], octets_max: usize) -> bool {
        let record = owner.as_wire().len() + RECORD_FIXED_OCTETS + rdata.len();
        self.records == 0 || self.octets.len() + record <= octets_max && self.records < u16::MAX
    }

    fn put(&mut self, owner: &Name, rtype: RecordType, ttl: u32, rdata: &[u8]) {
        put_record(&mut self.octets, owner, rtype, CLASS_IN, ttl, rdata);
        self.records += 1;
    }

    fn put_soa(&mut self, zone: &InitialZone) {
        let soa = zone.soa.to_rdata();
        self.put(
            zone.name.apex(),
            RecordType::SOA,
            zone.soa_ttl,
            soa.as_wire(),
        );
    }

    fn finish(mut self) -> Vec<u8> {
        // Octets 6 and 7 hold ANCOUNT (RFC 1035 section 4.1.1).
        self.octets[6..8].copy_from_slice(&self.records.to_be_bytes());
        debug_assert!(self.octets.len() >= HEADER_OCTETS);
        self.octets
    }
}
