//! The frame of messages (RFC 1035 section 4): views of records that are still encoded in the
//! message, decompression of names, and the reasons why a message is malformed.

use hickory_proto::op::OpCode;
use hickory_proto::rr::Name as MessageName;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};

use super::wire_record::{Class, WireRecord};
use crate::model::{Field, NAME_OCTETS_MAX, Name, Rdata, Record, RecordType, fields};
use crate::plan::HEADER_OCTETS;

/// Octets of the longest message: the two length octets of TCP count no further (RFC 1035 section
/// 4.2.2).
pub const MESSAGE_OCTETS_MAX: usize = 65_535;
/// The class of the Internet.
pub(super) const CLASS_IN: u16 = 1;
/// The class NONE: in an UPDATE, an RRset or name that must be absent, or a record to delete (RFC
/// 2136 sections 2.4 and 2.5).
pub(super) const CLASS_NONE: u16 = 254;
/// The class ANY: in an UPDATE, a whole RRset or name (RFC 2136 sections 2.4 and 2.5); also the
/// class of TSIG.
pub(super) const CLASS_ANY: u16 = 255;

/// The opcode of a message; nsbridge sends only these two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Opcode {
    /// A query, zone transfers among them (RFC 1035 section 4.1.1).
    Query,
    /// A dynamic update (RFC 2136 section 1.3).
    Update,
}

impl From<Opcode> for OpCode {
    fn from(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Query => Self::Query,
            Opcode::Update => Self::Update,
        }
    }
}

/// The reason why octets are not the expected message.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum MalformedReason {
    /// The octets end inside a field.
    #[error("the message ends early")]
    Short,
    /// The message is longer than [`MESSAGE_OCTETS_MAX`].
    #[error("the message has {octets} octets, more than {MESSAGE_OCTETS_MAX}")]
    Long { octets: usize },
    /// Octets follow the last record that the header counts.
    #[error("{octets} octets follow the message's last record")]
    TrailingOctets { octets: usize },
    /// A name is too long, or it has a bad label or a pointer that leads to no name.
    #[error("a name at octet {at} is broken")]
    Name {
        /// The offset of the name in the message.
        at: usize,
    },
    /// The data of a record do not fit its type.
    #[error("the data of a record of type {} at `{owner}` do not fit the type", rtype.0)]
    Rdata { owner: Name, rtype: RecordType },
    /// A record has another class than IN.
    #[error("a record at `{owner}` has class {class}")]
    Class { owner: Name, class: u16 },
    /// A TSIG is not the last record, or the message has several (RFC 8945 section 5.1).
    #[error("the message has a TSIG that is not its last record")]
    TsigNotLast,
    /// The TSIG record cannot be read.
    #[error("the message's TSIG is broken")]
    TsigBroken,
    /// The TSIG carries an error that no response to nsbridge can have.
    #[error("the message's TSIG names error {0}")]
    TsigError(u16),
    /// The id is not that of the request.
    #[error("the answer has id {found} and not {expected}")]
    Id { found: u16, expected: u16 },
    /// The message is a request instead of a response, or a response instead of a request.
    #[error("the message is no {}", if *.response_expected { "response" } else { "request" })]
    Direction { response_expected: bool },
    /// The message has another opcode.
    #[error("the message has opcode {found} and not {expected}")]
    Opcode { found: u8, expected: u8 },
    /// The message does not have exactly one question, although it needs one.
    #[error("the request has {0} questions and not one")]
    Questions(u16),
}

/// A view of a record whose owner name and data are still encoded in the message.
pub(super) struct RecordView<'a> {
    octets: &'a [u8],
    pub(super) owner_at: usize,
    pub(super) rtype: RecordType,
    pub(super) class: u16,
    pub(super) ttl: u32,
    rdata_at: usize,
    rdata_end: usize,
}

impl<'a> RecordView<'a> {
    /// Reads the record at the decoder and moves the decoder past it.
    /// Reads the record at the decoder and moves the decoder past it.
    pub(super) fn read(
        octets: &'a [u8],
        decoder: &mut BinDecoder<'a>,
    ) -> Result<Self, MalformedReason> {
        let owner_at = decoder.index();
        skip_name(decoder)?;
        let rtype = RecordType(decoder.read_u16()?.unverified());
        let class = decoder.read_u16()?.unverified();
        let ttl = decoder.read_u32()?.unverified();
        let length = decoder.read_u16()?.unverified();
        let rdata_at = decoder.index();
        decoder.read_slice(usize::from(length))?;
        Ok(Self {
            octets,
            owner_at,
            rtype,
            class,
            ttl,
            rdata_at,
            rdata_end: decoder.index(),
        })
    }

    /// Decodes the owner name.
    pub(super) fn owner(&self) -> Result<Name, MalformedReason> {
        read_name(&mut decoder_at(self.octets, self.owner_at))
    }

