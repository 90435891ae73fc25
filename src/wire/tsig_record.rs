//! The TSIG record of a received message, decoded but not verified (RFC 8945 section 4.2).

use super::frame::{CLASS_ANY, MalformedReason, RecordView, read_name};
use crate::model::Name;

/// The TSIG variables that a MAC covers, without the names (RFC 8945 section 4.3.3).
#[derive(Clone, Copy)]
pub(super) struct TsigVariables<'a> {
    /// The time of signing, in Unix seconds.
    pub(super) time: u64,
    /// The permitted difference of the two clocks, in seconds.
    pub(super) fudge: u16,
    pub(super) error: u16,
    pub(super) other: &'a [u8],
}

/// The TSIG of a received message.
pub(super) struct Tsig<'a> {
    /// The offset of the record in the message.
    pub(super) at: usize,
    pub(super) key: Name,
    pub(super) algorithm: Name,
    pub(super) variables: TsigVariables<'a>,
    pub(super) mac: &'a [u8],
    pub(super) original_id: u16,
}

impl<'a> Tsig<'a> {
    /// Decodes the record; it must have class ANY and TTL 0 (RFC 8945 section 4.2).
    pub(super) fn read(record: &RecordView<'a>) -> Result<Self, MalformedReason> {
        Self::read_parts(record)
            .filter(|_| record.class == CLASS_ANY && record.ttl == 0)
            .ok_or(MalformedReason::TsigBroken)
    }

    fn read_parts(record: &RecordView<'a>) -> Option<Self> {
        let mut decoder = record.rdata_decoder();
        let algorithm = read_name(&mut decoder).ok()?;
        let time_high = decoder.read_u16().ok()?.unverified();
        let time_low = decoder.read_u32().ok()?.unverified();
        let fudge = decoder.read_u16().ok()?.unverified();
        let mac_octets = decoder.read_u16().ok()?.unverified();
        let mac = decoder.read_slice(mac_octets.into()).ok()?.unverified();
        let original_id = decoder.read_u16().ok()?.unverified();
        let error = decoder.read_u16().ok()?.unverified();
        let other_octets = decoder.read_u16().ok()?.unverified();
        let other = decoder.read_slice(other_octets.into()).ok()?.unverified();
        decoder.is_empty().then_some(Self {
            at: record.owner_at,
            key: record.owner().ok()?,
            algorithm,
            variables: TsigVariables {
                time: u64::from(time_high) << 32 | u64::from(time_low),
                fudge,
                error,
                other,
            },
            mac,
            original_id,
        })
    }

    /// Returns the error code of the signer (RFC 8945 section 3); 0 if there is no error.
    pub(super) fn error(&self) -> u16 {
        self.variables.error
    }

    /// Returns the server's time, in Unix seconds. A BADTIME response carries it in six octets of
    /// other data (RFC 8945 section 5.2.3); otherwise it is the time of signing.
    pub(super) fn server_time(&self) -> u64 {
        let Ok(time) = <[u8; 6]>::try_from(self.variables.other) else {
            return self.variables.time;
        };
        let mut octets = [0; 8];
        octets[2..].copy_from_slice(&time);
        u64::from_be_bytes(octets)
    }
}
