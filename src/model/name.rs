//! Domain names (RFC 1035 section 3.1): absolute, in wire form, compared without case.
//!
//! A [`Name`] that exists is valid: every label has 1 to 63 octets and the whole at most 255. Its
//! octets may be anything; the spelling it was built with is kept for display, and equality, order
//! and hash ignore the case of ASCII letters (RFC 4343). The order is the canonical one of RFC 4034
//! section 6.1, so that the names at or below a name stand together.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

/// Longest name in octets, the root's zero octet included (RFC 1035 section 2.3.4).
pub const NAME_OCTETS_MAX: usize = 255;
/// Longest label in octets (RFC 1035 section 2.3.4).
pub const LABEL_OCTETS_MAX: usize = 63;

/// An absolute domain name.
#[derive(Clone)]
pub struct Name(Box<[u8]>);

/// Why octets or text are no domain name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given; the root is written `.`.
    #[error("the name is empty")]
    Empty,
    /// Two dots in a row, or a dot at the front.
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
    /// A character outside ASCII; the ASCII form (RFC 5890) is needed.
    #[error("the name has a character outside ASCII")]
    NotAscii,
    /// Wire octets end early, hold a pointer, or go on after the root label.
    #[error("the octets are no uncompressed name")]
    BadWire,
}

/// Why a name cannot be that of a host.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoHostName {
    /// It is the root.
    #[error("the root stands where the name of a host belongs")]
    Root,
    /// It is written as an address, and no name is found under that.
    #[error("an address stands where the name of a host belongs")]
    Address,
}

impl Name {
    /// The root, `.`.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// A name from exactly its uncompressed wire octets.
    ///
    /// # Errors
    /// [`NameError::BadWire`] where the octets end early, hold a compression pointer or go on
    /// after the root label, and [`NameError::NameTooLong`].
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

    /// A name from its labels, first to last, without the root's empty one.
    ///
    /// # Errors
    /// [`NameError`] for an empty or too long label and for too long a name.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, NameError> {
        let mut wire = Vec::with_capacity(32);
        for label in labels {
            push_label(&mut wire, label)?;
        }
        finish(wire)
    }

    /// The name that text stands for in a master file (RFC 1035 section 5.1): `@` is `origin`, and
    /// what does not end in a dot is relative to it.
    ///
    /// # Errors
    /// [`NameError`], as for the text of an absolute name.
    pub fn relative(text: &str, origin: &Self) -> Result<Self, NameError> {
        if text == "@" {
            return Ok(origin.clone());
        }
        let (mut wire, is_absolute) = read_text(text)?;
        if is_absolute {
            return finish(wire);
        }
        wire.extend_from_slice(&origin.0[..origin.0.len() - 1]);
        finish(wire)
    }

    /// That the name can be that of a host, as the target of a PTR or NS record is. Whatever else it is made of, a
    /// name that reads as an address was meant as one (RFC 1123 section 2.1).
    ///
    /// # Errors
    /// [`NoHostName`].
    pub fn check_host(&self) -> Result<(), NoHostName> {
        if self.is_root() {
            return Err(NoHostName::Root);
        }
        if self.to_text_without_dot().parse::<IpAddr>().is_ok() {
            return Err(NoHostName::Address);
        }
        Ok(())
    }

    /// The uncompressed wire octets, ending in the root's zero octet.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels from first to last, without the root's empty one.
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

    /// The first label and the octets of the rest; none for the root.
    fn split(&self) -> Option<(&[u8], &[u8])> {
        let (&length, rest) = self.0.split_first()?;
        (length > 0).then(|| rest.split_at(usize::from(length)))
    }

    /// How many labels the name has; the root has none.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether the first label is `*` (RFC 4592 section 2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(b"\x01*")
    }

    /// Whether this name is `other` or ends in it, label by label and without case.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        let Some(start) = self.0.len().checked_sub(other.0.len()) else {
            return false;
        };
        // A suffix of the octets counts only where a label starts, so the offsets are walked.
        let mut at = 0;
        while at < start {
            at += 1 + usize::from(self.0[at]);
        }
        at == start && self.0[start..].eq_ignore_ascii_case(&other.0)
    }

    /// Whether this name is below `other` and not `other` itself.
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.is_at_or_below(other)
    }

    /// The name without its first label; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let first = usize::from(self.0[0]);
        (first != 0).then(|| Self(self.0[1 + first..].into()))
    }

    /// The name with a label put in front of it.
    ///
    /// # Errors
    /// [`NameError`] for an empty or too long label and for too long a name.
    pub fn child(&self, label: &[u8]) -> Result<Self, NameError> {
        Self::from_labels(std::iter::once(label).chain(self.labels()))
    }

    /// The same name with its ASCII letters in lower case (RFC 4034 section 6.2).
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        // Length octets are at most 63 and so never letters.
        Self(self.0.to_ascii_lowercase().into())
    }

    /// The name as text without the final dot, for places where the dot is not wanted.
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

fn finish(mut wire: Vec<u8>) -> Result<Name, NameError> {
    wire.push(0);
    if wire.len() > NAME_OCTETS_MAX {
        Err(NameError::NameTooLong)
    } else {
        Ok(Name(wire.into()))
    }
}

/// Text to name (RFC 1035 section 5.1): absolute whether or not it ends in a dot, `\X` and decimal
/// `\DDD` escapes, ASCII only.
impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        read_text(text).and_then(|(wire, _)| finish(wire))
    }
}

/// The wire octets of a text's labels, without the root's; and whether the text ends in a dot.
fn read_text(text: &str) -> Result<(Vec<u8>, bool), NameError> {
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

/// Name to text with a final dot; what would read as something else is escaped, and no control
/// character or octet outside ASCII is ever printed as it is.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            let mut rest = label;
            loop {
                // What needs no escape goes out at once: a zone may have 500,000 names.
                let plain = rest.iter().position(|octet| !is_plain(*octet));
                let (run, escaped) = rest.split_at(plain.unwrap_or(rest.len()));
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

/// Whether an octet of a label stands for itself in text.
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
        // Most names of a zone differ in their first label alone, and sorting is mostly this.
        if let (Some((mine, rest)), Some((theirs, other_rest))) = (self.split(), other.split())
            && rest == other_rest
        {
            return compare_labels(mine, theirs);
        }
        let (my_count, their_count) = (self.label_count(), other.label_count());
        // The labels that both have, from the right; the rightmost that differ decide.
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

#[cfg(test)]
mod tests;
