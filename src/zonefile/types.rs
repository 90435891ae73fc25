//! The table of types: mnemonic, code, and the fields of the data in presentation format.

use super::mnemonics::{
    ALGORITHMS, CERTIFICATE_TYPES, DIGEST_TYPES, HASHES, KEY_PROTOCOLS, SCHEMES,
};
use crate::model::RecordType;

/// The text and the octets of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// A number in one octet.
    U8,
    /// A number in two octets.
    U16,
    /// A number in four octets.
    U32,
    /// Seconds in four octets, read with units as well (`1h30m`), as BIND does.
    Period,
    /// A point in time in four octets: seconds, or `YYYYMMDDHHmmSS` (RFC 4034 section 3.2).
    Time,
    /// A number in one octet, or one of these mnemonics in any case.
    Named8(&'static [(&'static str, u8)]),
    /// A number in one octet, or one of these mnemonics in any case, printed as the first mnemonic that it has.
    Mnemonic8(&'static [(&'static str, u8)]),
    /// A number in two octets, or one of these mnemonics in any case, printed as the mnemonic.
    Mnemonic16(&'static [(&'static str, u16)]),
    /// The flags of a key in two octets.
    KeyFlags,
    /// A record type in two octets.
    Type,
    /// All remaining record types, as bit maps (RFC 4034 section 4.1.2).
    Types,
    /// A domain name, uncompressed.
    Name,
    /// A domain name, which may stand in quotes.
    Target,
    /// All remaining domain names.
    Names,
    /// A character string (RFC 1035 section 3.3).
    Text,
    /// An optional character string.
    OptionalText,
    /// All remaining character strings, at least one.
    Texts,
    /// A character string of letters and digits: a CAA tag (RFC 8659 section 4.1).
    Tag,
    /// All remaining octets as one string without a length octet.
    Content,
    /// All remaining octets as one string in quotes without a length octet (RFC 7553 section 4.5).
    Quoted,
    /// All remaining octets in hexadecimal, with blanks allowed.
    Hex,
    /// All remaining octets in base64, with blanks allowed.
    Base64,
    /// All remaining octets in base64, with blanks allowed; there may be none.
    OptionalBase64,
    /// All remaining octets in base64, with blanks allowed, `-` for none.
    Base64OrDash,
    /// A length octet and that many octets in hexadecimal, `-` for none (RFC 5155 section 3.3).
    Salt,
    /// A length octet and that many octets in base32hex (RFC 5155 section 3.3).
    Hash,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// Eight octets as four hexadecimal groups with colons between them (RFC 6742 section 2.1.2).
    Locator,
    /// This number of octets in hexadecimal with hyphens between them (RFC 7043).
    Hyphenated(usize),
    /// All data of a LOC record (RFC 1876).
    Location,
    /// The address prefixes of an APL record (RFC 3123).
    Prefixes,
    /// The service parameters of SVCB and HTTPS (RFC 9460 section 2.1).
    ServiceParams,
    /// Precedence, gateway and algorithm of IPSECKEY (RFC 4025 section 2.1).
    KeyGateway,
    /// Precedence, discovery bit and relay of AMTRELAY (RFC 8777 section 4.2).
    Relay,
    /// Algorithm, host identity and public key of HIP (RFC 8005 section 5).
    HostIdentity,
    /// Protocol and ports of WKS (RFC 1035 section 3.4.2).
    Services,
    /// All octets of NSAP in hexadecimal (RFC 1706 section 5).
    Nsap,
    /// The types of NXT (RFC 2535 section 5.2).
    OldTypes,
    /// Prefix length, address suffix and prefix name of A6 (RFC 2874 section 3.1).
    PrefixedAddress,
    /// The address of ATMA (ATM Forum, af-saa-0069).
    AtmAddress,
}

