//! The types of records.

/// The code of a record type (RFC 1035 section 3.2.2, RFC 3597).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordType(pub u16);

#[expect(
    missing_docs,
    reason = "each is the type of that mnemonic in the IANA registry"
)]
impl RecordType {
    pub const A: Self = Self(1);
    pub const NS: Self = Self(2);
    pub const CNAME: Self = Self(5);
    pub const SOA: Self = Self(6);
    pub const MB: Self = Self(7);
    pub const MG: Self = Self(8);
    pub const PTR: Self = Self(12);
    pub const MINFO: Self = Self(14);
    pub const MX: Self = Self(15);
    pub const TXT: Self = Self(16);
    pub const RP: Self = Self(17);
    pub const AFSDB: Self = Self(18);
    pub const X25: Self = Self(19);
    pub const RT: Self = Self(21);
    pub const SIG: Self = Self(24);
    pub const KEY: Self = Self(25);
    pub const AAAA: Self = Self(28);
    pub const SRV: Self = Self(33);
    pub const DNAME: Self = Self(39);
    pub const OPT: Self = Self(41);
    pub const DS: Self = Self(43);
    pub const IPSECKEY: Self = Self(45);
    pub const RRSIG: Self = Self(46);
    pub const NSEC: Self = Self(47);
    pub const DNSKEY: Self = Self(48);
    pub const NSEC3: Self = Self(50);
    pub const NSEC3PARAM: Self = Self(51);
    pub const TLSA: Self = Self(52);
    pub const CDS: Self = Self(59);
    pub const CDNSKEY: Self = Self(60);
    pub const ZONEMD: Self = Self(63);
    pub const SVCB: Self = Self(64);
    pub const HTTPS: Self = Self(65);
    pub const SPF: Self = Self(99);
    pub const EUI48: Self = Self(108);
    pub const EUI64: Self = Self(109);
    pub const TKEY: Self = Self(249);
    pub const TSIG: Self = Self(250);
    pub const IXFR: Self = Self(251);
    pub const AXFR: Self = Self(252);
    pub const ANY: Self = Self(255);
    pub const URI: Self = Self(256);
    pub const CAA: Self = Self(257);
    /// BIND: the private type of the records that show signing in progress.
    pub const SIGNING: Self = Self(65534);
}

impl RecordType {
    /// Returns whether records of the type have an address of a host.
    pub fn is_address(self) -> bool {
        self == Self::A || self == Self::AAAA
    }

    /// Returns whether no zone has records of this type: OPT, TSIG, and the types that exist in queries only.
    pub fn is_meta(self) -> bool {
        self == Self::OPT || (249..=255).contains(&self.0)
    }

    /// Returns whether a signing primary creates records of this type itself, so that no plan
    /// changes them.
    pub fn is_made_by_signer(self) -> bool {
        const SIGNER_TYPES: [RecordType; 8] = [
            RecordType::RRSIG,
            RecordType::NSEC,
            RecordType::NSEC3,
            RecordType::NSEC3PARAM,
            RecordType::DNSKEY,
            RecordType::CDS,
            RecordType::CDNSKEY,
            RecordType::SIGNING,
        ];
        SIGNER_TYPES.contains(&self)
    }
}
