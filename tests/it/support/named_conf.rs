//! The text of a `named.conf`: zones, views and options, as a test describes them.
//!
//! In every piece of configuration text, `{key}` stands for the name of the server's first key and
//! `{dir}` for its directory.

use std::fmt::Write as _;

/// What every zone begins with that is made from the template.
pub(super) const INITIAL_ZONE: &str = "\
$TTL 300
@ SOA ns1.invalid. hostmaster.invalid. 1 3600 600 86400 300
@ NS ns1.invalid.
";

/// What comes before the records of a zone file that brings no SOA of its own.
const APEX: &str = "$TTL 3600\n\
    @ SOA ns1 hostmaster 1 3600 600 86400 300\n\
    @ NS ns1\n\
    ns1 A 192.0.2.1\n";

/// A zone file of these records; without an SOA of their own they get one (serial 1), an NS and the
/// NS's address.
pub(crate) fn zone_file(records: &str) -> String {
    if records.contains(" SOA ") {
        records.to_owned()
    } else {
        format!("{APEX}{records}\n")
    }
}

/// A zone and its first contents.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    name: String,
    body: String,
    contents: Option<String>,
}

impl Zone {
    /// A primary zone that the server's first key may update. `records` is master-file text with
    /// relative names; without an SOA of its own it gets one (serial 1), an NS and the NS's address.
    pub(crate) fn dynamic(name: &str, records: &str) -> Self {
        Self::with_policy(name, records, "grant {key} zonesub ANY;")
    }

    /// A dynamic zone with another `update-policy`.
    pub(crate) fn with_policy(name: &str, records: &str, policy: &str) -> Self {
        Self::fixed(name, records).option(&format!("update-policy {{ {policy} }};"))
    }

    /// A primary zone configured by hand, that takes no updates.
    pub(crate) fn fixed(name: &str, records: &str) -> Self {
        Self {
            name: name.to_owned(),
            body: "type primary;".to_owned(),
            contents: Some(zone_file(records)),
        }
    }

    /// A dynamic zone that the server signs (`dnssec-policy default`).
    pub(crate) fn signed(name: &str, records: &str, inline: bool) -> Self {
        let inline = if inline { "yes" } else { "no" };
        Self::dynamic(name, records)
            .option(&format!("dnssec-policy default; inline-signing {inline};"))
    }

    /// A zone of any kind, with no zone file: `body` is all that stands between its braces.
    pub(crate) fn raw(name: &str, body: &str) -> Self {
        Self {
            name: name.to_owned(),
            body: body.to_owned(),
            contents: None,
        }
    }

    /// With this in place of all that stands between its braces but the file.
    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// Adds options, such as `check-names ignore;`.
    pub(crate) fn option(mut self, text: &str) -> Self {
        self.body.push(' ');
        self.body.push_str(text);
        self
    }

    /// File name and contents of its zone file, where it has one. `view` keeps two views' files apart.
    pub(super) fn file(&self, view: &str) -> Option<(String, &str)> {
        let contents = self.contents.as_deref()?;
        Some((
            format!("{view}{}.db", self.name.replace('/', "_")),
            contents,
        ))
    }

    fn statement(&self, view: &str) -> String {
        let file = self
            .file(view)
            .map_or_else(String::new, |(file, _)| format!(" file \"{file}\";"));
        format!("zone \"{}\" {{ {}{file} }};\n", self.name, self.body)
    }
}

/// A view and its zones.
#[derive(Debug, Clone)]
pub(crate) struct View {
    name: String,
    options: String,
    zones: Vec<Zone>,
}

impl View {
    /// A view; `options` such as `match-clients { key inside; };`.
    pub(crate) fn new(name: &str, options: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: options.to_owned(),
            zones: Vec::new(),
        }
    }

    /// Adds a zone.
    pub(crate) fn zone(mut self, zone: Zone) -> Self {
        self.zones.push(zone);
        self
    }
}

/// Everything in a `named.conf` that a test can choose, and that does not depend on ports.
#[derive(Debug, Clone, Default)]
pub(super) struct Choices {
    pub(super) zones: Vec<Zone>,
    pub(super) views: Vec<View>,
    pub(super) options: String,
    pub(super) statements: String,
    pub(super) closed_to_new_zones: bool,
}

impl Choices {
    /// The zone files: name and contents.
    pub(super) fn files(&self) -> Vec<(String, &str)> {
        let plain = self.zones.iter().filter_map(|zone| zone.file(""));
        let viewed = self.views.iter().flat_map(|view| {
            let prefix = format!("{}-", view.name);
            view.zones.iter().filter_map(move |zone| zone.file(&prefix))
        });
        plain.chain(viewed).collect()
    }

    /// `options`, zones and views, without what depends on ports (`listen`) and without keys.
    pub(super) fn render(&self, listen: &str) -> String {
        let new_zones = if self.closed_to_new_zones {
            "no"
        } else {
            "yes"
        };
        let mut text = format!(
            "options {{\n\
             directory \"{{dir}}\";\npid-file none;\nsession-keyfile \"{{dir}}/session.key\";\n\
             {listen}\nlisten-on-v6 {{ none; }};\nautomatic-interface-scan no;\n\
             recursion no;\nempty-zones-enable no;\ndnssec-validation no;\nnotify no;\n\
             allow-new-zones {new_zones};\n\
             # Two servers must not share a port unnoticed.\nreuseport no;\n"
        );
        // A new secondary asks its primary at once: the seed way depends on it.
        if !self.options.contains("serial-query-rate") {
            text.push_str("serial-query-rate 1000;\n");
        }
        if !self.options.contains("allow-transfer") {
            text.push_str("allow-transfer { key \"{key}\"; };\n");
        }
        text.push_str(&self.options);
        text.push_str("};\n");
        text.push_str(&self.statements);
        for zone in &self.zones {
            text.push_str(&zone.statement(""));
        }
        for view in &self.views {
            let _ = writeln!(text, "view \"{}\" {{\n{}", view.name, view.options);
            for zone in &view.zones {
                text.push_str(&zone.statement(&format!("{}-", view.name)));
            }
            text.push_str("};\n");
        }
        text
    }
}
