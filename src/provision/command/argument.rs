//! The arguments of a program, with their placeholders.
//!
//! An argument stays one argument whatever replaces its placeholders, and every replacement is
//! harmless: the word for an action, or a zone name of a few kinds of characters.

use std::str::FromStr;

use super::action::Action;
use crate::model::ZoneName;

/// An argument with the placeholders `{action}` and `{zone}`; `{{` and `}}` are literal braces.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Argument(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Action,
    Zone,
}

/// The reason why text is no [`Argument`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ArgumentError {
    /// An unknown placeholder.
    #[error("`{{{name}}}` is no placeholder")]
    Unknown {
        /// The text between the braces.
        name: String,
    },
    /// An unpaired brace.
    #[error("a single brace")]
    Brace,
    /// A NUL character, which no argument of a program can contain.
    #[error("a NUL character")]
    Nul,
}

impl FromStr for Argument {
    type Err = ArgumentError;

    fn from_str(text: &str) -> Result<Self, ArgumentError> {
        if text.contains('\0') {
            return Err(ArgumentError::Nul);
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else {
                let inside = rest.strip_prefix('{').ok_or(ArgumentError::Brace)?;
                let (name, after) = inside.split_once('}').ok_or(ArgumentError::Brace)?;
                let part = match name {
                    "action" => Part::Action,
                    "zone" => Part::Zone,
                    _ => return Err(ArgumentError::Unknown { name: name.into() }),
                };
                parts.extend([Part::Text(std::mem::take(&mut plain)), part]);
                rest = after;
            }
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }
}

impl Argument {
    /// Returns whether the argument contains `{action}`.
    pub fn has_action(&self) -> bool {
        self.0.contains(&Part::Action)
    }

    /// Returns whether the argument contains `{zone}`.
    pub fn has_zone(&self) -> bool {
        self.0.contains(&Part::Zone)
    }

    /// Replaces the placeholders.
    pub(super) fn fill(&self, action: Action, zone: &str) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Action => action.word(),
            Part::Zone => zone,
        });
        parts.collect()
    }
}

/// Returns the zone's name for an argument, without the final dot.
///
/// `None` if the program, or a shell that it starts, could misread the name: the root; a name with
/// other characters than letters, digits, `-`, `_`, `/` and the dots between labels; a name that
/// looks like an option (`-` first) or a path (`/` first).
pub(super) fn zone_word(zone: &ZoneName) -> Option<String> {
    let word = zone.apex().to_text_without_dot();
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_/.".contains(&octet);
    let is_harmless = word.bytes().all(is_plain) && !word.starts_with(['-', '/', '.']);
    is_harmless.then_some(word)
}
