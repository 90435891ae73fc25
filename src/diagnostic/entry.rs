//! Entries of the catalogue.

use serde::{Deserialize, Serialize};

/// The words about one diagnostic. In `text` and `hints`, `{name}` stands for a value of the data, and
/// `{cause}` for the text of the cause.
#[derive(Debug, Eq, PartialEq)]
pub struct Entry {
    /// The stable code: `NB-` and words.
    pub code: &'static str,
    /// The class.
    pub class: Class,
    /// The cause, in one sentence without a full stop.
    pub text: &'static str,
    /// Instructions to the operator, by the software of the server at hand; [`Software::Unknown`] fits any. Empty
    /// if the hint of the cause holds.
    pub hints: &'static [(Software, &'static str)],
    /// The explanation, for the page of the code.
    pub page: &'static str,
}

/// The effect on the change that a diagnostic is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// It waits: the failure may end by itself.
    Transient,
    /// It is not kept in the queue: what does not arrive at once is lost, unless the caller sends it again.
    Unkept,
    /// It is held: a primary or a guard refused, and an operator must act.
    Permanent,
    /// It is left out of the input; everything else is carried out.
    Input,
    /// Nothing is attempted: the configuration, a file that it names, or the command line cannot be used.
    Setup,
    /// It is in place, or is left alone on purpose; the operator should know something about it.
    Remark,
    /// The diagnostic only names where its cause happened: what becomes of the change is up to the cause.
    Context,
}

/// The kind of a server, if known.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Software {
    /// BIND.
    Bind,
    /// `PowerDNS`.
    PowerDns,
    /// Knot DNS.
    Knot,
    /// Any other, or not known.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Entry {
    /// Returns whether messages show its code; of a mere context they show that of the cause.
    pub(super) fn is_code(&self) -> bool {
        self.class != Class::Context
    }

    /// Returns whether `names` has the name of each placeholder of the entry.
    pub(crate) const fn is_covered_by(&self, names: &[&str]) -> bool {
        let mut hint = 0;
        while hint < self.hints.len() {
            if !covers(names, self.hints[hint].1.as_bytes()) {
                return false;
            }
            hint += 1;
        }
        covers(names, self.text.as_bytes())
    }
}

/// Returns whether `names` has the name of each placeholder of a text.
const fn covers(names: &[&str], text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        if let Some(end) = placeholder_end(text, at) {
            let mut is_known = is_equal(text, at + 1, end, b"cause");
            let mut name = 0;
            while name < names.len() {
                is_known = is_known || is_equal(text, at + 1, end, names[name].as_bytes());
                name += 1;
            }
            if !is_known {
                return false;
            }
        }
        at += 1;
    }
    true
}

/// Returns the index of the closing brace of a placeholder that begins at `start`: a name of lower-case
/// letters and underscores in braces. Other braces are text.
pub(super) const fn placeholder_end(text: &[u8], start: usize) -> Option<usize> {
    if text[start] != b'{' {
        return None;
    }
    let mut end = start + 1;
    while end < text.len() && (text[end].is_ascii_lowercase() || text[end] == b'_') {
        end += 1;
    }
    if end < text.len() && text[end] == b'}' && end > start + 1 {
        Some(end)
    } else {
        None
    }
}

const fn is_equal(text: &[u8], start: usize, end: usize, name: &[u8]) -> bool {
    if end - start != name.len() {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if text[start + at] != name[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Defines entries, and the list of them.
macro_rules! entries {
    ($($name:ident { $($field:ident: $value:expr),+ $(,)? })+) => {
        $(pub(crate) const $name: $crate::diagnostic::entry::Entry = $crate::diagnostic::entry::Entry {
            $($field: $value),+
        };)+
        /// All entries of this module.
        pub(super) const ENTRIES: &[&$crate::diagnostic::entry::Entry] = &[$(&$name),+];
    };
}
pub(super) use entries;

/// Returns the hints of an entry whose hint fits any server.
macro_rules! hint {
    ($text:expr) => {
        &[($crate::diagnostic::entry::Software::Unknown, $text)]
    };
}
pub(super) use hint;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_a_name_in_braces_and_nothing_else() {
        let entry = |text| Entry {
            code: "NB-TEST",
            class: Class::Remark,
            text,
            hints: hint!("grant {key} a"),
            page: "",
        };
        assert!(entry("`key { \"{key}\"; };` {} {cause} { key }").is_covered_by(&["key"]));
        assert!(!entry("{zone}").is_covered_by(&["key", "zones"]));
        assert!(
            !entry("").is_covered_by(&["zone"]),
            "the hint names the key"
        );
    }
}
