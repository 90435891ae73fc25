//! Answers (RFC 8945 section 5.3): what a server said, and whether it was the server that said it.
//!
//! A request that was signed takes only an answer that is signed over it. Servers answer unsigned
//! where they do not know the key or cannot check it, each in its own dialect; that is reported as
//! what it is and is never success.

use std::fmt;

use hickory_proto::op::MessageType;

use super::frame::{MalformedReason, Opcode};
use super::key::Key;
use super::message::{Message, Section};
use super::rcode::Rcode;
use super::tsig::{Forgery, RequestMac, offset_seconds};
use crate::model::Record;

/// TSIG errors (RFC 8945 section 3).
const BADSIG: u16 = 16;
const BADKEY: u16 = 17;
const BADTIME: u16 = 18;
const BADTRUNC: u16 = 22;
/// The EDNS option of extended errors (RFC 8914 section 2).
const OPTION_EXTENDED_ERROR: u16 = 15;

/// What an answer has to match.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The request's id.
    pub id: u16,
    /// What the request was.
    pub opcode: Opcode,
    /// What the request was signed with and its MAC; none where it was not signed.
    pub key: Option<(&'a Key, &'a RequestMac)>,
}

/// What a server answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// The MAC is right, or the exchange has no key. The rcode says what became of the request.
    Authentic(Response),
    /// The server does not know the key by this name and algorithm; unauthenticated by nature.
    BadKey,
    /// The server finds our MAC wrong: another secret; unauthenticated by nature.
    BadSig,
    /// The server finds our time wrong (RFC 8945 section 5.2.3).
    BadTime {
        /// The server's time less ours, in seconds.
        offset_seconds: i64,
        /// Whether the answer's MAC is right, so that the offset is the server's word.
        verified: bool,
    },
    /// The server wants a longer MAC (RFC 8945 section 5.2.4).
    BadTrunc,
    /// The request was signed and the answer is not.
    Unsigned(Rcode),
    /// The answer is signed, and not as the key would.
    Forged(Forgery),
    /// The octets are no answer to the request.
    Malformed(MalformedReason),
}

impl Reply {
    /// The contents of an authentic answer; none of any other.
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

/// The contents of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// What became of the request.
    pub rcode: Rcode,
    /// Whether the server has authority for the name (AA).
    pub authoritative: bool,
    /// Whether the answer was cut (TC).
    pub truncated: bool,
    /// The answer section of a query; empty for an UPDATE, which may get its own records back.
    pub answers: Vec<Record>,
    /// The authority section of a query.
    pub authorities: Vec<Record>,
    /// The server's explanation, if it gives one.
    pub extended_error: Option<ExtendedError>,
    /// The server's time when it signed less ours, in seconds; none where nothing is signed.
    pub offset_seconds: Option<i64>,
}

/// A server's explanation of its answer (RFC 8914).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtendedError {
    /// The code in the IANA registry.
    pub code: u16,
    /// Foreign text, mostly empty; it may hold anything and is escaped when it is displayed.
    pub text: String,
}

/// Reads the answer to a request; `now` is Unix time in seconds.
pub fn read_reply(octets: &[u8], expected: &Expected<'_>, now: u64) -> Reply {
    let read = authenticate(octets, expected, now).and_then(|message| {
        Response::read(&message, expected.opcode, now).map_err(Reply::Malformed)
    });
    read.map_or_else(|reply| reply, Reply::Authentic)
}

/// The message, if it is an answer to the request and authentic; else the reply that says what it
/// is instead.
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

/// A message that is an answer to the request by its header. The original id of its TSIG may be another one:
/// a secondary that forwards an update (RFC 2136 section 6) asks the primary under an id of its own. The MAC,
/// which covers that of the request, binds the two together (RFC 8945 section 5.3).
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
    /// The contents of a message that was found to be the answer.
    pub(super) fn read(
        message: &Message<'_>,
        opcode: Opcode,
        now: u64,
    ) -> Result<Self, MalformedReason> {
        let tsig = message.tsig.as_ref();
        let records = |section| match opcode {
            Opcode::Query => message.records(section).map(|it| it.decode()).collect(),
            // RFC 2136 section 3.8: the sections may be the request's, classes ANY and NONE too.
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
    /// That of a message.
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        message.opt().and_then(|opt| Self::find(opt.rdata_octets()))
    }

    /// The first extended error among EDNS options (RFC 6891 section 6.1.2).
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
