//! Reads the responses of a server and authenticates them (RFC 8945 section 5.3).
//!
//! A signed request accepts only a response whose signature covers that request. A server that
//! does not know the key or cannot check the signature responds without one, each server in a way
//! of its own. [`Reply`] reports those cases as they are, and never as success.

use std::fmt;

use hickory_proto::op::MessageType;

use super::frame::{MalformedReason, Opcode};
use super::key::Key;
use super::message::{Message, Section};
use super::rcode::Rcode;
use super::tsig::{Forgery, RequestMac, offset_seconds};
use crate::model::{Name, Record, RecordType, ZoneName};

// The error codes of TSIG (RFC 8945 section 3).
pub(super) const BADSIG: u16 = 16;
pub(super) const BADKEY: u16 = 17;
const BADTIME: u16 = 18;
pub(super) const BADTRUNC: u16 = 22;
/// The code of the EDNS option for extended errors (RFC 8914 section 2).
const OPTION_EXTENDED_ERROR: u16 = 15;

/// The properties of a request that its response must match.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct Expected<'a> {
    pub id: u16,
    pub opcode: Opcode,
    /// The key and the MAC of the request; `None` if the request is not signed.
    pub key: Option<(&'a Key, &'a RequestMac)>,
}

/// A server's reply to a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// The response has the right MAC, or the request is not signed. The rcode is the result.
    Authentic(Response),
    /// The server knows no key of this name and algorithm; such a reply is never authenticated.
    BadKey,
    /// The server has another secret, so that it finds the MAC of the request wrong; such a reply
    /// is never authenticated.
    BadSig,
    /// The server finds the time of the request wrong (RFC 8945 section 5.2.3).
    BadTime {
        /// The server's time minus the local time, in seconds.
        offset_seconds: i64,
        /// Whether the MAC of the response is right, which makes the offset authentic.
        verified: bool,
    },
    /// The server requires a longer MAC (RFC 8945 section 5.2.4).
    BadTrunc,
    /// The request is signed, the response is not.
    Unsigned(Rcode),
    /// The signature of the response is not one by the key.
    Forged(Forgery),
    /// The octets are no response to the request.
    Malformed(MalformedReason),
}

impl Reply {
    /// Returns the contents of an authentic response; `None` for any other reply.
    pub fn into_response(self) -> Option<Response> {
        match self {
            Self::Authentic(response) => Some(response),
            Self::BadKey
            | Self::BadSig
            | Self::BadTime { .. }
            | Self::BadTrunc
            | Self::Unsigned(_)
            | Self::Forged(_)
            | Self::Malformed(_) => None,
        }
    }
}

/// The contents of a response.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct Response {
    pub rcode: Rcode,
    /// The flag AA.
    pub authoritative: bool,
    /// The flag TC.
    pub truncated: bool,
    /// The answer section of a query's response; empty for an UPDATE.
    pub answers: Vec<Record>,
    /// The authority section of a query's response; empty for an UPDATE.
    pub authorities: Vec<Record>,
    /// The server's explanation, if it gives one.
    pub extended_error: Option<ExtendedError>,
    /// The server's time of signing minus the local time, in seconds; `None` without a signature.
    pub offset_seconds: Option<i64>,
}

/// A server's explanation of its response (RFC 8914).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtendedError {
    /// The code in the IANA registry.
    pub code: u16,
    /// The server's text, mostly empty. It may hold any characters; `Display` escapes them.
    pub text: String,
}

/// Reads and authenticates the response to a request; `now` is Unix time in seconds.
pub fn read_reply(octets: &[u8], expected: &Expected<'_>, now: u64) -> Reply {
    let read = authenticate(octets, expected, now).and_then(|message| {
        Response::read(&message, expected.opcode, now).map_err(Reply::Malformed)
    });
    read.map_or_else(|reply| reply, Reply::Authentic)
}

/// Parses and authenticates the response to a request. An error is the reply to report instead.
pub(super) fn authenticate<'a>(
    octets: &'a [u8],
    expected: &Expected<'_>,
    now: u64,
) -> Result<Message<'a>, Reply> {
    let message = parse_response(octets, expected.id, expected.opcode).map_err(Reply::Malformed)?;
    let Some((key, request)) = expected.key else {
        return Ok(message);
    };
    let Some(tsig) = &message.tsig else {
        return Err(Reply::Unsigned(Rcode(message.rcode())));
    };
    let verified = || tsig.verify(&message, key, Some(request));
    match tsig.error() {
        0 => verified()
            .and_then(|()| tsig.verify_time(now))
            .map_err(Reply::Forged)?,
        BADKEY => return Err(Reply::BadKey),
        BADSIG => return Err(Reply::BadSig),
        BADTIME => {
            return Err(Reply::BadTime {
                offset_seconds: offset_seconds(tsig.server_time(), now),
                verified: verified().is_ok(),
            });
        }
        BADTRUNC => return Err(Reply::BadTrunc),
        other => return Err(Reply::Malformed(MalformedReason::TsigError(other))),
    }
    Ok(message)
}

