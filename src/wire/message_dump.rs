//! Decodes a whole message for display: all sections, all classes, data as they are.

use super::frame::MalformedReason;
use super::message::{Message, Section};
use super::rcode::Rcode;
use super::reply::ExtendedError;
use super::wire_record::{Class, WireRecord};
use crate::model::{Name, RecordType};

/// A decoded message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct MessageDump {
    pub id: u16,
    /// The opcode; 0 is QUERY, 5 is UPDATE.
    pub opcode: u8,
    pub rcode: Rcode,
    /// The mnemonics of the set flags, as dig writes and orders them.
    pub flags: Vec<&'static str>,
    /// The number of records in each section by the header.
    pub counts: [u16; 4],
    /// The question, or the zone of an UPDATE.
    pub question: Option<(Name, Class, RecordType)>,
    /// The answer section, or the prerequisites of an UPDATE.
    pub answers: Vec<WireRecord>,
    /// The authority section, or the changes of an UPDATE.
    pub authorities: Vec<WireRecord>,
    /// The additional section without OPT and signatures.
    pub additionals: Vec<WireRecord>,
    pub tsig: Option<TsigDump>,
    /// The SIG(0) record (RFC 2931).
    pub sig0: Option<WireRecord>,
    /// The server's explanation, if it gives one (RFC 8914).
    pub extended_error: Option<ExtendedError>,
}

/// A decoded TSIG record (RFC 8945 section 4.2).
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct TsigDump {
    pub key: Name,
    pub algorithm: Name,
    /// The time of signing, in Unix seconds.
    pub time: u64,
    pub fudge_seconds: u16,
    pub mac: Vec<u8>,
    pub original_id: u16,
    /// The error code of the signer; 0 if there is no error.
    pub error: u16,
    pub other: Vec<u8>,
}

impl MessageDump {
    /// Decodes a message without verifying its signature.
    ///
    /// # Errors
    /// [`MalformedReason`].
    pub fn read(octets: &[u8]) -> Result<Self, MalformedReason> {
        let message = Message::parse(octets)?;
        let header = &message.header;
        let flags = [
            (
                header.message_type == hickory_proto::op::MessageType::Response,
                "qr",
            ),
            (header.authoritative, "aa"),
            (header.truncation, "tc"),
            (header.recursion_desired, "rd"),
            (header.recursion_available, "ra"),
            (header.authentic_data, "ad"),
            (header.checking_disabled, "cd"),
        ];
        let records = |section| -> Result<Vec<WireRecord>, MalformedReason> {
            let shown = |rtype| rtype != RecordType::TSIG && rtype != RecordType::OPT;
            let records = message.records(section);
            records
                .filter(|record| shown(record.rtype))
                .map(|record| record.to_wire_record())
                .collect()
        };
        let question = if header.counts.queries == 1 {
            let question = message.question()?;
            Some((question.name, Class(question.class), question.rtype))
        } else {
            None
        };
        let mut additionals = records(Section::Additionals)?;
        // A SIG(0) covers no type, and only a TSIG may follow it (RFC 2931 section 3.1).
        let sig0 = additionals
            .pop_if(|last| last.rtype == RecordType::SIG && matches!(*last.rdata, [0, 0, ..]));
        Ok(Self {
            id: header.id,
            opcode: header.op_code.into(),
            rcode: Rcode(message.rcode()),
            flags: flags
                .iter()
                .filter_map(|(set, flag)| set.then_some(*flag))
                .collect(),
            counts: [
                header.counts.queries,
                header.counts.answers,
                header.counts.authorities,
                header.counts.additionals,
            ],
            question,
            answers: records(Section::Answers)?,
            authorities: records(Section::Authorities)?,
            additionals,
            sig0,
            extended_error: ExtendedError::of(&message),
            tsig: message.tsig.as_ref().map(|tsig| TsigDump {
                key: tsig.key.clone(),
                algorithm: tsig.algorithm.clone(),
                time: tsig.variables.time,
                fudge_seconds: tsig.variables.fudge,
                mac: tsig.mac.to_vec(),
                original_id: tsig.original_id,
                error: tsig.variables.error,
                other: tsig.variables.other.to_vec(),
            }),
        })
    }

    /// Returns whether the message is truncated (TC).
    pub fn is_truncated(&self) -> bool {
        self.flags.contains(&"tc")
    }
}
