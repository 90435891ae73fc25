//! DNS messages as octets (RFC 1035, 2136, 5936) and their signatures (RFC 8945, 2931).
//!
//! This module decodes octets into typed values and encodes values as octets. It opens no socket,
//! reads no clock, and draws no randomness except for the signature of a private key. No other
//! module names hickory-proto. Two rules hold:
//!
//! * Nothing is truncated silently. A message that does not fit is an error, and a transfer
//!   without its proper end is an error, never a short zone.
//! * Only an authentic message counts as a response. A signed request accepts only a response
//!   whose signature covers that request.

mod encode;
mod frame;
mod key;
mod key_list;
mod message;
mod message_dump;
mod rcode;
mod reply;
mod responder;
mod sig0;
mod transfer;
mod tsig;
mod tsig_record;
mod update_builder;
mod version;
mod wire_record;

pub use encode::{EncodeError, advertise_octets, encode_query, encode_update};
pub use frame::{MESSAGE_OCTETS_MAX, MalformedReason, Opcode};
pub(crate) use key::parse_secret;
pub use key::{Algorithm, AlgorithmError, Hash, Key, KeyError};
pub use key_list::KeyList;
pub(crate) use key_list::Trial;
pub use message_dump::{MessageDump, TsigDump};
pub use rcode::Rcode;
pub use reply::{Expected, ExtendedError, Reply, Response, read_reply};
pub use responder::{
    Request, RequestError, encode_refusal, encode_soa_response, encode_transfer, read_request,
};
pub use sig0::{PrivateKey, PrivateKeyError, PrivateParts};
pub use transfer::{
    Progress, TRANSFER_OCTETS_MAX, TRANSFER_RECORDS_MAX, TransferError, TransferReader,
};
pub use tsig::{Forgery, RequestMac, ResponseSigner, sign_request, tsig_octets};
pub use update_builder::{Lease, UpdateBuilder, encode_soa_query};
pub use version::{encode_version_query, software_of, version_of};
pub use wire_record::{Class, WireRecord};

#[cfg(test)]
mod tests;
