//! Diagnostics: entries of the catalogue with the data of one case.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use super::entry::{Class, Entry, Software, placeholder_end};

/// The advice on a failure that needs no action.
const TRY_AGAIN: &str = "nothing, or run it again";

/// The command that calls nsbridge as this process was called, in place of `nsbridge` alone.
static COMMAND: OnceLock<String> = OnceLock::new();

/// Sets the command that hints name, such as `nsbridge --config other.toml`, so that they work when pasted.
pub(crate) fn set_command(command: String) {
    // The first caller is the one that has read the command line.
    let _ = COMMAND.set(command);
}

/// Returns the command that calls nsbridge as this process was called.
pub(crate) fn command() -> &'static str {
    COMMAND.get().map_or("nsbridge", String::as_str)
}

/// An entry of the catalogue with the data of one case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// The entry.
    pub entry: &'static Entry,
    /// The values of the placeholders, by name.
    pub data: BTreeMap<String, String>,
    /// The diagnostic that led to this one.
    pub cause: Option<Box<Self>>,
    /// The software of the server that it is about.
    pub software: Software,
}

/// An error or remark that the catalogue has words for.
pub trait Diagnose {
    /// Returns its entry with its data.
    fn diagnostic(&self) -> Diagnostic;
}

impl Diagnostic {
    /// Returns an entry with its data. Callers use the macro `case`, which checks that none is missing.
    pub(crate) fn new<const N: usize>(entry: &'static Entry, data: [(&str, String); N]) -> Self {
        let data = data.map(|(name, value)| (name.to_owned(), value));
        Self {
            entry,
            data: data.into(),
            cause: None,
            software: Software::Unknown,
        }
    }

    /// Names the software of the server that it is about, if that is known.
    pub(crate) fn at(mut self, software: Software) -> Self {
        if software != Software::Unknown {
            self.software = software;
        }
        self
    }

    /// Adds the cause.
    pub(crate) fn because(mut self, cause: &impl Diagnose) -> Self {
        self.cause = Some(Box::new(cause.diagnostic()));
        self
    }

    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        self.decisive().entry.code
    }

    /// Returns what becomes of the change; never [`Class::Context`] if the cause is known.
    pub fn class(&self) -> Class {
        self.decisive().entry.class
    }

    /// Returns what the operator can do. `None` if nothing is known.
    pub fn hint(&self) -> Option<String> {
        self.hint_calling(command())
    }

    /// Returns what the operator can do, for an nsbridge that is called by `command`.
    pub(crate) fn hint_calling(&self, command: &str) -> Option<String> {
        let hint = self.hint_for(self.software)?;
        // These two need no configuration.
        let needs_none = ["`nsbridge explain ", "`nsbridge config template"];
        if needs_none.iter().any(|it| hint.contains(it)) {
            return Some(hint);
        }
        Some(hint.replace("`nsbridge ", &format!("`{command} ")))
    }

    fn hint_for(&self, software: Software) -> Option<String> {
        let hints = self.entry.hints;
        let of = |wanted| hints.iter().find(|(software, _)| *software == wanted);
        match of(software).or_else(|| of(Software::Unknown)) {
            Some((_, hint)) => Some(self.filled(hint)),
            None if hints.is_empty() => self.cause.as_ref()?.hint_for(software),
            None => Some(format!(
                "`nsbridge explain {}` has the lines for each kind of server",
                self.code()
            )),
        }
    }

    /// Returns what the operator can do; if nothing is known, that nothing needs to be done.
    pub fn advice(&self) -> String {
        self.hint().unwrap_or_else(|| TRY_AGAIN.into())
    }

    /// Returns the diagnostic whose code and class count: the first that is no mere context.
    pub(crate) fn decisive(&self) -> &Self {
        match &self.cause {
            Some(cause) if self.entry.class == Class::Context => cause.decisive(),
            Some(_) | None => self,
        }
    }

    /// Fills the placeholders of a text. One without a value stays.
    fn filled(&self, text: &str) -> String {
        let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(start) = rest.find('{') {
            filled.push_str(&rest[..start]);
            let end = placeholder_end(rest.as_bytes(), start);
            let value = end.and_then(|end| self.value(&rest[start + 1..end]));
            if let (Some(value), Some(end)) = (value, end) {
                filled.push_str(&value);
                rest = &rest[end + 1..];
            } else {
                filled.push('{');
                rest = &rest[start + 1..];
            }
        }
        filled + rest
    }

    fn value(&self, name: &str) -> Option<String> {
        match &self.cause {
            Some(cause) if name == "cause" => Some(cause.to_string()),
            Some(_) | None => self.data.get(name).cloned(),
        }
    }
}

impl Diagnose for Diagnostic {
    fn diagnostic(&self) -> Diagnostic {
        self.clone()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.filled(self.entry.text))
    }
}

/// Returns an entry with its data: `case!(ENTRY, name, other = value)`. Does not compile if a placeholder of the
/// entry has no value.
macro_rules! case {
    ($entry:expr $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const ENTRY: &$crate::diagnostic::entry::Entry = &$entry;
        const { assert!(ENTRY.is_covered_by(&[$(stringify!($name)),*]), "a placeholder has no value") }
        $crate::diagnostic::case::Diagnostic::new(ENTRY, [$((
            stringify!($name),
            $crate::diagnostic::case::case!(@value $name $(= $value)?),
        )),*])
    }};
    (@value $name:ident) => { $name.to_string() };
    (@value $name:ident = $value:expr) => { $value.to_string() };
}
pub(crate) use case;

/// Displays errors by the catalogue.
macro_rules! displayed {
    ($($error:ty),+ $(,)?) => {
        $(
            impl std::fmt::Display for $error {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    $crate::diagnostic::case::Diagnose::diagnostic(self).fmt(f)
                }
            }
            impl std::error::Error for $error {}
        )+
    };
}
pub(crate) use displayed;