/// A field of a type: its name in the type's RFC, and its form.
pub(super) type Field = (&'static str, Form);

/// A type that has a mnemonic.
#[derive(Debug)]
struct KnownType {
    code: u16,
    mnemonic: &'static str,
    /// Empty if data of the type have the form of RFC 3597 only.
    fields: &'static [Field],
}

const fn known(code: u16, mnemonic: &'static str, fields: &'static [Field]) -> KnownType {
    KnownType {
        code,
        mnemonic,
        fields,
    }
}

/// Returns the fields of a type; `None` if its data have the form of RFC 3597 only.
pub(super) fn fields(rtype: RecordType) -> Option<&'static [Field]> {
    by_code(rtype)
        .map(|known| known.fields)
        .filter(|fields| !fields.is_empty())
}

/// Returns whether a record of a type may have no data: APL (RFC 3123 section 4), and every type
/// without known fields, such as NULL.
pub(super) fn can_be_empty(rtype: RecordType) -> bool {
    rtype.0 == 42 || fields(rtype).is_none()
}

/// Finds the type of a mnemonic in any case.
fn by_mnemonic(text: &str) -> Option<RecordType> {
    TYPES
        .iter()
        .find(|known| known.mnemonic.eq_ignore_ascii_case(text))
        .map(|known| RecordType(known.code))
}

/// Reads a type: its mnemonic in any case, or `TYPE` and a number (RFC 3597 section 5).
pub fn parse_type(text: &str) -> Option<RecordType> {
    by_mnemonic(text).or_else(|| {
        let (prefix, digits) = text.split_at_checked(4)?;
        let is_number = prefix.eq_ignore_ascii_case("TYPE")
            && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then(|| digits.parse().ok().map(RecordType))?
    })
}

/// Writes a type: its mnemonic, or `TYPE` and its number.
pub fn format_type(rtype: RecordType) -> String {
    by_code(rtype).map_or_else(
        || format!("TYPE{}", rtype.0),
        |known| known.mnemonic.to_owned(),
    )
}

/// Iterates over the types with a mnemonic that zones can contain: not OPT, not TSIG, and no type
/// that exists in queries only.
pub fn known_types() -> impl Iterator<Item = RecordType> {
    let types = TYPES.iter().map(|known| RecordType(known.code));
    types.filter(|rtype| !rtype.is_meta())
}

fn by_code(rtype: RecordType) -> Option<&'static KnownType> {
    let found = TYPES.binary_search_by_key(&rtype.0, |known| known.code);
    found.ok().map(|at| &TYPES[at])
}

use Form::{
    AtmAddress, Base64, Base64OrDash, Content, Hash, Hex, HostIdentity, Hyphenated, Ipv4, Ipv6,
    KeyFlags, KeyGateway, Location, Locator, Mnemonic8, Mnemonic16, Name, Named8, Names, Nsap,
    OldTypes, OptionalBase64, OptionalText, Period, PrefixedAddress, Prefixes, Quoted, Relay, Salt,
    ServiceParams, Services, Tag, Target, Text, Texts, Time, Type, Types, U8, U16, U32,
};

const ONE_NAME: &[Field] = &[("name", Name)];
const TEXTS: &[Field] = &[("text", Texts)];
const DIGEST: &[Field] = &[
    ("key tag", U16),
    ("algorithm", Named8(ALGORITHMS)),
    ("digest type", Named8(DIGEST_TYPES)),
    ("digest", Hex),
];
const KEY: &[Field] = &[
    ("flags", KeyFlags),
    ("protocol", Named8(KEY_PROTOCOLS)),
    ("algorithm", Named8(ALGORITHMS)),
    ("public key", Base64),
];
const SIGNATURE: &[Field] = &[
    ("type covered", Type),
    ("algorithm", Named8(ALGORITHMS)),
    ("labels", U8),
    ("original TTL", U32),
    ("expiration", Time),
    ("inception", Time),
    ("key tag", U16),
    ("signer", Name),
    ("signature", Base64),
];
const ASSOCIATION: &[Field] = &[
    ("usage", U8),
    ("selector", U8),
    ("matching type", U8),
    ("certificate association data", Hex),
];
const SERVICE: &[Field] = &[
    ("priority", U16),
    ("target", Target),
    ("parameter", ServiceParams),
];

