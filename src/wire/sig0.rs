//! Transaction signatures with private keys, SIG(0) (RFC 2931), for requests only: the response to
//! such a request is not signed. The time is an argument; only the signature itself draws
//! randomness.

use std::fmt;

use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding,
    RsaKeyPair,
};

use super::encode::{EncodeError, put_record};
use super::frame::{CLASS_ANY, MESSAGE_OCTETS_MAX};
use crate::model::RECORD_FIXED_OCTETS;
use crate::model::{Name, RecordType, Secret};
use crate::plan::HEADER_OCTETS;

/// The permitted difference of two clocks, in seconds: a signature is valid for so long before and
/// after the time of signing (RFC 2931 section 3.3).
const FUDGE_SECONDS: u64 = 300;
/// Octets of SIG data without the signer's name and the signature (RFC 2535 section 4.1).
const SIG_FIXED_OCTETS: usize = 2 + 1 + 1 + 4 + 4 + 4 + 2;
/// Octets of KEY data before the public key: flags, protocol, algorithm (RFC 2535 section 3.1).
const KEY_FIXED_OCTETS: usize = 4;
/// The lengths of an RSA modulus, in bits, that the library supports.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A private key that signs requests. The zone holds the public half as a KEY record at the name of
/// the key.
pub struct PrivateKey {
    name: Name,
    algorithm: u8,
    tag: u16,
    pair: KeyPair,
}

/// A key pair by its signature scheme.
enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

/// The private half of a key, in the parts that a `.private` file has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PrivateParts {
    /// The number of an ECDSA key (RFC 6605 section 6), or the seed of an Ed25519 key (RFC 8080
    /// section 3).
    Number(Secret<Vec<u8>>),
    /// RSA (RFC 8017 section 3.2): private exponent, both primes, both exponents, coefficient.
    Rsa(Secret<[Vec<u8>; 6]>),
}

/// The reason why parts make no [`PrivateKey`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PrivateKeyError {
    /// The algorithm of this number is not supported.
    #[error("{} keys are not supported for SIG(0)", algorithm_name(*.0))]
    Algorithm(u8),
    /// The library does not support an RSA modulus of this length.
    #[error(
        "an RSA key of {0} bits is not supported for SIG(0), only {least} to {most}",
        least = RSA_BITS.start(),
        most = RSA_BITS.end()
    )]
    RsaBits(usize),
    /// The public half is no key of its algorithm.
    #[error("bad public key")]
    Public,
    /// The private half is no key of its algorithm, or does not belong to the public half.
    #[error("the private key does not fit the public one")]
    Private,
}

fn algorithm_name(code: u8) -> String {
    let name = match code {
        1 => "RSAMD5",
        2 => "DH",
        3 => "DSA",
        5 => "RSASHA1",
        6 => "NSEC3DSA",
        7 => "NSEC3RSASHA1",
        12 => "ECCGOST",
        16 => "ED448",
        other => return format!("algorithm {other}"),
    };
    name.to_owned()
}

