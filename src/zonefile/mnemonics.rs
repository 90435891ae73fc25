//! Mnemonics of numbers in the data of records.

/// DNSSEC algorithms, with the mnemonics that BIND reads (RFC 4034 appendix A.1 and successors).
pub(super) const ALGORITHMS: &[(&str, u8)] = &[
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("NSEC3DSA", 6),
    ("NSEC3RSASHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECCGOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ECDSA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];
/// Digests of keys (RFC 4034 appendix A.2 and successors), with the mnemonics that BIND reads.
pub(super) const DIGEST_TYPES: &[(&str, u8)] = &[
    ("SHA-1", 1),
    ("SHA1", 1),
    ("SHA-256", 2),
    ("SHA256", 2),
    ("GOST", 3),
    ("SHA-384", 4),
    ("SHA384", 4),
];
/// Hashes of owner names (RFC 5155 section 11), with the mnemonic that BIND reads.
pub(super) const HASHES: &[(&str, u8)] = &[("SHA-1", 1)];
/// Protocols of keys (RFC 2535 section 3.1.3).
pub(super) const KEY_PROTOCOLS: &[(&str, u8)] = &[
    ("NONE", 0),
    ("TLS", 1),
    ("EMAIL", 2),
    ("DNSSEC", 3),
    ("IPSEC", 4),
    ("ALL", 255),
];
/// Types of certificates (RFC 4398 section 2.1).
pub(super) const CERTIFICATE_TYPES: &[(&str, u16)] = &[
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];
/// Schemes of a parent's notification service (RFC 9859 section 2.3).
pub(super) const SCHEMES: &[(&str, u8)] = &[("NOTIFY", 1)];
