//! Finds the lines that a primary's configuration lacks, filled with names of our configuration.
//!
//! The lines must never contain a secret: they say where to copy it from.

mod bind;
mod knot;
mod lack;
mod powerdns;

use super::context::CheckContext;
use super::report::{Bad, Trouble, Verdict};
use crate::deliver::error::Failure;
use crate::diagnostic::Software;
use crate::provision::{ProvisionError, Remedy};
use lack::{Advice, Lack, lack};

/// Text in place of a secret.
const SECRET: &str = "<that of this host's key file>";

/// The first contents of a catalog's zone file (RFC 9432 section 4).
const CATALOG_FILE: &str = r#"@ 0 SOA invalid. invalid. 1 3600 600 2147483646 0
@ 0 NS invalid.
version 0 TXT "2""#;

impl CheckContext<'_> {
    /// Returns the verdict on a trouble.
    pub(super) fn bad(&self, trouble: impl Into<Trouble>) -> Verdict {
        Verdict::Bad(Box::new(self.explain(trouble)))
    }

    /// Adds its remedy to a trouble.
    pub(super) fn explain(&self, trouble: impl Into<Trouble>) -> Bad {
        let trouble = trouble.into();
        Bad {
            remedy: remedy(&trouble, self),
            trouble,
        }
    }
}

/// Returns the lines that repair the primary.
fn remedy(trouble: &Trouble, cx: &CheckContext<'_>) -> Option<Remedy> {
    if let Trouble::Failure(Failure::Provision(ProvisionError::PowerDns(error))) = trouble
        && let Some(remedy) = powerdns::api_remedy(error)
    {
        return Some(remedy);
    }
    let Advice { place, lines } = match (cx.software, lack(trouble, cx)?) {
        (Software::PowerDns, lack) => powerdns::advice(lack)?,
        (_, Lack::CatalogFile) => Advice {
            place: "the catalog's zone file",
            lines: vec![CATALOG_FILE],
        },
        (Software::Bind, lack) => bind::advice(lack)?,
        (Software::Knot, lack) => knot::advice(lack, cx.location),
        (Software::Unknown, _) => return None,
    };
    let lines = lines.into_iter().flat_map(str::lines);
    let lines = lines.map(|line| filled(line, cx)).collect();
    Some(Remedy { place, lines })
}

/// Fills in the names of our configuration; one that is not known gets a placeholder.
fn filled(line: &str, cx: &CheckContext<'_>) -> String {
    let zone = cx.zone.map(|zone| zone.apex().to_text_without_dot());
    let zone = zone.unwrap_or_else(|| "<zone>".to_owned());
    let template = cx.template.unwrap_or("<template of its zones>");
    line.replace("{key}", &cx.key.name().to_text_without_dot())
        .replace("{algorithm}", &cx.key.algorithm().to_string())
        .replace("{secret}", SECRET)
        .replace("{file}", &zone.replace('/', "="))
        .replace("{zone}", &zone)
        .replace("{template}", template)
        .replace("{view}", cx.view.unwrap_or("<view of the zones>"))
}

#[cfg(test)]
mod tests;
