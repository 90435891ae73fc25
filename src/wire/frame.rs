//! The frame of messages (RFC 1035 section 4): records with their owner and data still in the message,
//! names taken out of compression, and what can be wrong with a frame.

use hickory_proto::op::OpCode;
use hickory_proto::rr::Name as MessageName;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};

use super::wire_record::{Class, WireRecord};
use crate::model::{Field, NAME_OCTETS_MAX, Name, Rdata, Record, RecordType, fields};
use crate::plan::HEADER_OCTETS;

/// Longest message: what the two octets of a TCP frame can say (RFC 1035 section 4.2.2).
pub const MESSAGE_OCTETS_MAX: usize = 65_535;
/// The Internet's class.
pub(super) const CLASS_IN: u16 = 1;
/// No class: in an UPDATE, what must not be or shall go (RFC 2136 section 2.4).
pub(super) const CLASS_NONE: u16 = 254;
/// Any class: in an UPDATE, a whole set or name (RFC 2136 section 2.4); the class of TSIG.
pub(super) const CLASS_ANY: u16 = 255;

/// What a message is for; the only two that nsbridge sends.
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

/// Why octets are not the message that was waited for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MalformedReason {
    /// The octets end inside a field.
    #[error("the message ends early")]
    Short,
    /// More than [`MESSAGE_OCTETS_MAX`].
    #[error("the message has {octets} octets, more than {MESSAGE_OCTETS_MAX}")]
    Long {
        /// How many there are.
        octets: usize,
    },
    /// Octets follow the last record that the header counts.
    #[error("{octets} octets follow the message's last record")]
    TrailingOctets {
        /// How many.
        octets: usize,
    },
    /// A name is too long, has a bad label or a pointer that leads to no name.
    #[error("a name at octet {at} is broken")]
    Name {
        /// Where in the message the name starts.
        at: usize,
    },
    /// A record's data do not fit its type.
    #[error("the data of a record of type {} at `{owner}` do not fit the type", rtype.0)]
    Rdata {
        /// The record's owner.
        owner: Name,
        /// The record's type.
        rtype: RecordType,
    },
    /// A record of another class than IN.
    #[error("a record at `{owner}` has class {class}")]
    Class {
        /// The record's owner.
        owner: Name,
        /// Its class.
        class: u16,
    },
    /// TSIG is not the last record, or there is more than one (RFC 8945 section 5.1).
    #[error("the message has a TSIG that is not its last record")]
    TsigNotLast,
    /// The TSIG record cannot be read.
    #[error("the message's TSIG is broken")]
    TsigBroken,
    /// The TSIG names an error that no answer to us can have.
    #[error("the message's TSIG names error {0}")]
    TsigError(u16),
    /// The id is not the request's.
    #[error("the answer has id {found} and not {expected}")]
    Id {
        /// What it has.
        found: u16,
        /// What the request had.
        expected: u16,
    },
    /// A request came where an answer was waited for, or the other way round.
    #[error("the message is no {}", if *.response_expected { "response" } else { "request" })]
    Direction {
        /// Whether a response was waited for.
        response_expected: bool,
    },
    /// Another opcode.
    #[error("the message has opcode {found} and not {expected}")]
    Opcode {
        /// What it has.
        found: u8,
        /// What it should have.
        expected: u8,
    },
    /// Not exactly one question where one is needed.
    #[error("the request has {0} questions and not one")]
    Questions(u16),
}

/// A record whose owner and data are still in the message.
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

    /// Where in the message the record starts.
    pub(super) fn at(&self) -> usize {
        self.owner_at
    }

    /// The record's owner.
    pub(super) fn owner(&self) -> Result<Name, MalformedReason> {
        read_name(&mut decoder_at(self.octets, self.owner_at))
    }

    /// The data as they stand in the message.
    pub(super) fn rdata_octets(&self) -> &'a [u8] {
        &self.octets[self.rdata_at..self.rdata_end]
    }

    /// A decoder at the first octet of the data, that can follow pointers out of it.
    pub(super) fn rdata_decoder(&self) -> BinDecoder<'a> {
        decoder_at(&self.octets[..self.rdata_end], self.rdata_at)
    }

    /// The record with all its names out of compression; class IN only.
    pub(super) fn decode(&self) -> Result<Record, MalformedReason> {
        let owner = self.owner()?;
        if self.class != CLASS_IN {
            let class = self.class;
            return Err(MalformedReason::Class { owner, class });
        }
        let Some(rdata) = self.rdata() else {
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

    /// The record as it stands, of any class, with its names out of compression.
    pub(super) fn to_wire_record(&self) -> Result<WireRecord, MalformedReason> {
        let owner = self.owner()?;
        let Some(rdata) = self.uncompressed() else {
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

    /// The canonical data; none where they do not fit the layout of the type.
    fn rdata(&self) -> Option<Rdata> {
        if fields(self.rtype).is_empty() {
            return Some(Rdata::from_canonical(self.rdata_octets()));
        }
        if self.rdata_octets().is_empty() {
            return None;
        }
        Rdata::from_wire(self.rtype, &self.uncompressed()?).ok()
    }

    /// The data with their names out of compression, in their own spelling; none where they do not
    /// fit the layout of the type. No data are a whole set or name (RFC 2136 section 2.5).
    fn uncompressed(&self) -> Option<Vec<u8>> {
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
    /// Fields of fixed size fail in one way only; names are read by `read_name`.
    fn from(_: DecodeError) -> Self {
        Self::Short
    }
}

/// A decoder that stands at `at`, which is in the message or at its end.
pub(super) fn decoder_at(octets: &[u8], at: usize) -> BinDecoder<'_> {
    let mut decoder = BinDecoder::new(octets);
    let skipped = decoder.read_slice(at);
    debug_assert!(skipped.is_ok(), "the place was reached before");
    decoder
}

/// Reads a name, compressed or not.
pub(super) fn read_name(decoder: &mut BinDecoder<'_>) -> Result<Name, MalformedReason> {
    let at = decoder.index();
    let broken = || MalformedReason::Name { at };
    let name = MessageName::read(decoder).map_err(|_| broken())?;
    let message = decoder.slice_from(0).map_err(|_| broken())?;
    if leads_into_header(message, at) {
        return Err(broken());
    }
    let mut wire = [0; NAME_OCTETS_MAX];
    let mut end = 0;
    for label in &name {
        let place = wire.get_mut(end..=end + label.len()).ok_or_else(broken)?;
        place[0] = u8::try_from(label.len()).map_err(|_| broken())?;
        place[1..].copy_from_slice(label);
        end += place.len();
    }
    let octets = wire.get(..=end).ok_or_else(broken)?;
    Name::from_wire(octets).map_err(|_| broken())
}

/// Whether a name that was read, and so has an end, points into the header, where none can stand (RFC 1035
/// section 4.1.4): it would change with the id and the counts, which are not as they are signed (RFC 8945
/// section 4.3.2).
fn leads_into_header(message: &[u8], mut at: usize) -> bool {
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

/// Goes past a name without following its pointer.
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
