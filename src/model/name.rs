//! Domain names (RFC 1035 section 3.1): absolute, in wire form, compared without case.
//!
//! A [`Name`] that exists is valid: every label has 1 to 63 octets of any value, and the whole name
//! at most 255. A name keeps its spelling for display; equality, order and hash ignore the case of
//! ASCII letters (RFC 4343). The order is the canonical one of RFC 4034 section 6.1, which puts the
//! names at or below a name next to each other.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

/// The label of the owner names of ACME challenges (RFC 8555 section 8.4).
pub const CHALLENGE_LABEL: &[u8] = b"_acme-challenge";

/// Maximum octets of a name, with the root's zero octet (RFC 1035 section 2.3.4).
pub const NAME_OCTETS_MAX: usize = 255;
/// Maximum octets of a label (RFC 1035 section 2.3.4).
pub const LABEL_OCTETS_MAX: usize = 63;

/// An absolute domain name.
#[derive(Clone)]
pub struct Name(Box<[u8]>);

/// The reason why octets or text are not a domain name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// The text is empty; the root is written `.`.
    #[error("the name is empty")]
    Empty,
    /// Two dots follow each other, or a dot stands at the start.
    #[error("the name has an empty label")]
    EmptyLabel,
    /// A label is longer than [`LABEL_OCTETS_MAX`].
    #[error("a label of the name is longer than {LABEL_OCTETS_MAX} octets")]
    LabelTooLong,
    /// The name is longer than [`NAME_OCTETS_MAX`].
    #[error("the name is longer than {NAME_OCTETS_MAX} octets")]
    NameTooLong,
    /// A backslash is not followed by a character or by three digits up to 255.
    #[error("the name has a bad escape")]
    BadEscape,
    /// A character is not ASCII; the name must be written in its ASCII form (RFC 5890).
    #[error("the name has a character outside ASCII")]
    NotAscii,
    /// The wire octets end early, contain a pointer, or continue after the root label.
    #[error("the octets are no uncompressed name")]
    BadWire,
}

/// The reason why a name cannot be a host name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoHostName {
    /// The name is the root.
    #[error("the root stands where the name of a host belongs")]
    Root,
    /// The name is written as an address, under which a lookup finds no host.
    #[error("an address stands where the name of a host belongs")]
    Address,
    /// The name is written as a URL, or has a port.
    #[error("a URL stands where the name of a host belongs")]
    Url,
    /// The name has a `@`, which is no domain of its own and is part of a mailbox.
    #[error("`@` stands in the name of a host")]
    At,
}

impl Name {
    /// Returns whether the name has the label of ACME challenges.
    pub fn is_challenge(&self) -> bool {
        let mut labels = self.labels();
        labels.any(|label| label.eq_ignore_ascii_case(CHALLENGE_LABEL))
    }

    /// Returns the root, `.`.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// Reads a name from exactly its uncompressed wire octets.
    ///
    /// # Errors
    /// [`NameError::BadWire`] if the octets end early, contain a compression pointer or continue
    /// after the root label; [`NameError::NameTooLong`] if there are too many.
    pub fn from_wire(octets: &[u8]) -> Result<Self, NameError> {
        if octets.len() > NAME_OCTETS_MAX {
            return Err(NameError::NameTooLong);
        }
        let mut at = 0;
        loop {
            let length = usize::from(*octets.get(at).ok_or(NameError::BadWire)?);
            if length > LABEL_OCTETS_MAX {
                return Err(NameError::BadWire);
            }
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
        if at == octets.len() {
            Ok(Self(octets.into()))
        } else {
            Err(NameError::BadWire)
        }
    }

    /// Builds a name from its labels, first to last, without the root's empty label.
    ///
    /// # Errors
    /// [`NameError`] if a label is empty or too long, or the name is too long.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NameError> {
        let mut wire = Vec::with_capacity(32);
        for label in labels {
            push_label(&mut wire, label)?;
        }
        end_with_root(wire)
    }

