//! Records of messages of any class, as nsupdate's language writes them and as answers show them.

use std::fmt;

use crate::model::{Name, RecordType};

/// A record's class (RFC 1035 section 3.2.4, RFC 2136 section 2.4).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Class(pub u16);

#[expect(
    missing_docs,
    reason = "each is the class of that mnemonic in the IANA registry"
)]
impl Class {
    pub const RESERVED0: Self = Self(0);
    pub const IN: Self = Self(1);
    pub const CH: Self = Self(3);
    pub const HS: Self = Self(4);
    pub const NONE: Self = Self(254);
    pub const ANY: Self = Self(255);

    /// Reads a class: a mnemonic in any case, or `CLASS` and a number (RFC 3597 section 5).
    pub fn from_text(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        match upper.as_str() {
            "IN" => Some(Self::IN),
            "CH" | "CHAOS" => Some(Self::CH),
            "HS" | "HESIOD" => Some(Self::HS),
            "NONE" => Some(Self::NONE),
            "ANY" => Some(Self::ANY),
            "RESERVED0" => Some(Self::RESERVED0),
            _ => {
                let digits = upper.strip_prefix("CLASS")?;
                let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
                is_number.then(|| digits.parse().ok().map(Self))?
            }
        }
    }
}

/// The mnemonic, or `CLASS` and the number.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::RESERVED0 => "RESERVED0",
            Self::IN => "IN",
            Self::CH => "CH",
            Self::HS => "HS",
            Self::NONE => "NONE",
            Self::ANY => "ANY",
            Self(other) => return write!(f, "CLASS{other}"),
        })
    }
}

/// A record of a message: whatever its class, with its data as they are and in their own spelling.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WireRecord {
    /// The name that it stands at.
    pub owner: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its class; in an UPDATE, what shall be done (RFC 2136 section 2.5).
    pub class: Class,
    /// Its time to live, in seconds.
    pub ttl: u32,
    /// Its data, uncompressed; empty where a whole set or name is meant.
    pub rdata: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_in_any_case_and_by_number() {
        assert_eq!(Class::from_text("in"), Some(Class::IN));
        assert_eq!(Class::from_text("Chaos"), Some(Class::CH));
        assert_eq!(Class::from_text("class254"), Some(Class::NONE));
        assert_eq!(Class::from_text("CLASS65535"), Some(Class(65_535)));
        for wrong in ["", "CLASS", "CLASS65536", "CLASS-1", "A", "TYPE1"] {
            assert_eq!(Class::from_text(wrong), None, "{wrong}");
        }
        assert_eq!(Class(300).to_string(), "CLASS300");
    }
}