impl PrivateKey {
    /// Builds a key from its name, the data of its KEY record and its private half.
    ///
    /// # Errors
    /// [`PrivateKeyError`].
    pub fn new(
        name: &Name,
        public: &[u8],
        private: &PrivateParts,
    ) -> Result<Self, PrivateKeyError> {
        let Some((&[_, _, _, algorithm], point)) = public.split_first_chunk::<KEY_FIXED_OCTETS>()
        else {
            return Err(PrivateKeyError::Public);
        };
        let pair = match (algorithm, private) {
            (8, PrivateParts::Rsa(parts)) => {
                KeyPair::Rsa(Box::new(rsa_pair(point, parts)?), &RSA_PKCS1_SHA256)
            }
            (10, PrivateParts::Rsa(parts)) => {
                KeyPair::Rsa(Box::new(rsa_pair(point, parts)?), &RSA_PKCS1_SHA512)
            }
            (13, PrivateParts::Number(number)) => KeyPair::Ecdsa(ecdsa_pair(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                32,
                point,
                number,
            )?),
            (14, PrivateParts::Number(number)) => KeyPair::Ecdsa(ecdsa_pair(
                &ECDSA_P384_SHA384_FIXED_SIGNING,
                48,
                point,
                number,
            )?),
            (15, PrivateParts::Number(seed)) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(seed.expose(), point);
                KeyPair::Ed25519(pair.map_err(|_| PrivateKeyError::Private)?)
            }
            (8 | 10 | 13..=15, _) => return Err(PrivateKeyError::Private),
            (other, _) => return Err(PrivateKeyError::Algorithm(other)),
        };
        Ok(Self {
            name: name.to_lowercase(),
            algorithm,
            tag: key_tag(public),
            pair,
        })
    }

    /// Signs a request (RFC 2931 section 3.1); `now` is Unix time in seconds.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if the signature does not fit into the message,
    /// [`EncodeError::NotWhole`], and [`EncodeError::NoSignature`]. All leave the message
    /// unchanged.
    pub fn sign_request(&self, message: &mut Vec<u8>, now: u64) -> Result<(), EncodeError> {
        let mut data = Vec::with_capacity(SIG_FIXED_OCTETS + self.name.as_wire().len());
        data.extend_from_slice(&[0, 0, self.algorithm, 0]); // no covered type, no labels
        data.extend_from_slice(&[0; 4]); // no original TTL
        // Expiration and inception wrap around at 32 bits (RFC 4034 section 3.1.5).
        for time in [now + FUDGE_SECONDS, now.saturating_sub(FUDGE_SECONDS)] {
            data.extend_from_slice(&time.to_be_bytes()[4..]);
        }
        data.extend_from_slice(&self.tag.to_be_bytes());
        data.extend_from_slice(self.name.as_wire());
        let signature = self.signature(&[&data[..], message].concat())?;
        data.extend_from_slice(&signature);
        let octets = message.len() + 1 + RECORD_FIXED_OCTETS + data.len();
        if octets > MESSAGE_OCTETS_MAX {
            return Err(EncodeError::TooLong { octets });
        }
        // Octets 10 and 11 hold ARCOUNT (RFC 1035 section 4.1.1).
        let header = message.first_chunk::<HEADER_OCTETS>();
        let additionals = header.map(|it| u16::from_be_bytes([it[10], it[11]]));
        let additionals = additionals.and_then(|it| it.checked_add(1));
        let additionals = additionals.ok_or(EncodeError::NotWhole)?;
        put_record(message, &Name::root(), RecordType::SIG, CLASS_ANY, 0, &data);
        message[10..HEADER_OCTETS].copy_from_slice(&additionals.to_be_bytes());
        Ok(())
    }

    fn signature(&self, octets: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let random = SystemRandom::new();
        let signed = match &self.pair {
            KeyPair::Ed25519(pair) => Ok(pair.sign(octets).as_ref().to_vec()),
            KeyPair::Ecdsa(pair) => pair.sign(&random, octets).map(|it| it.as_ref().to_vec()),
            KeyPair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(*encoding, &random, octets, &mut signature);
                signed.map(|()| signature)
            }
        };
        signed.map_err(|_| EncodeError::NoSignature)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, tag) = (&self.name, self.tag);
        write!(f, "PrivateKey({name}, {}, {tag})", self.algorithm)
    }
}

/// Builds an ECDSA key pair. The public key in a KEY record is the point without the first octet
/// that names its form (RFC 6605 section 4).
fn ecdsa_pair(
    algorithm: &'static EcdsaSigningAlgorithm,
    octets: usize,
    point: &[u8],
    number: &Secret<Vec<u8>>,
) -> Result<EcdsaKeyPair, PrivateKeyError> {
    if point.len() != 2 * octets {
        return Err(PrivateKeyError::Public);
    }
    let number = without_leading_zeros(number.expose());
    let missing = octets.checked_sub(number.len());
    let mut whole = vec![0; missing.ok_or(PrivateKeyError::Private)?];
    whole.extend_from_slice(number);
    let point = [&[4], point].concat();
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &whole, &point, &SystemRandom::new())
        .map_err(|_| PrivateKeyError::Private)
}

/// Builds an RSA key pair. The public key in a KEY record is the length of the exponent, in one
/// octet or in two after a zero, then exponent and modulus (RFC 3110 section 2).
fn rsa_pair(public: &[u8], parts: &Secret<[Vec<u8>; 6]>) -> Result<RsaKeyPair, PrivateKeyError> {
    let (length, rest) = match public {
        [0, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        [length, rest @ ..] => (u16::from(*length), rest),
        [] => return Err(PrivateKeyError::Public),
    };
    let split = rest.split_at_checked(usize::from(length));
    let (exponent, modulus) = split.ok_or(PrivateKeyError::Public)?;
    let modulus = without_leading_zeros(modulus);
    let unused = modulus.first().map_or(0, |it| it.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(unused as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(PrivateKeyError::RsaBits(bits));
    }
    let [d, p, q, first, second, coefficient] = parts.expose().each_ref();
    let components = KeyPairComponents {
        public_key: PublicKeyComponents {
            n: modulus,
            e: without_leading_zeros(exponent),
        },
        d: without_leading_zeros(d),
        p: without_leading_zeros(p),
        q: without_leading_zeros(q),
        dP: without_leading_zeros(first),
        dQ: without_leading_zeros(second),
        qInv: without_leading_zeros(coefficient),
    };
    RsaKeyPair::from_components(&components).map_err(|_| PrivateKeyError::Private)
}

/// Returns a number without the zeros before it.
fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    &number[zeros..]
}

/// Computes the tag of a key from the data of its KEY record (RFC 4034 appendix B).
fn key_tag(public: &[u8]) -> u16 {
    let sum: u32 = public
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)))
        .sum();
    let folded = sum + (sum >> 16);
    u16::try_from(folded & 0xffff).unwrap_or_default()
}