    /// Reads a name as a master file writes it (RFC 1035 section 5.1): `@` is `origin`, and text
    /// without a final dot is relative to `origin`.
    ///
    /// # Errors
    /// [`NameError`] if the text is not a domain name.
    pub fn relative(text: &str, origin: &Self) -> Result<Self, NameError> {
        if text == "@" {
            return Ok(origin.clone());
        }
        let (mut wire, is_absolute) = parse_labels(text)?;
        if !is_absolute {
            wire.extend_from_slice(&origin.0[..origin.0.len() - 1]);
        }
        end_with_root(wire)
    }

    /// Checks that the name can be a host name, as the target of a PTR or NS record must be. A name
    /// that reads as an address was meant as one, whatever its labels are (RFC 1123 section 2.1).
    ///
    /// # Errors
    /// [`NoHostName`].
    pub fn check_host(&self) -> Result<(), NoHostName> {
        if self.is_root() {
            return Err(NoHostName::Root);
        }
        self.check_target()
    }

    /// Checks that the name can be the target of a record. Some types give the root a meaning (RFC 7505).
    ///
    /// # Errors
    /// [`NoHostName`] if the name reads as an address or a URL, or has a `@`.
    pub fn check_target(&self) -> Result<(), NoHostName> {
        let has = |octet: u8| self.labels().any(|label| label.contains(&octet));
        let (first, last) = (self.labels().next(), self.labels().last());
        let has_colon = has(b':');
        let is_number = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
        let may_be_address = has_colon || first.is_some_and(is_number);
        if may_be_address && self.to_text_without_dot().parse::<IpAddr>().is_ok() {
            Err(NoHostName::Address)
        // In another label than the last, a slash is part of a name of RFC 2317.
        } else if has_colon || last.is_some_and(|label| label.contains(&b'/')) {
            Err(NoHostName::Url)
        } else if has(b'@') {
            Err(NoHostName::At)
        } else {
            Ok(())
        }
    }

    /// Returns whether each label can be that of a host ([`is_host_label`]).
    pub fn is_host(&self) -> bool {
        self.labels().all(is_host_label)
    }

    /// Returns the uncompressed wire octets, which end in the root's zero octet.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Iterates over the labels from first to last, without the root's empty label.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (&length, tail) = rest.split_first()?;
            if length == 0 {
                return None;
            }
            let (label, tail) = tail.split_at(usize::from(length));
            rest = tail;
            Some(label)
        })
    }

    /// Returns the first label and the wire octets after it; `None` for the root.
    fn split_first_label(&self) -> Option<(&[u8], &[u8])> {
        let (&length, rest) = self.0.split_first()?;
        (length > 0).then(|| rest.split_at(usize::from(length)))
    }

    /// Counts the labels; the root has none.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Returns whether the name is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns whether the first label is `*` (RFC 4592 section 2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(b"\x01*")
    }

    /// Returns whether the name is `other` or ends in it, compared label by label without case.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        let Some(start) = self.0.len().checked_sub(other.0.len()) else {
            return false;
        };
        // Equal octets at the end count only if a label starts there, so walk from label to label.
        let mut at = 0;
        while at < start {
            at += 1 + usize::from(self.0[at]);
        }
        at == start && self.0[start..].eq_ignore_ascii_case(&other.0)
    }

    /// Returns whether the name is below `other` and not `other` itself.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.is_at_or_below(other)
    }

    /// Returns the name without its first label; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let first = usize::from(self.0[0]);
        (first != 0).then(|| Self(self.0[1 + first..].into()))
    }

    /// Returns the name and those above it, up to the root.
    pub fn and_above(&self) -> impl Iterator<Item = Self> + use<> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// Returns the name with `label` in front of it.
    ///
    /// # Errors
    /// [`NameError`] if the label is empty or too long, or the new name is too long.
    pub fn child(&self, label: &[u8]) -> Result<Self, NameError> {
        Self::from_labels(std::iter::once(label).chain(self.labels()))
    }

    /// Returns the name with its ASCII letters in lower case (RFC 4034 section 6.2).
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        // Length octets are at most 63 and so never letters.
        Self(self.0.to_ascii_lowercase().into())
    }

    /// Formats the name without its final dot.
    pub fn to_text_without_dot(&self) -> String {
        let mut text = self.to_string();
        if !self.is_root() {
            text.pop();
        }
        text
    }
}

