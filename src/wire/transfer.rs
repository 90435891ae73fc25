//! Zone transfers (RFC 5936) as they are received: one message after the other goes in, and a whole
//! zone comes out or an error. There is no third thing: whatever is odd about a transfer, a zone
//! that lacks records is never given out, for a plan against it would add and remove wrongly.
//!
//! A transfer begins and ends with the zone's SOA. Under a key its first and last message are
//! signed, and at most 99 in a row between them are not (RFC 8945 section 5.3.1); records of such
//! messages are kept as they come and count only when a later MAC has covered them.

use super::frame::{MalformedReason, Opcode, RecordView};
use super::key::Key;
use super::message::{Message, Section};
use super::rcode::Rcode;
use super::reply::{Expected, Reply, Response, authenticate, parse_response};
use super::tsig::{ChainStatus, Forgery, RequestMac, ResponseChain};
use super::tsig_record::Tsig;
use crate::model::{
    CurrentZone, Name, Rdata, Record, RecordType, RrSet, RrSets, Serial, Soa, ZoneName,
};

/// Most octets of one transfer's messages: for each of the most records as many as those of a zone
/// have that is signed with long keys.
pub const TRANSFER_OCTETS_MAX: usize = 256 * TRANSFER_RECORDS_MAX;
/// Most records of one transfer; so many take about 150 MB of memory.
pub const TRANSFER_RECORDS_MAX: usize = 1_000_000;
/// How many sets back a set is put in order when it arrives: the types that an owner mostly has.
const SETS_BACK_MAX: usize = 16;

/// Whether a transfer goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// More messages are to come.
    More,
    /// That was the last message.
    Complete,
}

