//! Diagnostics as JSON: code and data. They are worded when they are shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case::{Diagnostic, case};
use super::entry::Software;
use super::page::find;
use super::version::{EARLIER_VERSION, LATER_VERSION};

/// A diagnostic as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    code: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<Box<Self>>,
}

/// A diagnostic with the software of the server that it is about.
#[derive(Serialize, Deserialize)]
struct StoredAt {
    #[serde(default)]
    server: Software,
    #[serde(flatten)]
    diagnostic: Stored,
}

/// Returns the JSON text of a diagnostic.
pub(crate) fn to_json(diagnostic: &Diagnostic) -> String {
    let (server, diagnostic) = (diagnostic.software, stored(diagnostic));
    serde_json::to_string(&StoredAt { server, diagnostic }).expect("strings are always JSON")
}

/// Parses the text that [`to_json`] has returned. A code that this version does not know becomes a diagnostic that
/// shows code and data, and any other text one that shows the text.
pub(crate) fn from_json(text: &str) -> Diagnostic {
    let stored = serde_json::from_str(text);
    let shown = stored.map(|StoredAt { server, diagnostic }| shown(diagnostic).at(server));
    shown.unwrap_or_else(|_| case!(EARLIER_VERSION, reason = text, advice = ""))
}

fn stored(diagnostic: &Diagnostic) -> Stored {
    Stored {
        code: diagnostic.entry.code.to_owned(),
        data: diagnostic.data.clone(),
        cause: diagnostic.cause.as_deref().map(stored).map(Box::new),
    }
}

fn shown(stored: Stored) -> Diagnostic {
    let Some(entry) = find(&stored.code) else {
        let data = stored
            .data
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"));
        let data = data.collect::<Vec<_>>().join(", ");
        return case!(LATER_VERSION, stored_code = stored.code, stored_data = data);
    };
    Diagnostic {
        entry,
        data: stored.data,
        cause: stored.cause.map(|cause| Box::new(shown(*cause))),
        software: Software::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnose, transport};

    struct Test(Diagnostic);

    impl Diagnose for Test {
        fn diagnostic(&self) -> Diagnostic {
            self.0.clone()
        }
    }

    #[test]
    fn a_stored_diagnostic_comes_back_with_its_words() {
        let cause = case!(
            transport::TLS_OTHER_NAME,
            expected = "a\"{b}",
            presented = "é, {expected}",
            name = "é"
        );
        let diagnostic = case!(transport::TLS, peer = "192.0.2.1:853").because(&Test(cause));
        let diagnostic = diagnostic.at(Software::PowerDns);
        let back = from_json(&to_json(&diagnostic));
        assert_eq!(back, diagnostic);
        assert_eq!(
            back.to_string(),
            "192.0.2.1:853: certificate for é, {expected}, not `a\"{b}`"
        );
        assert_eq!(back.code(), "NB-TLS-OTHER-NAME");
    }

    #[test]
    fn the_code_of_a_later_version_is_shown_with_its_data() {
        let text = r#"{"code":"NB-OF-TOMORROW","data":{"zone":"example.com."},"more":1}"#;
        let shown = from_json(text);
        assert_eq!(shown.to_string(), "NB-OF-TOMORROW (zone: example.com.)");
        assert_eq!(shown.software, Software::Unknown);
        let other = from_json(r#"{"code":"NB-TLS-EXPIRED","server":"nsd"}"#);
        assert_eq!(other.software, Software::Unknown);
        assert_eq!(
            from_json("the primary refuses").to_string(),
            "the primary refuses"
        );
    }
}