fn push_label(wire: &mut Vec<u8>, label: &[u8]) -> Result<(), NameError> {
    let length = u8::try_from(label.len()).map_err(|_| NameError::LabelTooLong)?;
    match length {
        0 => Err(NameError::EmptyLabel),
        1..=63 => {
            wire.push(length);
            wire.extend_from_slice(label);
            Ok(())
        }
        64.. => Err(NameError::LabelTooLong),
    }
}

/// Appends the root label and checks the length of the name.
fn end_with_root(mut wire: Vec<u8>) -> Result<Name, NameError> {
    wire.push(0);
    if wire.len() > NAME_OCTETS_MAX {
        Err(NameError::NameTooLong)
    } else {
        Ok(Name(wire.into()))
    }
}

/// Parses ASCII text (RFC 1035 section 5.1) with `\X` and decimal `\DDD` escapes. The name is
/// absolute with or without a final dot.
impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        parse_labels(text).and_then(|(wire, _)| end_with_root(wire))
    }
}

/// Returns the wire octets of the labels without the root's, and whether the text ends in a dot.
fn parse_labels(text: &str) -> Result<(Vec<u8>, bool), NameError> {
    if text == "." {
        return Ok((Vec::new(), true));
    }
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let mut wire = Vec::with_capacity(text.len() + 2);
    let mut label = Vec::with_capacity(LABEL_OCTETS_MAX);
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        match octet {
            b'.' => {
                push_label(&mut wire, &label)?;
                label.clear();
            }
            b'\\' => label.push(unescape(&mut octets)?),
            0x80.. => return Err(NameError::NotAscii),
            _ => label.push(octet),
        }
    }
    let is_absolute = label.is_empty();
    if !is_absolute {
        push_label(&mut wire, &label)?;
    }
    Ok((wire, is_absolute))
}

fn unescape(octets: &mut std::str::Bytes<'_>) -> Result<u8, NameError> {
    let first = octets.next().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        return if first.is_ascii() {
            Ok(first)
        } else {
            Err(NameError::NotAscii)
        };
    }
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = octets
            .next()
            .filter(u8::is_ascii_digit)
            .ok_or(NameError::BadEscape)?;
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

/// Formats the name with a final dot. Escapes every octet that would read back as something else,
/// and every control character and octet outside ASCII.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            let mut rest = label;
            loop {
                // A run without escapes is one write, for speed: a zone may have 500,000 names.
                let special_at = rest.iter().position(|octet| !is_plain(*octet));
                let (run, escaped) = rest.split_at(special_at.unwrap_or(rest.len()));
                f.write_str(std::str::from_utf8(run).expect("plain octets are ASCII"))?;
                let Some((&octet, after)) = escaped.split_first() else {
                    break;
                };
                match octet {
                    0x21..=0x7e => write!(f, "\\{}", char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
                rest = after;
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

/// Returns whether an octet of a label stands for itself in text.
fn is_plain(octet: u8) -> bool {
    let is_special = matches!(
        octet,
        b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$'
    );
    octet.is_ascii_graphic() && !is_special
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in &*self.0 {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        // The fast path of a sort: most names of a zone differ in their first label only.
        if let (Some((mine, rest)), Some((theirs, other_rest))) =
            (self.split_first_label(), other.split_first_label())
            && rest == other_rest
        {
            return compare_labels(mine, theirs);
        }
        let (my_count, their_count) = (self.label_count(), other.label_count());
        // Align the labels at the right: the rightmost difference decides.
        let mine = self.labels().skip(my_count.saturating_sub(their_count));
        let theirs = other.labels().skip(their_count.saturating_sub(my_count));
        let mut order = Ordering::Equal;
        for (a, b) in mine.zip(theirs).filter(|(a, b)| a != b) {
            order = compare_labels(a, b).then(order);
        }
        order.then(my_count.cmp(&their_count))
    }
}

fn compare_labels(a: &[u8], b: &[u8]) -> Ordering {
    let a = a.iter().map(u8::to_ascii_lowercase);
    a.cmp(b.iter().map(u8::to_ascii_lowercase))
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Returns whether a label has letters, digits, and hyphens that are neither first nor last (RFC
/// 1123 section 2.1).
pub fn is_host_label(label: &[u8]) -> bool {
    let ends = [label.first(), label.last()];
    let mut octets = label.iter();
    octets.all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
        && ends.into_iter().flatten().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests;
