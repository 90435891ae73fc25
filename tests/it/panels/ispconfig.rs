//! ISPConfig 3.2: `server/plugins-available/bind_plugin.inc.php`, `server/conf/bind_pri.domain.master` and
//! `server/conf/bind_named.conf.local.master` of ISPConfig.

use std::fmt::Write as _;

use super::{Reloading, record};
use crate::support::panel::{Panel, dkim};

pub(super) const ISPCONFIG: Reloading = Reloading {
    panel: "ispconfig",
    documented: "/etc/bind/named.conf.local",
    configuration: "named.conf.local",
    write,
    records,
};

fn write(panel: &Panel<'_>, zones: &[(&str, &str)]) {
    write_with(panel, zones, "");
}

/// Writes the zones, and the list of them with this at the end of the name of each file.
pub(super) fn write_with(panel: &Panel<'_>, zones: &[(&str, &str)], end: &str) {
    let mut configuration = String::new();
    for (zone, address) in zones {
        let name = format!("pri.{zone}");
        panel.write(&name, &zone_file(zone, address));
        let _ = write!(
            configuration,
            "\nzone \"{zone}\" {{\n        type master;\n        allow-transfer {{192.0.2.53;}};\n\
             \x20       also-notify {{192.0.2.53}};\n        file \"{}{end}\";\n}};\n",
            panel.file(&name).display()
        );
    }
    let _ = write!(
        configuration,
        "\n\n\nzone \"elsewhere.example\" {{\n        type slave;\n        masters {{192.0.2.53;}};\n\
         \x20       allow-transfer {{none;}};\n        file \"/etc/bind/slave/sec.elsewhere.example\";\n}};\n\n"
    );
    panel.write("named.conf.local", &configuration);
}

fn zone_file(zone: &str, address: &str) -> String {
    let dkim = dkim();
    let (first, rest) = dkim.split_at(255);
    let pad = " ".repeat(24);
    format!(
        "$TTL        3600\n@       IN      SOA     ns1.example.net. hostmaster.example.net. (\n\
         {pad}2026113001       ; serial, todays date + todays serial #\n{pad}7200              ; refresh, seconds\n\
         {pad}540              ; retry, seconds\n{pad}604800              ; expire, seconds\n\
         {pad}3600 )            ; minimum, seconds\n;\n\n\n\n\
         {zone}. 3600      NS         ns1.example.net.\n\n{zone}. 3600      NS         ns2.example.net.\n\n\n\
         {zone}. 3600      A          {address}\n\nwww 300      A          {address}\n\n\
         mail       A          {address}\n\n@ 3600      MX     10  mail.{zone}.\n\n\
         _imaps._tcp 3600      SRV    0 1 993 mail.{zone}.\n\n\
         {zone}. 3600      TXT        \"v=spf1 mx a ~all\"\n\n\
         default._domainkey.{zone}. 3600      TXT        \"{first}\" \"{rest}\"\n\n\
         {zone}. 3600      CAA        0 issue \"letsencrypt.org\"\n\n"
    )
}

pub(super) fn records(zone: &str, address: &str) -> Vec<String> {
    let dkim = dkim();
    let (first, rest) = dkim.split_at(255);
    let record = |owner: &str, data: &str| record(zone, owner, 3600, data);
    let mut lines = vec![
        record("@", "NS ns1.example.net."),
        record("@", "NS ns2.example.net."),
        record("@", &format!("A {address}")),
        super::record(zone, "www", 300, &format!("A {address}")),
        record("mail", &format!("A {address}")),
        record("@", &format!("MX 10 mail.{zone}.")),
        record("_imaps._tcp", &format!("SRV 0 1 993 mail.{zone}.")),
        record("@", "TXT \"v=spf1 mx a ~all\""),
        record("default._domainkey", &format!("TXT \"{first}\" \"{rest}\"")),
        record("@", "CAA 0 issue \"letsencrypt.org\""),
    ];
    lines.sort_unstable();
    lines
}
