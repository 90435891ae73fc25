//! Records of any class, as scripts for nsupdate write them and as messages carry them.

use std::fmt;

use crate::model::{Name, RecordType};

/// The class of a record (RFC 1035 section 3.2.4, RFC 2136 section 2.4).
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

/// Writes the mnemonic, or `CLASS` and the number if the class has no mnemonic.
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

/// A record of a message, of any class; its data keep the spelling of their names.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct WireRecord {
    pub owner: Name,
    pub rtype: RecordType,
    /// The class; in an UPDATE it selects the change or prerequisite (RFC 2136 sections 2.4, 2.5).
    pub class: Class,
    /// The time to live, in seconds.
    pub ttl: u32,
    /// The uncompressed data; empty if the record means a whole RRset or name.
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
