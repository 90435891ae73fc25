//! HestiaCP 1.10: `update_domain_zone` in `func/domain.sh` and `rebuild_dns_domain_conf` in `func/rebuild.sh` of
//! hestiacp/hestiacp.

use std::fmt::Write as _;
use std::fs;

use super::{Reloading, record};
use crate::support::panel::{Panel, dkim};

pub(super) const HESTIACP: Reloading = Reloading {
    panel: "hestiacp",
    documented: "/etc/bind/named.conf",
    configuration: "named.conf",
    write,
    records,
};

/// The configuration of Debian, to which HestiaCP adds a line for each zone. Each user has a directory of zones.
fn write(panel: &Panel<'_>, zones: &[(&str, &str)]) {
    let place = |name: &str| panel.file(name).display().to_string();
    let mut configuration = format!(
        "// This is the primary configuration file for the BIND DNS server named.\n\n\
         include \"{}\";\ninclude \"{}\";\n\n",
        place("named.conf.options"),
        place("named.conf.default-zones"),
    );
    let options = "options {\n\tdirectory \"/var/cache/bind\";\n\tallow-recursion { 127.0.0.1; ::1; };\n\
                   \tdnssec-validation auto;\n\tauth-nxdomain no; # conform to RFC1035\n};\n";
    panel.write("named.conf.options", options);
    let default = "zone \".\" {\n\ttype hint;\n\tfile \"/usr/share/dns/root.hints\";\n};\n\
                   zone \"localhost\" {\n\ttype master;\n\tfile \"/etc/bind/db.local\";\n};\n\
                   zone \"127.in-addr.arpa\" {\n\ttype master;\n\tfile \"/etc/bind/db.127\";\n};\n";
    panel.write("named.conf.default-zones", default);
    fs::create_dir_all(panel.file("alice/conf/dns")).expect("a directory of the panel");
    for old in fs::read_dir(panel.file("alice/conf/dns")).expect("a directory") {
        fs::remove_file(old.expect("a file").path()).expect("a file");
    }
    for (zone, address) in zones {
        let name = format!("alice/conf/dns/{zone}.db");
        panel.write(&name, &zone_file(zone, address));
        let _ = writeln!(
            configuration,
            "zone \"{zone}\" {{type master; file \"{}\";}};",
            place(&name)
        );
    }
    let slave = place("alice/conf/dns/elsewhere.example.db");
    let _ = writeln!(
        configuration,
        "zone \"elsewhere.example\" in {{type slave; masters {{ 192.0.2.53; }}; file \"{slave}\";}};"
    );
    panel.write("named.conf", &configuration);
}

fn zone_file(zone: &str, address: &str) -> String {
    // `fold -w 255` and `xargs` put no blank between the pieces.
    let dkim = dkim();
    let (first, rest) = dkim.split_at(255);
    let pad = " ".repeat(44);
    format!(
        "$TTL 14400\n@    IN    SOA    ns1.example.net.    root.{zone}. (\n{pad}3000000007\n{pad}14400\n{pad}3600\n\
         {pad}1209600\n{pad}3600 )\n\n\
         @\t14400\tIN\tNS\t\tns1.example.net.\n@\t14400\tIN\tNS\t\tns2.example.net.\n\
         @\t14400\tIN\tA\t\t{address}\nwww\t300\tIN\tCNAME\t\t{zone}.\nmail\t14400\tIN\tA\t\t{address}\n\
         @\t14400\tIN\tMX\t0\tmail.{zone}.\n\
         @\t14400\tIN\tTXT\t\t\"v=spf1 a mx ip4:{address} -all\"\n\
         _dmarc\t14400\tIN\tTXT\t\t\"v=DMARC1; p=quarantine; pct=100\"\n\
         _submission._tcp\t14400\tIN\tSRV\t1\t0 587 mail.{zone}.\n\
         mail._domainkey\t14400\tIN\tTXT\t\t\"{first}\"\"{rest}\"\n\
         @\t14400\tIN\tCAA\t\t0 issue \"letsencrypt.org\"\n"
    )
}

fn records(zone: &str, address: &str) -> Vec<String> {
    let dkim = dkim();
    let (first, rest) = dkim.split_at(255);
    let record = |owner: &str, data: &str| record(zone, owner, 14_400, data);
    let mut lines = vec![
        record("@", "NS ns1.example.net."),
        record("@", "NS ns2.example.net."),
        record("@", &format!("A {address}")),
        super::record(zone, "www", 300, &format!("CNAME {zone}.")),
        record("mail", &format!("A {address}")),
        record("@", &format!("MX 0 mail.{zone}.")),
        record("@", &format!("TXT \"v=spf1 a mx ip4:{address} -all\"")),
        record("_dmarc", "TXT \"v=DMARC1; p=quarantine; pct=100\""),
        record("_submission._tcp", &format!("SRV 1 0 587 mail.{zone}.")),
        record("mail._domainkey", &format!("TXT \"{first}\" \"{rest}\"")),
        record("@", "CAA 0 issue \"letsencrypt.org\""),
    ];
    lines.sort_unstable();
    lines
}
