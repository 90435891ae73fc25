//! A tolerant view of a received message (RFC 1035 section 4). It checks the frame strictly, and
//! the data of records only as far as the decompression of names needs it. A library's record
//! decoder would reject a whole message, and so a whole zone, for one record with unusual data.

use hickory_proto::op::{Header, MessageType, OpCode};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::frame::{
    MESSAGE_OCTETS_MAX, MalformedReason, RecordView, decoder_at, read_name, skip_name,
};
use super::tsig_record::Tsig;
use crate::model::{Name, RecordType};
use crate::plan::HEADER_OCTETS;

/// A section of records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Section {
    Answers,
    Authorities,
    Additionals,
}

/// The question of a query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) rtype: RecordType,
    pub(super) class: u16,
}

/// A message with a sound frame: the header is complete, each record ends within the message, no
/// octets follow the last record, and a TSIG is the last record.
pub(super) struct Message<'a> {
    pub(super) octets: &'a [u8],
    pub(super) header: Header,
    pub(super) tsig: Option<Tsig<'a>>,
    sections: [(usize, u16); 3],
}

impl<'a> Message<'a> {
    /// Checks the frame of a whole message without decoding its records.
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, MalformedReason> {
        if octets.len() > MESSAGE_OCTETS_MAX {
            let octets = octets.len();
            return Err(MalformedReason::Long { octets });
        }
        let mut decoder = BinDecoder::new(octets);
        let header = Header::read(&mut decoder)?;
        let counts = header.counts;
        for _ in 0..counts.queries {
            skip_name(&mut decoder)?;
            decoder.read_u32()?;
        }
        let mut tsig = None;
        let mut sections = [(0, 0); 3];
        let per_section = [counts.answers, counts.authorities, counts.additionals];
        for (section, count) in sections.iter_mut().zip(per_section) {
            *section = (decoder.index(), count);
            for _ in 0..count {
                if tsig.is_some() {
                    return Err(MalformedReason::TsigNotLast);
                }
                let record = RecordView::read(octets, &mut decoder)?;
                if record.rtype == RecordType::TSIG {
                    tsig = Some(record);
                }
            }
        }
        if !decoder.is_empty() {
            let octets = decoder.len();
            return Err(MalformedReason::TrailingOctets { octets });
        }
        let tsig = match tsig {
            Some(record) if record.owner_at >= sections[2].0 => Some(Tsig::read(&record)?),
            Some(_) => return Err(MalformedReason::TsigNotLast),
            None => None,
        };
        Ok(Self {
            octets,
            header,
            tsig,
            sections,
        })
    }

    /// Checks the direction of the message, request or response, and its opcode.
    pub(super) fn expect_kind(
        &self,
        kind: MessageType,
        opcode: OpCode,
    ) -> Result<(), MalformedReason> {
        if self.header.message_type != kind {
            let response_expected = kind == MessageType::Response;
            return Err(MalformedReason::Direction { response_expected });
        }
        let (found, expected) = (u8::from(self.header.op_code), u8::from(opcode));
        if found != expected {
            return Err(MalformedReason::Opcode { found, expected });
        }
        Ok(())
    }

    /// Returns the response code, with its upper bits from the OPT record (RFC 6891 section 6.1.3).
    pub(super) fn rcode(&self) -> u16 {
        let low = u16::from(self.header.response_code.low());
        let upper = |opt: RecordView<'_>| u16::from(opt.ttl.to_be_bytes()[0]) << 4;
        low | self.opt().map_or(0, upper)
    }

    /// Returns the OPT record (RFC 6891).
    pub(super) fn opt(&self) -> Option<RecordView<'a>> {
        self.records(Section::Additionals)
            .find(|record| record.rtype == RecordType::OPT)
    }

    /// Returns the records of a section, TSIG included.
    pub(super) fn records(&self, section: Section) -> impl Iterator<Item = RecordView<'a>> {
        let (at, count) = self.sections[section as usize];
        let octets = self.octets;
        let mut decoder = decoder_at(octets, at);
        // `parse` has read every record before, so `ok` drops none.
        (0..count).map_while(move |_| RecordView::read(octets, &mut decoder).ok())
    }

    /// Reads the only question.
    pub(super) fn question(&self) -> Result<Question, MalformedReason> {
        if self.header.counts.queries != 1 {
            return Err(MalformedReason::Questions(self.header.counts.queries));
        }
        let mut decoder = decoder_at(self.octets, HEADER_OCTETS);
        Ok(Question {
            name: read_name(&mut decoder)?,
            rtype: RecordType(decoder.read_u16()?.unverified()),
            class: decoder.read_u16()?.unverified(),
        })
    }
}
