//! The claim of a zone: which instance it belongs to, and the label of its member node.

use crate::model::{Rdata, ZoneName};

/// The data of a ZONEMD record before the digest: serial 1, and a scheme and a hash algorithm of
/// private use (RFC 8976 sections 2.2, 5.2 and 5.3).
const HEAD: [u8; 6] = [0, 0, 0, 1, 240, 240];

/// The first string of each record of this form.
const FORM: &[u8] = b"ns2";

/// The second string of the record of the format.
const COMPLETE: &[u8] = b"complete";

/// The claim of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// The instance that the zone belongs to; empty if it is nobody's.
    pub instance: Vec<u8>,
    /// The label of its member node.
    pub label: Vec<u8>,
    /// How the zone came to be, and whether it stays.
    pub state: ClaimState,
}

/// How a claimed zone came to be, and whether it stays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClaimState {
    /// Its instance created it, or is about to.
    Made,
    /// It was there before its instance claimed it. A deletion leaves it.
    Found,
    /// Another program listed it. A deletion leaves it, and its member node.
    Listed,
    /// Its instance is deleting it.
    Leaving,
}

/// The words of the states in a claim.
const STATES: [(ClaimState, &[u8]); 4] = [
    (ClaimState::Made, b"made"),
    (ClaimState::Found, b"found"),
    (ClaimState::Listed, b"listed"),
    (ClaimState::Leaving, b"leaving"),
];

impl Claim {
    /// Returns the data of its record.
    pub(super) fn to_rdata(&self) -> Rdata {
        let word = STATES.iter().find(|(state, _)| *state == self.state);
        let word = word.map_or(&b""[..], |(_, word)| word);
        encode(&[FORM, &self.instance, &self.label, word])
    }

    /// Reads the data of its record. `None` if they are no claim.
    pub fn from_rdata(rdata: &Rdata) -> Option<Self> {
        let strings = decode(rdata)?;
        let [FORM, instance, label, word] = strings[..] else {
            return None;
        };
        let (state, _) = STATES.iter().find(|(_, known)| *known == word)?;
        // A label has 1 to 63 octets (RFC 1035 section 2.3.4).
        (1..=63).contains(&label.len()).then(|| Self {
            instance: instance.to_vec(),
            label: label.to_vec(),
            state: *state,
        })
    }
}

/// Returns the data of the record that says that a catalog is in this form.
pub(super) fn format_rdata() -> Rdata {
    encode(&[FORM, COMPLETE])
}

/// Returns the data of a ZONEMD record whose digest is these strings, each after its length. They
/// have at least 12 octets (RFC 8976 section 2.2.4) for all that is written here.
pub(super) fn encode(strings: &[&[u8]]) -> Rdata {
    let mut octets = HEAD.to_vec();
    for string in strings {
        octets.push(u8::try_from(string.len()).unwrap_or(u8::MAX));
        octets.extend_from_slice(string);
    }
    Rdata::from_canonical(octets)
}

/// Returns the strings of such a record. `None` if it is none.
pub(super) fn decode(rdata: &Rdata) -> Option<Vec<&[u8]>> {
    let mut rest = rdata.as_wire().strip_prefix(&HEAD[..])?;
    let mut strings = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let (string, after) = after.split_at_checked(length.into())?;
        strings.push(string);
        rest = after;
    }
    Some(strings)
}

/// A zone with a claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The zone.
    pub zone: ZoneName,
    /// Its claim.
    pub claim: Claim,
    /// Whether consumers see it.
    pub listing: Listing,
}

/// What stands at the member node of a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listing {
    /// No PTR record: the zone is not listed.
    Absent,
    /// The PTR record of the zone.
    Listed,
    /// Other PTR records, or several: no consumer processes the catalog (RFC 9432 section 4.1).
    Damaged,
}

impl Listing {
    /// Returns the listing of a zone by the PTR records at its member node.
    pub(super) fn of(zone: &ZoneName, ptrs: &[Rdata]) -> Self {
        match ptrs {
            [] => Self::Absent,
            [ptr] if ptr.to_name().is_some_and(|it| it == *zone.apex()) => Self::Listed,
            _ => Self::Damaged,
        }
    }
}

impl Member {
    /// Returns whether consumers see the zone.
    pub fn is_listed(&self) -> bool {
        self.listing == Listing::Listed
    }

    /// Returns whether the zone was there before its instance claimed it.
    pub fn is_preexisting(&self) -> bool {
        matches!(self.claim.state, ClaimState::Found | ClaimState::Listed)
    }

    /// Returns whether its instance created the zone: it was listed as created, and may be being deleted.
    pub fn was_created(&self) -> bool {
        match self.claim.state {
            ClaimState::Made => self.is_listed(),
            ClaimState::Leaving => true,
            ClaimState::Found | ClaimState::Listed => false,
        }
    }
}

/// The membership of a zone in a catalog, as one instance sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Membership {
    /// The catalog does not have the zone.
    Absent,
    /// The catalog lists the zone without an instance.
    Unclaimed(Member),
    /// The zone is this instance's.
    Ours(Member),
    /// The zone is another instance's.
    Other {
        /// The other instance, escaped.
        instance: String,
        /// The member.
        member: Member,
    },
}

impl Membership {
    /// Returns the member; `None` if the catalog does not have the zone.
    pub fn member(&self) -> Option<&Member> {
        match self {
            Self::Absent => None,
            Self::Unclaimed(member) | Self::Ours(member) | Self::Other { member, .. } => {
                Some(member)
            }
        }
    }

    /// Returns the membership of a claimed zone, as `instance` sees it.
    pub(super) fn of(member: Member, instance: &str) -> Self {
        let owner = &member.claim.instance;
        if owner.is_empty() {
            Self::Unclaimed(member)
        } else if owner == instance.as_bytes() {
            Self::Ours(member)
        } else {
            Self::Other {
                instance: owner.escape_ascii().to_string(),
                member,
            }
        }
    }
}
