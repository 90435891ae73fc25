//! Froxlor 2.3: `lib/Froxlor/Cron/Dns/Bind.php`, `lib/Froxlor/Dns/DnsZone.php` and `DnsEntry.php` of froxlor/Froxlor.

use std::fmt::Write as _;
use std::fs;

use super::{Reloading, record};
use crate::support::panel::{Panel, dkim};

pub(super) const FROXLOR: Reloading = Reloading {
    panel: "froxlor",
    documented: "/etc/bind/froxlor_bind.conf",
    configuration: "froxlor_bind.conf",
    write,
    records,
};

/// Froxlor removes all files, and writes those of all zones and their list anew. A domain below another one has its
/// records at the end of that one's file.
fn write(panel: &Panel<'_>, zones: &[(&str, &str)]) {
    let _ = fs::remove_dir_all(panel.file("domains"));
    fs::create_dir(panel.file("domains")).expect("a directory of the panel");
    let mut configuration = "# /etc/bind/froxlor_bind.conf\n# Created 30.11.2026 16:00\n# Do NOT manually edit this \
                             file, all changes will be deleted after the next domain change at the panel.\n\n"
        .to_owned();
    for (zone, address) in zones {
        let name = format!("domains/{zone}.zone");
        panel.write(&name, &zone_file(zone, address));
        let _ = write!(
            configuration,
            "# Domain ID: 7 - CustomerID: 3 - CustomerLogin: web3\nzone \"{zone}\" in {{\n\ttype master;\n\
             \tfile \"{}\";\n\tallow-query {{ any; }};\n\tallow-transfer {{\n\t\t192.0.2.53;\n\t\t2001:db8::53;\n\
             \t}};\n}};\n\n",
            panel.file(&name).display()
        );
    }
    panel.write("froxlor_bind.conf", &configuration);
}

fn zone_file(zone: &str, address: &str) -> String {
    // It cuts the value, with the quotation marks, after each 254 octets.
    let dkim = dkim();
    let (first, rest) = dkim.split_at(253);
    format!(
        "$TTL 604800\n$ORIGIN {zone}.\n\
         @\t604800\tIN\tSOA\tns1.example.net. host\\.master.example.net. 2026113000 3600 900 1209600 1200\n\
         @\t604800\tIN\tA\t{address}\n@\t604800\tIN\tAAAA\t2001:db8::10\nwww\t300\tIN\tA\t{address}\n\
         @\t604800\tIN\tNS\tns1.example.net.\n@\t604800\tIN\tNS\tns2.example.net.\n\
         @\t604800\tIN\tMX\t10\tmail.{zone}.\nmail\t604800\tIN\tA\t{address}\n\
         _imaps._tcp\t604800\tIN\tSRV\t0\t1 993 mail.{zone}.\n\
         @\t604800\tIN\tTXT\t\"v=spf1 a mx -all\"\n\
         dkim4._domainkey\t604800\tIN\tTXT\t(\"{first}\"\n\t\t\t\t\"{rest}\")\n\
         @\t604800\tIN\tCAA\t0 issue \"letsencrypt.org\"\n\
         $TTL 604800\n$ORIGIN shop.{zone}.\n@\t604800\tIN\tA\t{address}\n*\t604800\tIN\tA\t{address}\n"
    )
}

fn records(zone: &str, address: &str) -> Vec<String> {
    let dkim = dkim();
    let (first, rest) = dkim.split_at(253);
    let record = |owner: &str, data: &str| record(zone, owner, 604_800, data);
    let mut lines = vec![
        record("@", &format!("A {address}")),
        record("@", "AAAA 2001:db8::10"),
        record("@", "NS ns1.example.net."),
        record("@", "NS ns2.example.net."),
        record("@", &format!("MX 10 mail.{zone}.")),
        record("mail", &format!("A {address}")),
        record("_imaps._tcp", &format!("SRV 0 1 993 mail.{zone}.")),
        record("@", "TXT \"v=spf1 a mx -all\""),
        record("dkim4._domainkey", &format!("TXT \"{first}\" \"{rest}\"")),
        record("@", "CAA 0 issue \"letsencrypt.org\""),
        record("shop", &format!("A {address}")),
        record("*.shop", &format!("A {address}")),
        super::record(zone, "www", 300, &format!("A {address}")),
    ];
    lines.sort_unstable();
    lines
}
