//! The example payloads of `tests/payloads`, each through the program into a server.

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::server::{Kind, Server as _, Started, scenario};
use crate::support::wanted::zone;

const NETWORKS: [&str; 4] = [
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8:51::/48",
];
const V6_HOST: &str = "1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.5.0.0.8.b.d.0.1.0.0.2.ip6.arpa";

/// The name servers of most of the examples.
const NS: &str = "@ NS ns1.dnsfarm.example.";
const TWO_NS: &str = "@ NS ns1.dnsfarm.example. | @ NS ns2.dnsfarm.example.";

/// A server without zones, to which these files were delivered, and how the last one went.
#[track_caller]
fn deliver(kind: Kind, files: &[&str]) -> (Started, Bridge, Run) {
    let server = kind.start(&[]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let runs: Vec<Run> = files.iter().map(|file| bridge.plesk(read(file))).collect();
    let last = runs.into_iter().last().expect("at least one file");
    (server, bridge, last)
}

/// One file that is wrong nowhere, with the zone that it makes.
#[track_caller]
fn assert_makes(kind: Kind, file: &str, name: &str, lines: &str) -> Started {
    let (server, bridge, run) = deliver(kind, &[file]);
    run.assert_status(0).assert_stderr("");
    zone(name, lines).assert_on(&server);
    let updates = server.updates_received();
    bridge.plesk(read(file)).assert_status(0).assert_stderr("");
    assert_eq!(server.updates_received(), updates);
    server
}

/// One file with mistakes, with the zone that it makes all the same and the places of the mistakes.
#[track_caller]
fn assert_makes_without(kind: Kind, file: &str, left_out: &[&str], name: &str, lines: &str) {
    let (server, _, run) = deliver(kind, &[file]);
    run.assert_status(65);
    zone(name, lines).assert_on(&server);
    let named = run.stderr.lines().map(|line| {
        let before = line.split(" left out: ").next().unwrap_or(line);
        before.rsplit(": ").next().unwrap_or(before)
    });
    assert_eq!(named.collect::<Vec<_>>(), left_out, "{}", run.stderr);
}

#[track_caller]
fn read(file: &str) -> String {
    let path = format!("{}/tests/payloads/{file}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

scenario!(example_01_creates_a_zone);
fn example_01_creates_a_zone(kind: Kind) {
    let lines = format!(
        "{TWO_NS} | @ A 192.0.2.40 | www CNAME harbor.example. | mail A 192.0.2.40 \
         | @ MX 10 mail.harbor.example. | @ TXT v=spf1 +a +mx -all"
    );
    let server = assert_makes(kind, "01-create-basic", "harbor.example", &lines);
    let soa = dig::soa(&server, "harbor.example");
    assert_eq!(
        (&*soa.mname, &*soa.rname),
        (
            kind.mname("ns1.dnsfarm.example."),
            "dns-team.ops.example.net."
        )
    );
    assert_eq!(soa.serial, 1_764_000_001);
}

const ORCHARD: &str = "@ NS ns1.dnsfarm.example. | @ NS ns2.dnsfarm.example. | @ A 198.51.100.21 \
    | @ AAAA 2001:db8:51::21 | www CNAME orchard.example. | mail A 198.51.100.21 \
    | @ MX 10 mail.orchard.example. | @ TXT v=spf1 +a +mx -all | ipv4 A 198.51.100.21 \
    | ipv6 AAAA 2001:db8:51::21 | webmail A 198.51.100.21 | ftp CNAME orchard.example. \
    | _dmarc TXT v=DMARC1; p=quarantine; adkim=s; aspf=s";

scenario!(example_02_fills_a_zone_and_points_back_to_it);
fn example_02_fills_a_zone_and_points_back_to_it(kind: Kind) {
    let server = assert_makes(
        kind,
        "02-update-full-plus-createPTRs",
        "orchard.example",
        ORCHARD,
    );
    assert_eq!(
        dig::short(&server, "21.100.51.198.in-addr.arpa", "PTR"),
        ["orchard.example."]
    );
    assert_eq!(dig::short(&server, V6_HOST, "PTR"), ["orchard.example."]);
}

scenario!(example_03_deletes_the_zone_of_example_01);
fn example_03_deletes_the_zone_of_example_01(kind: Kind) {
    let (server, _, run) = deliver(kind, &["01-create-basic", "03-delete-minimal"]);
    let said = "harbor.example.: deleted on main (127.0.0.1:PORT)\n";
    run.assert_status(0).assert_stderr("").assert_stdout(said);
    assert!(!dig::has_zone(&server, "harbor.example"));
}

scenario!(example_04_removes_the_ptrs_of_example_02);
fn example_04_removes_the_ptrs_of_example_02(kind: Kind) {
    let (server, _, run) = deliver(kind, &["02-update-full-plus-createPTRs", "04-deletePTRs"]);
    run.assert_status(0).assert_stderr("");
    assert_eq!(
        dig::status(&server, "21.100.51.198.in-addr.arpa", "PTR"),
        "NXDOMAIN"
    );
    assert_eq!(dig::status(&server, V6_HOST, "PTR"), "NXDOMAIN");
    zone("orchard.example", ORCHARD).assert_on(&server);
}

scenario!(example_06_fills_an_international_zone);
fn example_06_fills_an_international_zone(kind: Kind) {
    let lines = format!(
        "{NS} | @ A 203.0.113.9 | www CNAME xn--bcherwurm-q9a.example. | xn--lden-loa A 203.0.113.10 \
         | xn--kstchen-5wa CNAME www.xn--bcherwurm-q9a.example. \
         | @ MX 10 mail.xn--bcherwurm-q9a.example. \
         | @ TXT Buchladen: Gr\\195\\188\\195\\159e aus K\\195\\182ln"
    );
    let server = assert_makes(kind, "06-idn-zone", "xn--bcherwurm-q9a.example", &lines);
    assert_eq!(
        dig::soa(&server, "xn--bcherwurm-q9a.example").rname,
        "post.xn--bcherwurm-q9a.example."
    );
    assert_eq!(
        dig::short(&server, "9.113.0.203.in-addr.arpa", "PTR"),
        ["xn--bcherwurm-q9a.example."]
    );
}

scenario!(example_07_gives_each_set_one_ttl);
fn example_07_gives_each_set_one_ttl(kind: Kind) {
    assert_makes(
        kind,
        "07-per-record-ttl-mixed",
        "quickturn.example",
        "@ 172800 NS ns1.dnsfarm.example. | @ 300 A 192.0.2.50 | @ 300 A 192.0.2.51 \
         | slow 3600 A 192.0.2.52 | inherit 3600 A 192.0.2.53 | split 60 A 192.0.2.54 \
         | split 60 A 192.0.2.55 | zero 0 A 192.0.2.56 | blank 3600 A 192.0.2.57",
    );
}

scenario!(example_09_has_wildcards);
fn example_09_has_wildcards(kind: Kind) {
    let lines = format!(
        "{NS} | * A 192.0.2.60 | * AAAA 2001:db8:60::1 | *.dev CNAME lab.canopy.example. \
         | lab A 192.0.2.61 | * MX 20 mx.relay.example. | * TXT catch all"
    );
    let server = assert_makes(kind, "09-wildcard", "canopy.example", &lines);
    assert_eq!(
        dig::short(&server, "anything.canopy.example", "A"),
        ["192.0.2.60"]
    );
}

scenario!(example_10_has_services);
fn example_10_has_services(kind: Kind) {
    let lines = format!(
        "{NS} | _sip._tcp SRV 10 60 5060 pbx1.dialtone.example. \
         | _sip._tcp SRV 20 0 5060 pbx2.dialtone.example. \
         | _autodiscover._tcp SRV 0 0 443 outlook.relay.example. | _imap._tcp SRV 0 0 0 . \
         | _caldavs._tcp SRV 5 5 443 dav.dialtone.example. \
         | _xmpp-server._tcp SRV 5 0 5269 chat.dialtone.example. | pbx1 A 192.0.2.70 \
         | pbx2 A 192.0.2.71 | dav A 192.0.2.72 | chat A 192.0.2.73"
    );
    assert_makes(kind, "10-srv", "dialtone.example", &lines);
}

scenario!(example_11_names_certificate_authorities);
fn example_11_names_certificate_authorities(kind: Kind) {
    let lines = format!(
        "{NS} | @ CAA 0 issue letsencrypt.org \
         | @ CAA 128 issue ca.trust.example; validationmethods=dns-01; accounturi=https://ca.trust.example/acct/81 \
         | @ CAA 0 issuewild ; | @ CAA 0 iodef mailto:security@sealed.example \
         | shop CAA 0 issue already-quoted.example | odd CAA 0 issue whole-rdata.example"
    );
    assert_makes(kind, "11-caa", "sealed.example", &lines);
}

// `a_zone_is_created_with_every_type_of_record` sends a TLSA to every server.
scenario!(example_12_loses_one_certificate_only: law);
fn example_12_loses_one_certificate_only(kind: Kind) {
    let digest = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";
    let lines = format!(
        "{NS} | _443._tcp.www TLSA 3 1 1 {digest} | _25._tcp.mx TLSA 2 0 1 {digest} \
         | mx A 192.0.2.80 | www A 192.0.2.81"
    );
    assert_makes_without(
        kind,
        "12-tlsa",
        &["_993._tcp.mx.pinned.example. TLSA"],
        "pinned.example",
        &lines,
    );
}

scenario!(example_13_delegates_a_child_with_its_keys);
fn example_13_delegates_a_child_with_its_keys(kind: Kind) {
    let lines = format!(
        "{NS} | child NS ns1.elsewhere.example. | child NS ns2.child.parent.example. \
         | ns2.child A 203.0.113.53 \
         | child DS 41233 13 2 3D68AA66B18080054F5F7274EBA7BB2177579E28338A3814840483747E6A7BD2 \
         | child DS 41233 13 1 0123456789ABCDEF0123456789ABCDEF01234567"
    );
    assert_makes_without(
        kind,
        "13-ds-child-delegation",
        &["parent.example. DS"],
        "parent.example",
        &lines,
    );
}

scenario!(example_15_binds_services);
fn example_15_binds_services(kind: Kind) {
    let lines = format!(
        "{NS} | @ A 192.0.2.100 | @ HTTPS 1 . alpn=\"h3,h2\" ipv4hint=192.0.2.100 \
         | alt HTTPS 0 pool.edge.example. | quoted HTTPS 1 . alpn=\"h2,h3\" port=8443"
    );
    assert_makes_without(
        kind,
        "15-https-svcb",
        &["bad.fastlane.example. HTTPS"],
        "fastlane.example",
        &lines,
    );
}

// A matter of the reader, as are 18, 26 and 30.
scenario!(example_17_has_numbers_as_strings: law);
fn example_17_has_numbers_as_strings(kind: Kind) {
    assert_makes(
        kind,
        "17-numbers-as-strings",
        "stringly.example",
        "@ 7200 NS ns1.dnsfarm.example. | @ MX 10 mx.stringly.example. \
         | @ MX 20 mx2.stringly.example. | mx A 192.0.2.120 | mx2 A 192.0.2.121",
    );
}

scenario!(example_18_has_types_that_plesk_does_not_manage: law);
fn example_18_has_types_that_plesk_does_not_manage(kind: Kind) {
    let places = [
        "oddbag.example. NAPTR",
        "oddbag.example. SPF",
        "oddbag.example. TYPE65534",
        "oddbag.example. SOA",
        "sub.oddbag.example. DNAME",
        "[1].command",
    ];
    let lines = format!("{NS} | @ A 192.0.2.130 | extra A 192.0.2.131");
    assert_makes_without(
        kind,
        "18-unknown-and-pseudo-types",
        &places,
        "oddbag.example",
        &lines,
    );
}

// Sends nothing; `an_empty_payload_is_refused_or_applied_as_the_policy_says` empties zones of every server.
scenario!(example_19_empties_no_zone: law);
fn example_19_empties_no_zone(kind: Kind) {
    let names = ["hollow.example", "norr.example", "nullrr.example"];
    let server = kind.start(&names.map(|name| (name, "www A 192.0.2.7")));
    let bridge = server
        .provisioning(Bridge::of(&server))
        .foreign_records("remove");
    let run = bridge.plesk(read("19-empty-rr"));
    run.assert_status(69).assert_stdout("");
    assert_eq!(run.stderr.matches("warning: ").count(), 2, "{}", run.stderr);
    assert_eq!(
        run.stderr.matches("error: hollow.example. ").count(),
        1,
        "{}",
        run.stderr
    );
    for name in names {
        assert_eq!(
            dig::short(&server, &format!("www.{name}"), "A"),
            ["192.0.2.7"]
        );
    }
    assert_eq!(server.updates_received(), 0);
}

scenario!(example_23_makes_a_zone_below_a_zone);
fn example_23_makes_a_zone_below_a_zone(kind: Kind) {
    let lines = format!("{NS} | @ A 192.0.2.170 | blog NS ns1.dnsfarm.example.");
    let server = assert_makes(kind, "23-subdomain-own-zone", "family.example", &lines);
    let lines = format!("{NS} | @ A 192.0.2.171 | www CNAME blog.family.example.");
    zone("blog.family.example", &lines).assert_on(&server);
}

scenario!(example_24_renames_a_zone);
fn example_24_renames_a_zone(kind: Kind) {
    let lines = format!(
        "{TWO_NS} | @ A 192.0.2.180 | www CNAME after.example. | mail A 192.0.2.180 \
         | @ MX 10 mail.after.example. | @ TXT v=spf1 +a +mx -all"
    );
    let server = assert_makes(kind, "24-rename-batch", "after.example", &lines);
    assert!(!dig::has_zone(&server, "before.example"));
    assert_eq!(
        dig::short(&server, "180.2.0.192.in-addr.arpa", "PTR"),
        ["after.example."]
    );
}

scenario!(example_26_is_an_object_without_an_array: law);
fn example_26_is_an_object_without_an_array(kind: Kind) {
    assert_makes(
        kind,
        "26-single-object",
        "solo.example",
        &format!("{NS} | @ A 192.0.2.200"),
    );
}

scenario!(example_28_loses_one_exchanger_only);
fn example_28_loses_one_exchanger_only(kind: Kind) {
    let lines = format!(
        "{NS} | @ MX 0 mx0.letterbox.example. | @ MX 0 mx1.letterbox.example. | nomail MX 0 . \
         | mx0 A 192.0.2.220 | mx1 A 192.0.2.221 | mx2 A 192.0.2.222"
    );
    assert_makes_without(
        kind,
        "28-mx-edge",
        &["letterbox.example. MX"],
        "letterbox.example",
        &lines,
    );
}

scenario!(example_30_asks_for_nothing: law);
fn example_30_asks_for_nothing(kind: Kind) {
    let (server, bridge, run) = deliver(kind, &["30-empty-batch"]);
    run.assert_status(0).assert_stdout("").assert_stderr("");
    // Before the question, which some servers are asked over their control channel.
    assert!(!server.log().contains("control channel command"));
    assert_eq!(server.updates_received(), 0);
    assert!(!bridge.file("state/queue.db").exists());
}

#[test]
fn every_example_has_its_test() {
    let here = include_str!("payloads.rs");
    let directory = format!("{}/tests/payloads", env!("CARGO_MANIFEST_DIR"));
    let entries =
        std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
    for file in entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
    {
        let Some(stem) = file.strip_suffix(".json") else {
            continue;
        };
        assert!(
            here.contains(&format!("\"{stem}\"")),
            "no test delivers `{file}`"
        );
    }
}
