//! A whole message taken apart for showing it: all sections, all classes, data as they are.

use super::frame::MalformedReason;
use super::message::{Message, Section};
use super::rcode::Rcode;
use super::reply::ExtendedError;
use super::wire_record::{Class, WireRecord};
use crate::model::{Name, RecordType};

/// A message taken apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageDump {
    /// Its id.
    pub id: u16,
    /// Its opcode; 0 is QUERY, 5 UPDATE.
    pub opcode: u8,
    /// Its response code.
    pub rcode: Rcode,
    /// The flags that are set, in dig's words and order.
    pub flags: Vec<&'static str>,
    /// How many records the header counts in each section.
    pub counts: [u16; 4],
    /// The question, or the zone of an UPDATE.
    pub question: Option<(Name, Class, RecordType)>,
    /// Answers, or prerequisites.
    pub answers: Vec<WireRecord>,
    /// Authorities, or updates.
    pub authorities: Vec<WireRecord>,
    /// Additional records but OPT and signatures.
    pub additionals: Vec<WireRecord>,
    /// The signature of a shared secret.
    pub tsig: Option<TsigDump>,
    /// The signature of a private key (RFC 2931).
    pub sig0: Option<WireRecord>,
    /// The server's explanation, if it gives one (RFC 8914).
    pub extended_error: Option<ExtendedError>,
}

/// A TSIG record taken apart (RFC 8945 section 4.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TsigDump {
    /// The key's name.
    pub key: Name,
    /// The algorithm's name.
    pub algorithm: Name,
    /// When it was signed, in Unix seconds.
    pub time: u64,
    /// How far clocks may be apart, in seconds.
    pub fudge_seconds: u16,
    /// The MAC.
    pub mac: Vec<u8>,
    /// The id under which it was signed.
    pub original_id: u16,
    /// The error that the signer names, 0 for none.
    pub error: u16,
    /// Other data.
    pub other: Vec<u8>,
}

impl MessageDump {
    /// Takes a message apart, believed or not.
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
        // It covers no type, and only another signature stands after it (RFC 2931 section 3.1).
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

    /// Whether the answer was cut (TC).
    pub fn is_truncated(&self) -> bool {
        self.flags.contains(&"tc")
    }
}
