//! Messages on the wire (RFC 1035, 2136, 5936) and their signatures (RFC 8945, 2931).
//!
//! Octets come in and typed values go out, and the other way round: no socket, no clock, and no
//! randomness but that of a private key's signature. The only module that names hickory-proto. It has
//! two rules. Nothing is cut in silence: a message that does not fit is an error, and so is a
//! transfer that does not end as it should, never a short zone. And nothing that is not authentic
//! counts as an answer: a request that was signed takes only an answer that is signed over it.

mod encode;
mod frame;
mod key;
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
mod wire_record;

pub use encode::{EncodeError, encode_query, encode_update};
pub use frame::{MESSAGE_OCTETS_MAX, MalformedReason, Opcode};
pub use key::{Algorithm, AlgorithmError, Hash, Key, KeyError};
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
pub use wire_record::{Class, WireRecord};

#[cfg(test)]
mod tests;