/// Parses a message and checks by its header that it is the response to the request. The original
/// id of its TSIG is not compared: a secondary that forwards an update (RFC 2136 section 6) sends
/// it to the primary under another id. The MAC covers the request's MAC, and so it binds the
/// response to the request (RFC 8945 section 5.3).
pub(super) fn parse_response(
    octets: &[u8],
    id: u16,
    opcode: Opcode,
) -> Result<Message<'_>, MalformedReason> {
    let message = Message::parse(octets)?;
    message.expect_kind(MessageType::Response, opcode.into())?;
    let found = message.header.id;
    if found == id {
        Ok(message)
    } else {
        let expected = id;
        Err(MalformedReason::Id { found, expected })
    }
}

impl Response {
    /// Returns the answers of the queried name and type.
    pub(crate) fn records(&self, owner: &Name, rtype: RecordType) -> impl Iterator<Item = &Record> {
        let answers = self.answers.iter();
        answers.filter(move |record| record.owner == *owner && record.rtype == rtype)
    }

    /// Returns the CNAME target of the name.
    pub(crate) fn cname_target(&self, owner: &Name) -> Option<Name> {
        let record = self.records(owner, RecordType::CNAME).next();
        record.and_then(|record| record.rdata.to_name())
    }

    /// Returns the SOA of the zone that a name is in: the answer at an apex, else a record of the
    /// authority section (RFC 2308 section 3).
    pub(crate) fn enclosing_soa(&self, owner: &Name) -> Option<&Record> {
        let mut records = self.answers.iter().chain(&self.authorities);
        records
            .find(|record| record.rtype == RecordType::SOA && owner.is_at_or_below(&record.owner))
    }

    /// Returns whether it shows something about the name itself: it does not below a delegation or a DNAME. A CNAME at the
    /// name shows that no other record exists, even if it is synthesized (RFC 1034 section 4.3.2).
    pub(crate) fn is_about(&self, owner: &Name, rtype: RecordType) -> bool {
        let is_own = |record: &Record| record.owner == *owner && record.rtype == rtype;
        let is_dname = |record: &Record| record.rtype == RecordType::DNAME;
        let mut answers = self.answers.iter();
        answers.clone().all(is_own) || self.cname_target(owner).is_some() && !answers.any(is_dname)
    }

    /// Returns whether it is about a zone of its own below a zone, as its authority section shows.
    pub(crate) fn is_from_below(&self, owner: &Name, zone: &ZoneName) -> bool {
        self.authorities.iter().any(|record| {
            let is_of_zone = [RecordType::SOA, RecordType::NS].contains(&record.rtype);
            is_of_zone && record.owner.is_below(zone.apex()) && owner.is_at_or_below(&record.owner)
        })
    }

    /// Decodes the contents of a parsed response.
    pub(super) fn read(
        message: &Message<'_>,
        opcode: Opcode,
        now: u64,
    ) -> Result<Self, MalformedReason> {
        let tsig = message.tsig.as_ref();
        let records = |section| match opcode {
            Opcode::Query => message.records(section).map(|it| it.decode()).collect(),
            // RFC 2136 section 3.8: the server may return the sections of the request, with
            // records of classes ANY and NONE.
            Opcode::Update => Ok(Vec::new()),
        };
        Ok(Self {
            rcode: Rcode(message.rcode()),
            authoritative: message.header.authoritative,
            truncated: message.header.truncation,
            answers: records(Section::Answers)?,
            authorities: records(Section::Authorities)?,
            extended_error: ExtendedError::of(message),
            offset_seconds: tsig.map(|tsig| offset_seconds(tsig.server_time(), now)),
        })
    }
}

impl ExtendedError {
    /// Reads the extended error of a message.
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        message.opt().and_then(|opt| Self::find(opt.rdata_octets()))
    }

    /// Finds the first extended error among EDNS options (RFC 6891 section 6.1.2).
    fn find(mut options: &[u8]) -> Option<Self> {
        loop {
            let (&[code_high, code_low, length_high, length_low], rest) =
                options.split_first_chunk()?;
            let length = u16::from_be_bytes([length_high, length_low]);
            let (value, rest) = rest.split_at_checked(usize::from(length))?;
            options = rest;
            if u16::from_be_bytes([code_high, code_low]) != OPTION_EXTENDED_ERROR {
                continue;
            }
            let (code, text) = value.split_first_chunk()?;
            return Some(Self {
                code: u16::from_be_bytes(*code),
                text: String::from_utf8_lossy(text).into_owned(),
            });
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authentic(response) => response.fmt(f),
            Self::BadKey => f.write_str("NOTAUTH (BADKEY: the server does not know the key)"),
            Self::BadSig => f.write_str("NOTAUTH (BADSIG: the server has another secret)"),
            Self::BadTime { offset_seconds, .. } => write!(
                f,
                "NOTAUTH (BADTIME: the server's clock is {offset_seconds} s ahead of ours)"
            ),
            Self::BadTrunc => f.write_str("NOTAUTH (BADTRUNC: the server wants a longer MAC)"),
            Self::Unsigned(rcode) => write!(f, "{rcode}, not signed"),
            Self::Forged(forgery) => forgery.fmt(f),
            Self::Malformed(reason) => reason.fmt(f),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rcode.fmt(f)?;
        match &self.extended_error {
            Some(error) => write!(f, " ({error})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ExtendedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extended error {}", self.code)?;
        if self.text.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.text.escape_debug())
        }
    }
}