    /// Returns the data as they are in the message, still compressed.
    pub(super) fn rdata_octets(&self) -> &'a [u8] {
        &self.octets[self.rdata_at..self.rdata_end]
    }

    /// Returns a decoder at the first octet of the data; it can follow pointers to earlier octets.
    pub(super) fn rdata_decoder(&self) -> BinDecoder<'a> {
        decoder_at(&self.octets[..self.rdata_end], self.rdata_at)
    }

    /// Decodes the record and decompresses its names; accepts class IN only.
    pub(super) fn decode(&self) -> Result<Record, MalformedReason> {
        let owner = self.owner()?;
        if self.class != CLASS_IN {
            let class = self.class;
            return Err(MalformedReason::Class { owner, class });
        }
        let Some(rdata) = self.canonical_rdata() else {
            let rtype = self.rtype;
            return Err(MalformedReason::Rdata { owner, rtype });
        };
        Ok(Record {
            owner,
            rtype: self.rtype,
            ttl: self.ttl,
            rdata,
        })
    }

    /// Copies the record, of any class, and decompresses its names; keeps their spelling.
    pub(super) fn to_wire_record(&self) -> Result<WireRecord, MalformedReason> {
        let owner = self.owner()?;
        let Some(rdata) = self.uncompressed_rdata() else {
            let rtype = self.rtype;
            return Err(MalformedReason::Rdata { owner, rtype });
        };
        Ok(WireRecord {
            owner,
            rtype: self.rtype,
            class: Class(self.class),
            ttl: self.ttl,
            rdata,
        })
    }

    /// Returns the canonical data; `None` if they do not fit the layout of the type.
    fn canonical_rdata(&self) -> Option<Rdata> {
        if fields(self.rtype).is_empty() {
            return Some(Rdata::from_canonical(self.rdata_octets()));
        }
        if self.rdata_octets().is_empty() {
            return None;
        }
        Rdata::from_wire(self.rtype, &self.uncompressed_rdata()?).ok()
    }

    /// Decompresses the names in the data and keeps their spelling; `None` if the data do not fit
    /// the layout of the type. Empty data fit any type: in an UPDATE they mean a whole RRset or
    /// name (RFC 2136 section 2.5).
    fn uncompressed_rdata(&self) -> Option<Vec<u8>> {
        let layout = fields(self.rtype);
        if layout.is_empty() || self.rdata_octets().is_empty() {
            return Some(self.rdata_octets().to_vec());
        }
        let mut decoder = self.rdata_decoder();
        let mut uncompressed = Vec::with_capacity(NAME_OCTETS_MAX);
        for field in layout {
            let octets = match field {
                Field::Octets(count) => *count,
                Field::CharacterString => 1 + usize::from(decoder.peek()?.unverified()),
                Field::Name => {
                    uncompressed.extend_from_slice(read_name(&mut decoder).ok()?.as_wire());
                    continue;
                }
            };
            uncompressed.extend_from_slice(decoder.read_slice(octets).ok()?.unverified());
        }
        let rest = decoder.len();
        uncompressed.extend_from_slice(decoder.read_slice(rest).ok()?.unverified());
        Some(uncompressed)
    }
}

impl From<DecodeError> for MalformedReason {
    /// A field of fixed size can only be too short; `read_name` reads the names.
    fn from(_: DecodeError) -> Self {
        Self::Short
    }
}

/// Returns a decoder at offset `at`, which must be in the message or at its end.
pub(super) fn decoder_at(octets: &[u8], at: usize) -> BinDecoder<'_> {
    let mut decoder = BinDecoder::new(octets);
    let skipped = decoder.read_slice(at);
    debug_assert!(skipped.is_ok(), "an earlier read reached the offset");
    decoder
}

/// Reads a name and decompresses it.
pub(super) fn read_name(decoder: &mut BinDecoder<'_>) -> Result<Name, MalformedReason> {
    let at = decoder.index();
    let broken = || MalformedReason::Name { at };
    let name = MessageName::read(decoder).map_err(|_| broken())?;
    let message = decoder.slice_from(0).map_err(|_| broken())?;
    if points_into_header(message, at) {
        return Err(broken());
    }
    let mut wire = [0; NAME_OCTETS_MAX];
    let mut end = 0;
    for label in &name {
        let target = wire.get_mut(end..=end + label.len()).ok_or_else(broken)?;
        target[0] = u8::try_from(label.len()).map_err(|_| broken())?;
        target[1..].copy_from_slice(label);
        end += target.len();
    }
    let octets = wire.get(..=end).ok_or_else(broken)?;
    Name::from_wire(octets).map_err(|_| broken())
}

/// Returns whether a name has a pointer into the header, which holds no name (RFC 1035 section
/// 4.1.4). Such a name would change with the id and the counts, and the received values of those
/// are not the signed ones (RFC 8945 section 4.3.2). The caller must have read the name before, so
/// that its pointers end.
fn points_into_header(message: &[u8], mut at: usize) -> bool {
    loop {
        match message.get(at..) {
            Some(&[high @ 0xc0..=0xff, low, ..]) => {
                at = usize::from(u16::from_be_bytes([high & 0x3f, low]));
                if at < HEADER_OCTETS {
                    return true;
                }
            }
            Some(&[length @ 1..=63, ..]) => at += 1 + usize::from(length),
            _ => return false,
        }
    }
}

/// Moves the decoder past a name without following its pointer.
pub(super) fn skip_name(decoder: &mut BinDecoder<'_>) -> Result<(), MalformedReason> {
    let at = decoder.index();
    loop {
        match decoder.pop()?.unverified() {
            0 => return Ok(()),
            length @ 1..=63 => {
                decoder.read_slice(usize::from(length))?;
            }
            0xc0.. => {
                decoder.pop()?;
                return Ok(());
            }
            64..0xc0 => return Err(MalformedReason::Name { at }),
        }
    }
}
