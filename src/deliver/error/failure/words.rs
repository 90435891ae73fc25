//! The data and the entries of failures whose words depend on more than their variant.

use crate::diagnostic::{Diagnostic, case, key, zone};
use crate::model::Name;
use crate::wire::{ExtendedError, Forgery, MalformedReason, TransferError};

pub(super) fn times(count: u32) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

pub(super) fn detail(extended: Option<&ExtendedError>) -> String {
    extended
        .map(|error| format!("; {error}"))
        .unwrap_or_default()
}

/// Returns the diagnostic of a transfer that gives no zone.
pub(super) fn of_transfer(error: &TransferError) -> Diagnostic {
    let source = error;
    match error {
        TransferError::Forged(Forgery::Time {
            offset_seconds,
            fudge_seconds,
        }) => of_time(*offset_seconds, *fudge_seconds),
        TransferError::Forged(_) | TransferError::TooManyUnsigned | TransferError::EndUnsigned => {
            case!(zone::TRANSFER_UNSIGNED, source)
        }
        TransferError::EndDiffers { .. } => case!(zone::TRANSFER_OUTRUN, source),
        TransferError::Malformed(MalformedReason::Rdata { .. } | MalformedReason::Class { .. })
        | TransferError::OutOfZone { .. }
        | TransferError::StraySoa { .. } => case!(zone::TRANSFER_RECORD, source),
        TransferError::TooManyOctets | TransferError::TooManyRecords => {
            case!(zone::TRANSFER_TOO_LARGE, source)
        }
        TransferError::Denied(_)
        | TransferError::Stopped { .. }
        | TransferError::Truncated
        | TransferError::Malformed(_)
        | TransferError::Empty
        | TransferError::Start { .. }
        | TransferError::AfterEnd
        | TransferError::CutShort { .. }
        | TransferError::AfterFailure => case!(zone::TRANSFER_INVALID, source),
    }
}

/// Returns the diagnostic of a response whose time of signing is too far from now.
pub(super) fn of_time(offset_seconds: i64, fudge: u16) -> Diagnostic {
    let (seconds, direction) = (offset_seconds.unsigned_abs(), direction(offset_seconds));
    case!(key::RESPONSE_TIME, seconds, direction, fudge)
}

pub(super) fn direction(offset_seconds: i64) -> &'static str {
    if offset_seconds < 0 {
        "behind"
    } else {
        "ahead of"
    }
}

/// Returns the name of a key as configurations have it.
pub(super) fn bare(key: &Name) -> String {
    key.to_text_without_dot()
}