/// Why a transfer gives no zone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransferError {
    /// The first message is no beginning of a transfer: an rcode or a signature that is not right.
    #[error("the transfer is denied: {0}")]
    Denied(Reply),
    /// A later message has an rcode.
    #[error("the transfer stopped with {rcode} after {records} records")]
    Stopped {
        /// The message's rcode.
        rcode: Rcode,
        /// How many records had come.
        records: usize,
    },
    /// A message says that it was cut (TC).
    #[error("a message of the transfer is truncated")]
    Truncated,
    /// A message is none, or not of this transfer.
    #[error(transparent)]
    Malformed(#[from] MalformedReason),
    /// The signature of a later message is wrong.
    #[error(transparent)]
    Forged(#[from] Forgery),
    /// Too many messages in a row are not signed.
    #[error("too many messages of the transfer are not signed")]
    TooManyUnsigned,
    /// The last message is not signed, so that records may have been put in or taken out.
    #[error("the last message of the transfer is not signed")]
    EndUnsigned,
    /// The first message has no record.
    #[error("the transfer has no records")]
    Empty,
    /// The first record is not the zone's SOA.
    #[error("the transfer starts with type {} at `{owner}` and not with the zone's SOA", rtype.0)]
    Start {
        /// The record's owner.
        owner: Name,
        /// Its type.
        rtype: RecordType,
    },
    /// A record stands outside the zone.
    #[error("the transfer has a record at `{owner}`, outside the zone")]
    OutOfZone {
        /// The record's owner.
        owner: Name,
    },
    /// An SOA stands below the zone's apex.
    #[error("the transfer has an SOA at `{owner}`, below the zone's apex")]
    StraySoa {
        /// The record's owner.
        owner: Name,
    },
    /// The last SOA is not the first: the zone changed on the way.
    #[error("the transfer started with serial {first} and ended with another SOA of serial {last}")]
    EndDiffers {
        /// Serial of the first SOA.
        first: Serial,
        /// Serial of the last SOA.
        last: Serial,
    },
    /// Something follows the last SOA.
    #[error("the transfer goes on after its last SOA")]
    AfterEnd,
    /// No last SOA came.
    #[error("the transfer ended after {records} records without its last SOA")]
    CutShort {
        /// How many records had come.
        records: usize,
    },
    /// More than [`TRANSFER_OCTETS_MAX`].
    #[error("the transfer has more than {TRANSFER_OCTETS_MAX} octets")]
    TooManyOctets,
    /// More than [`TRANSFER_RECORDS_MAX`].
    #[error("the transfer has more than {TRANSFER_RECORDS_MAX} records")]
    TooManyRecords,
    /// The transfer had failed before.
    #[error("the transfer has failed before")]
    AfterFailure,
}

/// Takes the messages of one transfer.
pub struct TransferReader {
    zone: ZoneName,
    id: u16,
    state: State,
    octets: usize,
    records: usize,
    sets: Vec<RrSet>,
}

/// How far a transfer is.
///
/// ```text
/// Waiting ── SOA ──▶ Open ── same SOA, signed ──▶ Complete
///    └───────────────┴────── any error ─────────▶ Failed
/// ```
enum State {
    Waiting {
        key: Option<(Key, RequestMac)>,
    },
    Open {
        start: Start,
        chain: Option<ResponseChain>,
    },
    Complete(Start),
    Failed,
}

/// The SOA that a transfer starts with.
struct Start {
    rdata: Rdata,
    soa: Soa,
    ttl: u32,
}

impl TransferReader {
    /// A reader of the answers to an AXFR query of this id, signed with the key to this MAC.
    pub fn new(zone: &ZoneName, id: u16, key: Option<(Key, RequestMac)>) -> Self {
        Self {
            zone: zone.clone(),
            id,
            state: State::Waiting { key },
            octets: 0,
            records: 0,
            sets: Vec::new(),
        }
    }

    /// Takes the next message; `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`TransferError`]; the transfer has failed then, whatever may still come.
    pub fn push(&mut self, octets: &[u8], now: u64) -> Result<Progress, TransferError> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        self.octets += octets.len();
        if self.octets > TRANSFER_OCTETS_MAX {
            return Err(TransferError::TooManyOctets);
        }
        self.state = match state {
            State::Waiting { key } => self.begin(octets, key, now)?,
            State::Open { start, chain } => self.go_on(octets, start, chain, now)?,
            State::Complete(_) => return Err(TransferError::AfterEnd),
            State::Failed => return Err(TransferError::AfterFailure),
        };
        Ok(match self.state {
            State::Complete(_) => Progress::Complete,
            State::Waiting { .. } | State::Open { .. } | State::Failed => Progress::More,
        })
    }

    /// The zone, after [`Progress::Complete`].
    ///
    /// # Errors
    /// [`TransferError::CutShort`] where the end was not reached, and
    /// [`TransferError::AfterFailure`].
    pub fn finish(self) -> Result<CurrentZone, TransferError> {
        match self.state {
            State::Complete(start) => Ok(CurrentZone {
                name: self.zone,
                soa: start.soa,
                soa_ttl: start.ttl,
                records: RrSets::from_sets(self.sets),
            }),
            State::Waiting { .. } | State::Open { .. } => Err(TransferError::CutShort {
                records: self.records,
            }),
            State::Failed => Err(TransferError::AfterFailure),
        }
    }

    /// The first message.
    fn begin(
        &mut self,
        octets: &[u8],
        key: Option<(Key, RequestMac)>,
        now: u64,
    ) -> Result<State, TransferError> {
        let expected = Expected {
            id: self.id,
            opcode: Opcode::Query,
            key: key.as_ref().map(|(key, mac)| (key, mac)),
        };
        let message = authenticate(octets, &expected, now).map_err(TransferError::Denied)?;
        if message.rcode() != Rcode::NOERROR.0 {
            let response = Response::read(&message, Opcode::Query, now)?;
            return Err(TransferError::Denied(Reply::Authentic(response)));
        }
        refuse_truncated(&message)?;
        let chain = match (key, &message.tsig) {
            (Some((key, _)), Some(tsig)) => Some(ResponseChain::after(key, tsig)),
            (_, None) | (None, Some(_)) => None,
        };
        let mut records = message.records(Section::Answers);
        let first = records.next().ok_or(TransferError::Empty)?;
        let start = self.start(&first.decode()?)?;
        self.records = 1;
        self.keep_all(records, start, chain, true)
    }

    /// Any later message.
    fn go_on(
        &mut self,
        octets: &[u8],
        start: Start,
        mut chain: Option<ResponseChain>,
        now: u64,
    ) -> Result<State, TransferError> {
        let message = parse_response(octets, self.id, Opcode::Query)?;
        if let Some(error @ 1..) = message.tsig.as_ref().map(Tsig::error) {
            return Err(MalformedReason::TsigError(error).into());
        }
        let is_covered = match &mut chain {
            Some(chain) => match chain.check(&message, now)? {
                ChainStatus::Signed => true,
                ChainStatus::Unsigned => false,
                ChainStatus::TooManyUnsigned => return Err(TransferError::TooManyUnsigned),
            },
            None => true,
        };
        if message.rcode() != Rcode::NOERROR.0 {
            return Err(TransferError::Stopped {
                rcode: Rcode(message.rcode()),
                records: self.records,
            });
        }
        refuse_truncated(&message)?;
        self.keep_all(message.records(Section::Answers), start, chain, is_covered)
    }

    /// The SOA that has to come first.
    fn start(&self, record: &Record) -> Result<Start, TransferError> {
        if record.rtype != RecordType::SOA || record.owner != *self.zone.apex() {
            let (owner, rtype) = (record.owner.clone(), record.rtype);
            return Err(TransferError::Start { owner, rtype });
        }
        Ok(Start {
            rdata: record.rdata.clone(),
            soa: read_soa(record)?,
            ttl: record.ttl,
        })
    }

    /// Keeps the records of a message, up to the last SOA.
    fn keep_all<'a>(
        &mut self,
        mut records: impl Iterator<Item = RecordView<'a>>,
        start: Start,
        chain: Option<ResponseChain>,
        is_covered: bool,
    ) -> Result<State, TransferError> {
        while let Some(record) = records.next() {
            let record = record.decode()?;
            self.records += 1;
            if self.records > TRANSFER_RECORDS_MAX {
                return Err(TransferError::TooManyRecords);
            }
            if record.rtype != RecordType::SOA {
                self.keep(record)?;
                continue;
            }
            self.refuse_other_end(record, &start)?;
            return if records.next().is_some() {
                Err(TransferError::AfterEnd)
            } else if is_covered {
                Ok(State::Complete(start))
            } else {
                Err(TransferError::EndUnsigned)
            };
        }
        Ok(State::Open { start, chain })
    }

    /// An error unless the record is the SOA that the transfer started with.
    fn refuse_other_end(&self, record: Record, start: &Start) -> Result<(), TransferError> {
        if record.owner != *self.zone.apex() {
            let owner = record.owner;
            return Err(TransferError::StraySoa { owner });
        }
        if record.rdata != start.rdata {
            return Err(TransferError::EndDiffers {
                first: start.soa.serial,
                last: read_soa(&record)?.serial,
            });
        }
        Ok(())
    }

    /// Keeps a record so that all are in order, or nearly, when the transfer is: servers send
    /// owners in the canonical order or none, and the types of an owner in one of their own.
    fn keep(&mut self, record: Record) -> Result<(), TransferError> {
        let Record {
            owner,
            rtype,
            ttl,
            rdata,
        } = record;
        if let Some(last) = self.sets.last_mut()
            && last.rtype == rtype
            && last.owner == owner
        {
            last.ttl = last.ttl.min(ttl);
            last.rdatas.push(rdata);
            return Ok(());
        }
        if !owner.is_at_or_below(self.zone.apex()) {
            return Err(TransferError::OutOfZone { owner });
        }
        let last_sets = self.sets.iter().rev().take(SETS_BACK_MAX);
        let after = last_sets.take_while(|set| set.rtype > rtype && set.owner == owner);
        let at = self.sets.len() - after.count();
        let rdatas = vec![rdata];
        let set = RrSet {
            owner,
            rtype,
            ttl,
            rdatas,
        };
        self.sets.insert(at, set);
        Ok(())
    }
}

fn refuse_truncated(message: &Message<'_>) -> Result<(), TransferError> {
    if message.header.truncation {
        Err(TransferError::Truncated)
    } else {
        Ok(())
    }
}

fn read_soa(record: &Record) -> Result<Soa, MalformedReason> {
    Soa::from_rdata(&record.rdata).map_err(|_| MalformedReason::Rdata {
        owner: record.owner.clone(),
        rtype: record.rtype,
    })
}
