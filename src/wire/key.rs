//! TSIG keys and their algorithms (RFC 8945 section 6): every HMAC that nsupdate supports, whole or
//! truncated. Only this module computes MACs, those of messages and those of rndc's channel.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};

use crate::model::{Name, Secret};

/// The shortest MAC in octets, even for a short hash (RFC 8945 section 5.2.2.1).
const MAC_OCTETS_MIN: usize = 10;

/// The hash function of an HMAC.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "each is the function of that name")]
pub enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ALL: [Self; 6] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// Returns the length of the hash in octets.
    pub fn octets(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Returns the usual name of the algorithm in key files.
    fn label(self) -> &'static str {
        match self {
            Self::Md5 => "hmac-md5",
            Self::Sha1 => "hmac-sha1",
            Self::Sha224 => "hmac-sha224",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }
}

/// The long name of HMAC-MD5; messages never carry the short one (RFC 8945 section 6).
const MD5_LONG_NAME: &str = "hmac-md5.sig-alg.reg.int";

/// A TSIG algorithm: a hash and the length of the MAC in a message.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Algorithm {
    hash: Hash,
    mac_octets: usize,
}

/// The reason why text is no [`Algorithm`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AlgorithmError {
    /// No algorithm has this name.
    #[error("unknown key algorithm `{0}`")]
    Unknown(String),
    /// A truncated MAC must not have this number of bits (RFC 8945 section 5.2.2.1).
    #[error("a MAC of {bits} bits is outside {least} to {most} bits of `{label}`")]
    Bits {
        /// The algorithm without truncation.
        label: &'static str,
        /// The requested number of bits.
        bits: usize,
        /// The smallest permitted number of bits.
        least: usize,
        /// The number of bits without truncation.
        most: usize,
    },
}

impl Algorithm {
    /// Returns the algorithm that sends the whole MAC.
    pub fn new(hash: Hash) -> Self {
        Self {
            hash,
            mac_octets: hash.octets(),
        }
    }

    /// Returns the algorithm's name in messages, in lower case; truncation is no part of it.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the labels are constants, and all of them are names"
    )]
    pub fn name(self) -> Name {
        let text = if self.hash == Hash::Md5 {
            MD5_LONG_NAME
        } else {
            self.hash.label()
        };
        text.parse().expect("the labels are names")
    }

    /// Returns the hash function.
    pub fn hash(self) -> Hash {
        self.hash
    }

    /// Returns how many octets of the MAC a message carries.
    pub fn mac_octets(self) -> usize {
        self.mac_octets
    }

    fn truncated(hash: Hash, bits: usize) -> Result<Self, AlgorithmError> {
        let (least, most) = (MAC_OCTETS_MIN.max(hash.octets() / 2), hash.octets());
        let mac_octets = bits.div_ceil(8);
        if (least..=most).contains(&mac_octets) {
            Ok(Self { hash, mac_octets })
        } else {
            Err(AlgorithmError::Bits {
                label: hash.label(),
                bits,
                least: least * 8,
                most: most * 8,
            })
        }
    }
}

/// Reads `hmac-sha256` and the like, truncated `hmac-sha256-128` with the bits rounded up to whole
/// octets, and both names of HMAC-MD5; in any case and with or without a final dot.
impl FromStr for Algorithm {
    type Err = AlgorithmError;

    fn from_str(text: &str) -> Result<Self, AlgorithmError> {
        let unknown = || AlgorithmError::Unknown(text.to_owned());
        let lower = text.to_ascii_lowercase();
        let lower = lower.strip_suffix('.').unwrap_or(&lower);
        if lower == MD5_LONG_NAME {
            return Ok(Self::new(Hash::Md5));
        }
        for hash in Hash::ALL {
            match lower.strip_prefix(hash.label()) {
                Some("") => return Ok(Self::new(hash)),
                Some(rest) => {
                    let bits = rest.strip_prefix('-').ok_or_else(unknown)?;
                    return Self::truncated(hash, bits.parse().map_err(|_| unknown())?);
                }
                None => {}
            }
        }
        Err(unknown())
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.label())?;
        if self.mac_octets == self.hash.octets() {
            Ok(())
        } else {
            write!(f, "-{}", self.mac_octets * 8)
        }
    }
}

/// A shared secret with its name and algorithm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    name: Name,
    algorithm: Algorithm,
    secret: Secret<Vec<u8>>,
}

/// The reason why parts make no [`Key`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The secret has no octets.
    #[error("the secret of key `{name}` is empty")]
    EmptySecret {
        /// The key's name.
        name: Name,
    },
}

/// Parses a secret in base64; `None` if it is not base64. named and nsupdate: blanks and line breaks in it are skipped.
pub(crate) fn parse_secret(text: &str) -> Option<Secret<Vec<u8>>> {
    let digits: Secret<String> = Secret::new(text.split_ascii_whitespace().collect());
    BASE64.decode(digits.expose()).ok().map(Secret::new)
}

impl Key {
    /// Builds a key. Its name is in canonical form, in lower case (RFC 8945 section 4.2): PowerDNS knows no other.
    ///
    /// # Errors
    /// [`KeyError::EmptySecret`], because a signature with an empty secret proves nothing.
    pub fn new(
        name: Name,
        algorithm: Algorithm,
        secret: Secret<Vec<u8>>,
    ) -> Result<Self, KeyError> {
        if secret.expose().is_empty() {
            return Err(KeyError::EmptySecret { name });
        }
        Ok(Self {
            name: name.to_lowercase(),
            algorithm,
            secret,
        })
    }

    /// Returns the name of the key, which client and server share.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Computes the MAC over the concatenated parts, without truncation.
    pub fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut digest = self.digest();
        for part in parts {
            digest.update(part);
        }
        digest.finish()
    }

    /// Starts the computation of a MAC.
    pub(super) fn digest(&self) -> Box<dyn Digest> {
        fn keyed<M: Digest + KeyInit + 'static>(secret: &[u8]) -> Box<dyn Digest> {
            let digest = <M as KeyInit>::new_from_slice(secret);
            Box::new(digest.expect("HMAC takes keys of any length"))
        }
        let secret = self.secret.expose();
        match self.algorithm.hash {
            Hash::Md5 => keyed::<Hmac<md5::Md5>>(secret),
            Hash::Sha1 => keyed::<Hmac<sha1::Sha1>>(secret),
            Hash::Sha224 => keyed::<Hmac<sha2::Sha224>>(secret),
            Hash::Sha256 => keyed::<Hmac<sha2::Sha256>>(secret),
            Hash::Sha384 => keyed::<Hmac<sha2::Sha384>>(secret),
            Hash::Sha512 => keyed::<Hmac<sha2::Sha512>>(secret),
        }
    }
}

/// The computation of a MAC with any hash.
pub(super) trait Digest: Send {
    /// Adds octets to the input.
    fn update(&mut self, octets: &[u8]);
    /// Returns the MAC without truncation.
    fn finish(self: Box<Self>) -> Vec<u8>;
    /// Returns whether the MAC starts with `mac`, in constant time.
    fn verify(self: Box<Self>, mac: &[u8]) -> bool;
}

impl<M: Mac + Send> Digest for M {
    fn update(&mut self, octets: &[u8]) {
        Mac::update(self, octets);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        (*self).finalize().into_bytes().to_vec()
    }

    fn verify(self: Box<Self>, mac: &[u8]) -> bool {
        (*self).verify_truncated_left(mac).is_ok()
    }
}
