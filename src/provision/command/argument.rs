//! Arguments of a program, with their placeholders.
//!
//! An argument stays one argument whatever is put into it, and what is put into it is harmless: the
//! word for an action, or a zone name of few kinds of characters.

use std::str::FromStr;

use super::action::Action;
use crate::model::ZoneName;

/// An argument in which `{action}` and `{zone}` are replaced; `{{` and `}}` stand for braces.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Argument(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Action,
    Zone,
}

/// Why text is no [`Argument`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ArgumentError {
    /// A placeholder that does not exist.
    #[error("`{{{name}}}` is no placeholder")]
    Unknown {
        /// What stands between the braces.
        name: String,
    },
    /// A brace that opens or closes nothing.
    #[error("a single brace")]
    Brace,
    /// An octet that no argument of a program can have.
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
    /// Whether `{action}` is in it.
    pub fn has_action(&self) -> bool {
        self.0.contains(&Part::Action)
    }

    /// Whether `{zone}` is in it.
    pub fn has_zone(&self) -> bool {
        self.0.contains(&Part::Zone)
    }

    /// The argument for one call.
    pub(super) fn fill(&self, action: Action, zone: &str) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Action => action.word(),
            Part::Zone => zone,
        });
        parts.collect()
    }
}

/// The zone's name for an argument, without the final dot. None where a program or a shell behind it
/// could misread it: the root; other characters than letters, digits, `-`, `_`, `/` and the dots
/// between labels; a first character that makes it look like an option (`-`) or a path (`/`).
pub(super) fn zone_word(zone: &ZoneName) -> Option<String> {
    let word = zone.apex().to_text_without_dot();
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_/.".contains(&octet);
    let harmless = word.bytes().all(plain) && !word.starts_with(['-', '/', '.']);
    harmless.then_some(word)
}
