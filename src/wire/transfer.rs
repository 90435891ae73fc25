//! Reads zone transfers (RFC 5936). [`TransferReader`] takes the messages one after another and
//! returns the whole zone or an error. It never returns a zone that lacks records: a plan against
//! such a zone would add and remove the wrong records.
//!
//! A transfer starts and ends with the zone's SOA. If the request is signed, the first and the last
//! message must be signed, and at most 99 messages in a row may be unsigned between them (RFC 8945
//! section 5.3.1). The reader keeps the records of unsigned messages, but completes the zone only
//! after a later MAC has covered them.

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

/// Most octets of all messages of a transfer. Each of the most records may have 256 octets, as the
/// records of a zone signed with long keys do.
pub const TRANSFER_OCTETS_MAX: usize = 256 * TRANSFER_RECORDS_MAX;
/// Most records of a transfer; they take about 150 MB of memory.
pub const TRANSFER_RECORDS_MAX: usize = 1_000_000;
/// Most RRsets that a new RRset may move ahead of: few owner names have more types.
const REORDER_SETS_MAX: usize = 16;

/// The progress of a transfer after a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// More messages must follow.
    More,
    /// The message was the last one.
    Complete,
}

/// The reason why a transfer gives no zone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum TransferError {
    /// The first message is not authentic, or it has an rcode other than NOERROR.
    #[error("the transfer is denied: {0}")]
    Denied(Reply),
    /// A later message has an rcode other than NOERROR.
    #[error("the transfer stopped with {rcode} after {records} records")]
    Stopped { rcode: Rcode, records: usize },
    /// A message has the flag TC.
    #[error("a message of the transfer is truncated")]
    Truncated,
    /// A message is malformed, or it does not belong to this transfer.
    #[error(transparent)]
    Malformed(#[from] MalformedReason),
    /// The signature of a later message is wrong.
    #[error(transparent)]
    Forged(#[from] Forgery),
    /// Too many messages in a row are not signed.
    #[error("too many messages of the transfer are not signed")]
    TooManyUnsigned,
    /// The last message is not signed, so that an attacker may have added or removed records.
    #[error("the last message of the transfer is not signed")]
    EndUnsigned,
    /// The first message has no record.
    #[error("the transfer has no records")]
    Empty,
    /// The first record is not the zone's SOA.
    #[error("the transfer starts with type {} at `{owner}`, not with the zone's SOA", rtype.0)]
    Start { owner: Name, rtype: RecordType },
    /// A record is outside the zone.
    #[error("the transfer has a record at `{owner}`, outside the zone")]
    OutOfZone { owner: Name },
    /// An SOA is below the zone's apex.
    #[error("the transfer has an SOA at `{owner}`, below the zone's apex")]
    StraySoa { owner: Name },
    /// The last SOA is not the first one: the zone changed during the transfer.
    #[error("the transfer started with serial {first} and ended with another SOA of serial {last}")]
    EndDiffers { first: Serial, last: Serial },
    /// A record or message follows the last SOA.
    #[error("the transfer goes on after its last SOA")]
    AfterEnd,
    /// The messages end before the last SOA.
    #[error("the transfer ended after {records} records without its last SOA")]
    CutShort { records: usize },
    /// The messages have more than [`TRANSFER_OCTETS_MAX`] octets.
    #[error("the transfer has more than {TRANSFER_OCTETS_MAX} octets")]
    TooManyOctets,
    /// The messages have more than [`TRANSFER_RECORDS_MAX`] records.
    #[error("the transfer has more than {TRANSFER_RECORDS_MAX} records")]
    TooManyRecords,
    /// An earlier message has made the transfer fail.
    #[error("the transfer has failed before")]
    AfterFailure,
}

/// The reader of the messages of one transfer.
pub struct TransferReader {
    zone: ZoneName,
    id: u16,
    state: State,
    octets: usize,
    records: usize,
    sets: Vec<RrSet>,
}

/// The state of a transfer.
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
        first_soa: FirstSoa,
        chain: Option<ResponseChain>,
    },
    Complete(FirstSoa),
    Failed,
}

/// The SOA that a transfer starts with.
struct FirstSoa {
    rdata: Rdata,
    soa: Soa,
    ttl: u32,
}

impl TransferReader {
    /// Builds the reader of the responses to the AXFR query with this id, key and MAC.
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