/// All known types in ascending order of the code, with the mnemonics of the IANA registry.
static TYPES: &[KnownType] = &[
    known(1, "A", &[("address", Ipv4)]),
    known(2, "NS", ONE_NAME),
    known(3, "MD", ONE_NAME),
    known(4, "MF", ONE_NAME),
    known(5, "CNAME", ONE_NAME),
    known(
        6,
        "SOA",
        &[
            ("primary", Name),
            ("mailbox", Name),
            ("serial", U32),
            ("refresh", Period),
            ("retry", Period),
            ("expire", Period),
            ("minimum", Period),
        ],
    ),
    known(7, "MB", ONE_NAME),
    known(8, "MG", ONE_NAME),
    known(9, "MR", ONE_NAME),
    known(10, "NULL", &[]),
    known(11, "WKS", &[("address", Ipv4), ("service", Services)]),
    known(12, "PTR", ONE_NAME),
    known(13, "HINFO", &[("CPU", Text), ("OS", Text)]),
    known(14, "MINFO", &[("mailbox", Name), ("error mailbox", Name)]),
    known(15, "MX", &[("preference", U16), ("exchange", Name)]),
    known(16, "TXT", TEXTS),
    known(17, "RP", &[("mailbox", Name), ("text name", Name)]),
    known(18, "AFSDB", &[("subtype", U16), ("host name", Name)]),
    known(19, "X25", &[("PSDN address", Text)]),
    known(
        20,
        "ISDN",
        &[("ISDN address", Text), ("subaddress", OptionalText)],
    ),
    known(
        21,
        "RT",
        &[("preference", U16), ("intermediate host", Name)],
    ),
    known(22, "NSAP", &[("address", Nsap)]),
    known(23, "NSAP-PTR", ONE_NAME),
    known(24, "SIG", SIGNATURE),
    known(
        25,
        "KEY",
        &[
            ("flags", KeyFlags),
            ("protocol", Named8(KEY_PROTOCOLS)),
            ("algorithm", Named8(ALGORITHMS)),
            ("public key", OptionalBase64),
        ],
    ),
    known(
        26,
        "PX",
        &[("preference", U16), ("MAP822", Name), ("MAPX400", Name)],
    ),
    known(
        27,
        "GPOS",
        &[("longitude", Text), ("latitude", Text), ("altitude", Text)],
    ),
    known(28, "AAAA", &[("address", Ipv6)]),
    known(29, "LOC", &[("location", Location)]),
    known(30, "NXT", &[("next name", Name), ("type", OldTypes)]),
    known(31, "EID", &[("identifier", Hex)]),
    known(32, "NIMLOC", &[("locator", Hex)]),
    known(
        33,
        "SRV",
        &[
            ("priority", U16),
            ("weight", U16),
            ("port", U16),
            ("target", Name),
        ],
    ),
    known(34, "ATMA", &[("address", AtmAddress)]),
    known(
        35,
        "NAPTR",
        &[
            ("order", U16),
            ("preference", U16),
            ("flags", Text),
            ("service", Text),
            ("regular expression", Text),
            ("replacement", Name),
        ],
    ),
    known(36, "KX", &[("preference", U16), ("exchanger", Name)]),
    known(
        37,
        "CERT",
        &[
            ("certificate type", Mnemonic16(CERTIFICATE_TYPES)),
            ("key tag", U16),
            ("algorithm", Mnemonic8(ALGORITHMS)),
            ("certificate", Base64),
        ],
    ),
    known(38, "A6", &[("address", PrefixedAddress)]),
    known(39, "DNAME", ONE_NAME),
    known(
        40,
        "SINK",
        &[
            ("meaning", U8),
            ("coding", U8),
            ("subcoding", U8),
            ("data", OptionalBase64),
        ],
    ),
    known(41, "OPT", &[]),
    known(42, "APL", &[("prefix", Prefixes)]),
    known(43, "DS", DIGEST),
    known(
        44,
        "SSHFP",
        &[
            ("algorithm", U8),
            ("fingerprint type", U8),
            ("fingerprint", Hex),
        ],
    ),
    known(
        45,
        "IPSECKEY",
        &[("gateway", KeyGateway), ("public key", Base64)],
    ),
    known(46, "RRSIG", SIGNATURE),
    known(47, "NSEC", &[("next name", Name), ("type", Types)]),
    known(48, "DNSKEY", KEY),
    known(49, "DHCID", &[("identifier", Base64)]),
    known(
        50,
        "NSEC3",
        &[
            ("hash algorithm", Named8(HASHES)),
            ("flags", U8),
            ("iterations", U16),
            ("salt", Salt),
            ("next hashed owner", Hash),
            ("type", Types),
        ],
    ),
    known(
        51,
        "NSEC3PARAM",
        &[
            ("hash algorithm", Named8(HASHES)),
            ("flags", U8),
            ("iterations", U16),
            ("salt", Salt),
        ],
    ),
    known(52, "TLSA", ASSOCIATION),
    known(53, "SMIMEA", ASSOCIATION),
    known(
        55,
        "HIP",
        &[
            ("host identity", HostIdentity),
            ("rendezvous server", Names),
        ],
    ),
    known(56, "NINFO", TEXTS),
    known(57, "RKEY", KEY),
    known(
        58,
        "TALINK",
        &[("previous name", Name), ("next name", Name)],
    ),
    known(59, "CDS", DIGEST),
    known(60, "CDNSKEY", KEY),
    known(61, "OPENPGPKEY", &[("public key", Base64)]),
    known(
        62,
        "CSYNC",
        &[("serial", U32), ("flags", U16), ("type", Types)],
    ),
    known(
        63,
        "ZONEMD",
        &[
            ("serial", U32),
            ("scheme", U8),
            ("hash algorithm", U8),
            ("digest", Hex),
        ],
    ),
    known(64, "SVCB", SERVICE),
    known(65, "HTTPS", SERVICE),
    known(
        66,
        "DSYNC",
        &[
            ("type", Type),
            ("scheme", Mnemonic8(SCHEMES)),
            ("port", U16),
            ("target", Name),
        ],
    ),
    known(67, "HHIT", &[("data", Base64)]),
    known(68, "BRID", &[("data", Base64)]),
    known(99, "SPF", TEXTS),
    known(100, "UINFO", &[]),
    known(101, "UID", &[]),
    known(102, "GID", &[]),
    known(103, "UNSPEC", &[]),
    known(
        104,
        "NID",
        &[("preference", U16), ("node identifier", Locator)],
    ),
    known(105, "L32", &[("preference", U16), ("locator", Ipv4)]),
    known(106, "L64", &[("preference", U16), ("locator", Locator)]),
    known(107, "LP", &[("preference", U16), ("name", Name)]),
    known(108, "EUI48", &[("address", Hyphenated(6))]),
    known(109, "EUI64", &[("address", Hyphenated(8))]),
    known(249, "TKEY", &[]),
    known(250, "TSIG", &[]),
    known(251, "IXFR", &[]),
    known(252, "AXFR", &[]),
    known(253, "MAILB", &[]),
    known(254, "MAILA", &[]),
    known(255, "ANY", &[]),
    known(
        256,
        "URI",
        &[("priority", U16), ("weight", U16), ("target", Quoted)],
    ),
    known(
        257,
        "CAA",
        &[("flags", U8), ("tag", Tag), ("value", Content)],
    ),
    known(258, "AVC", TEXTS),
    known(
        259,
        "DOA",
        &[
            ("enterprise", U32),
            ("type", U32),
            ("location", U8),
            ("media type", Text),
            ("data", Base64OrDash),
        ],
    ),
    known(260, "AMTRELAY", &[("relay", Relay)]),
    known(261, "RESINFO", TEXTS),
    known(262, "WALLET", TEXTS),
    known(32768, "TA", DIGEST),
    known(32769, "DLV", DIGEST),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_of_the_code() {
        assert!(TYPES.is_sorted_by(|a, b| a.code < b.code));
    }
}
