//! Pins, which identify a server by its public key (RFC 7858 section 4.2).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// The SHA-256 digest of a certificate's `SubjectPublicKeyInfo` (RFC 7858 section 4.2). Its text
/// form is base64.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pin(pub [u8; 32]);

/// The reason why text is no [`Pin`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a pin is the base64 form of 32 octets, 44 characters")]
pub struct PinError;

impl Pin {
    /// Computes the pin of a certificate's key; `None` if the octets are no certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
        let key = certificate.subject_public_key_info();
        Some(Self(Sha256::digest(&*key).into()))
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let octets = BASE64.decode(text).map_err(|_| PinError)?;
        octets.try_into().map(Self).map_err(|_| PinError)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

/// The verifier's error for a key that matches no pin; rustls wraps it into its own error.
#[derive(Debug, thiserror::Error)]
#[error("no pin is that of the server's key")]
pub(super) struct PinMismatch {
    pub(super) presented: Pin,
}