    /// Reads the next message; `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`TransferError`]; the transfer has failed then, and no later message can complete it.
    pub fn push(&mut self, octets: &[u8], now: u64) -> Result<Progress, TransferError> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        self.octets += octets.len();
        if self.octets > TRANSFER_OCTETS_MAX {
            return Err(TransferError::TooManyOctets);
        }
        self.state = match state {
            State::Waiting { key } => self.read_first(octets, key, now)?,
            State::Open { first_soa, chain } => self.read_later(octets, first_soa, chain, now)?,
            State::Complete(_) => return Err(TransferError::AfterEnd),
            State::Failed => return Err(TransferError::AfterFailure),
        };
        Ok(match self.state {
            State::Complete(_) => Progress::Complete,
            State::Waiting { .. } | State::Open { .. } | State::Failed => Progress::More,
        })
    }

    /// Returns the zone, after [`Progress::Complete`].
    ///
    /// # Errors
    /// [`TransferError::CutShort`] if the last SOA has not arrived, and
    /// [`TransferError::AfterFailure`].
    pub fn finish(self) -> Result<CurrentZone, TransferError> {
        match self.state {
            State::Complete(first_soa) => Ok(CurrentZone {
                name: self.zone,
                soa: first_soa.soa,
                soa_ttl: first_soa.ttl,
                records: RrSets::from_sets(self.sets),
            }),
            State::Waiting { .. } | State::Open { .. } => Err(TransferError::CutShort {
                records: self.records,
            }),
            State::Failed => Err(TransferError::AfterFailure),
        }
    }

    /// Reads the first message: Waiting to Open, or to Complete if it holds the whole transfer.
    fn read_first(
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
        check_not_truncated(&message)?;
        let chain = match (key, &message.tsig) {
            (Some((key, _)), Some(tsig)) => Some(ResponseChain::after(key, tsig)),
            (_, None) | (None, Some(_)) => None,
        };
        let mut records = message.records(Section::Answers);
        let first = records.next().ok_or(TransferError::Empty)?;
        let first_soa = self.first_soa(&first.decode()?)?;
        self.records = 1;
        self.collect(records, first_soa, chain, true)
    }

    /// Reads a later message: Open to Open, or to Complete with the last SOA.
    fn read_later(
        &mut self,
        octets: &[u8],
        first_soa: FirstSoa,
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
        check_not_truncated(&message)?;
        let records = message.records(Section::Answers);
        self.collect(records, first_soa, chain, is_covered)
    }

    /// Reads the first record, which must be the zone's SOA.
    fn first_soa(&self, record: &Record) -> Result<FirstSoa, TransferError> {
        if record.rtype != RecordType::SOA || record.owner != *self.zone.apex() {
            let (owner, rtype) = (record.owner.clone(), record.rtype);
            return Err(TransferError::Start { owner, rtype });
        }
        Ok(FirstSoa {
            rdata: record.rdata.clone(),
            soa: read_soa(record)?,
            ttl: record.ttl,
        })
    }

    /// Collects the records of a message, up to the last SOA, and returns the next state.
    fn collect<'a>(
        &mut self,
        mut records: impl Iterator<Item = RecordView<'a>>,
        first_soa: FirstSoa,
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
                self.insert(record)?;
                continue;
            }
            self.check_last_soa(record, &first_soa)?;
            return if records.next().is_some() {
                Err(TransferError::AfterEnd)
            } else if is_covered {
                Ok(State::Complete(first_soa))
            } else {
                Err(TransferError::EndUnsigned)
            };
        }
        Ok(State::Open { first_soa, chain })
    }

    /// Checks that the record is the SOA that the transfer started with.
    fn check_last_soa(&self, record: Record, first_soa: &FirstSoa) -> Result<(), TransferError> {
        if record.owner != *self.zone.apex() {
            let owner = record.owner;
            return Err(TransferError::StraySoa { owner });
        }
        if record.rdata != first_soa.rdata {
            return Err(TransferError::EndDiffers {
                first: first_soa.soa.serial,
                last: read_soa(&record)?.serial,
            });
        }
        Ok(())
    }

    /// Inserts a record so that the RRsets are in order, or nearly so, at the end. Servers send the
    /// owner names in canonical order or in none, and the types of an owner name in an order of
    /// their own.
    fn insert(&mut self, record: Record) -> Result<(), TransferError> {
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
        let last_sets = self.sets.iter().rev().take(REORDER_SETS_MAX);
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

fn check_not_truncated(message: &Message<'_>) -> Result<(), TransferError> {
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
