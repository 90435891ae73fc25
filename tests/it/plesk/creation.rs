//! Zones that are made: with every type of record, by each way, or not, with what keeps them from it.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::named::{Named, View};
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wanted::{fresh, zone};
use crate::support::{dig, payload};

scenario!(a_zone_is_created_with_every_type_of_record: bind, powerdns, knot, templates);
fn a_zone_is_created_with_every_type_of_record(kind: Kind) {
    let (mut server, bridge) = kind.fresh();
    let long = "a".repeat(300);
    let call = payload::call(&[payload::create("example.com", &every_type(&long))]);
    bridge
        .plesk(&call)
        .assert_status(0)
        .assert_stdout("example.com.: created with 25 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    let (first, rest) = long.split_at(255);
    let texts = [
        format!("long.example.com. 86400 IN TXT \"{first}\" \"{rest}\""),
        r#"odd.example.com. 86400 IN TXT "say \"hi\" \\ back\009Gr\195\188\195\159e; ok""#.into(),
    ];
    let mut expected: Vec<&str> = EVERY_LINE.to_vec();
    expected.extend(texts.iter().map(String::as_str));
    let expected = kind.shows(&expected);
    assert_eq!(dig::content(&server, "example.com"), expected);
    let soa = dig::soa(&server, "example.com");
    assert_eq!(soa.ttl, 86_400);
    match kind {
        Kind::Bind(_) | Kind::Knot(_) => assert_eq!(soa.serial, 1_764_000_000),
        // Its API takes an HTTPS record in one spelling only: the zone was filled by an UPDATE, which by
        // default takes the serial to the date and a number.
        Kind::PowerDns(_) => assert!(soa.serial > 1_764_000_000, "{}", soa.serial),
    }
    assert_eq!(
        (&*soa.mname, &*soa.rname),
        (kind.mname("ns1.example.net."), "hostmaster.example.net.")
    );
    assert_eq!(
        (soa.refresh, soa.retry, soa.expire, soa.minimum),
        (10_800, 3_600, 604_800, 10_800)
    );
    bridge
        .plesk(&call)
        .assert_status(0)
        .assert_stdout(UNCHANGED);
    server.restart();
    assert_eq!(dig::content(&server, "example.com"), expected);
    bridge
        .plesk(&call)
        .assert_status(0)
        .assert_stdout(UNCHANGED);
}

pub(crate) const UNCHANGED: &str = "example.com.: unchanged on main (127.0.0.1:PORT)\n";

fn every_type(long: &str) -> Vec<payload::Record<'_>> {
    vec![
        ("example.com.", "NS", "", "ns1.example.net."),
        ("example.com.", "NS", "", "ns2.example.net."),
        ("example.com.", "A", "", "192.0.2.1"),
        ("example.com.", "AAAA", "", "2001:0DB8:0:0:0:0:0:1"),
        ("example.com.", "MX", "0", "mail.example.com."),
        (
            "example.com.",
            "CAA",
            "0 issue",
            "letsencrypt.org; validationmethods=dns-01",
        ),
        (
            "example.com.",
            "HTTPS",
            "1",
            ". alpn=h3,h2 ipv4hint=192.0.2.1",
        ),
        ("example.com.", "TXT", "", "v=spf1 +a -all"),
        ("*.example.com.", "A", "", "192.0.2.9"),
        ("WWW.example.com.", "CNAME", "", "example.com."),
        ("under_score.example.com.", "A", "", "192.0.2.2"),
        ("mail.example.com.", "A", "", "192.0.2.3"),
        (
            "_sip._tcp.example.com.",
            "SRV",
            "10 60 5060",
            "mail.example.com.",
        ),
        (
            "_443._tcp.example.com.",
            "TLSA",
            "3 1 1",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        (
            "_dns.example.com.",
            "SVCB",
            "1",
            "mail.example.com. alpn=dot port=853",
        ),
        ("_dmarc.example.com.", "TXT", "", "v=DMARC1; p=none"),
        ("child.example.com.", "NS", "", "ns.child.example.com."),
        (
            "child.example.com.",
            "DS",
            "41233 13 2",
            "3D68AA66B18080054F5F7274EBA7BB2177579E28338A3814840483747E6A7BD2",
        ),
        ("ns.child.example.com.", "A", "", "192.0.2.4"),
        ("ns.child.example.com.", "AAAA", "", "2001:db8::4"),
        ("ptr.example.com.", "PTR", "", "www.example.com."),
        ("long.example.com.", "TXT", "", long),
        (
            "odd.example.com.",
            "TXT",
            "",
            "say \"hi\" \\ back\tGrüße; ok",
        ),
        ("empty.example.com.", "TXT", "", ""),
    ]
}

/// What dig shows of [`every_type`], but for two texts.
const EVERY_LINE: [&str; 22] = [
    "*.example.com. 86400 IN A 192.0.2.9",
    "_443._tcp.example.com. 86400 IN TLSA 3 1 1 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
    "_dmarc.example.com. 86400 IN TXT \"v=DMARC1; p=none\"",
    "_dns.example.com. 86400 IN SVCB 1 mail.example.com. alpn=\"dot\" port=853",
    "_sip._tcp.example.com. 86400 IN SRV 10 60 5060 mail.example.com.",
    "child.example.com. 86400 IN DS 41233 13 2 3D68AA66B18080054F5F7274EBA7BB2177579E28338A3814840483747E6A7BD2",
    "child.example.com. 86400 IN NS ns.child.example.com.",
    "empty.example.com. 86400 IN TXT \"\"",
    "example.com. 86400 IN A 192.0.2.1",
    "example.com. 86400 IN AAAA 2001:db8::1",
    "example.com. 86400 IN CAA 0 issue \"letsencrypt.org; validationmethods=dns-01\"",
    "example.com. 86400 IN HTTPS 1 . alpn=\"h3,h2\" ipv4hint=192.0.2.1",
    "example.com. 86400 IN MX 0 mail.example.com.",
    "example.com. 86400 IN NS ns1.example.net.",
    "example.com. 86400 IN NS ns2.example.net.",
    "example.com. 86400 IN TXT \"v=spf1 +a -all\"",
    "mail.example.com. 86400 IN A 192.0.2.3",
    "ns.child.example.com. 86400 IN A 192.0.2.4",
    "ns.child.example.com. 86400 IN AAAA 2001:db8::4",
    "ptr.example.com. 86400 IN PTR www.example.com.",
    "under_score.example.com. 86400 IN A 192.0.2.2",
    "WWW.example.com. 86400 IN CNAME example.com.",
];

#[test]
fn a_zone_is_made_of_a_file_that_is_there() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).rndc(&named, "file");
    named.put_zone_file("example.com", "");
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    wanted.assert_on(&named);
    let soa = dig::soa(&named, "example.com");
    assert_eq!((soa.serial, soa.refresh), (1_764_000_000, 10_800));
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stdout(UNCHANGED);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn what_a_primary_put_into_a_zone_goes_also_after_a_kill() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).rndc(&named, "file");
    named.put_zone_file("example.com", "");
    let control = format!("127.0.0.1:{}", losing_second_answer(named.control_port()));
    let deaf = bridge.set_text("primaries.main.provision", "control", &control);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    deaf.plesk(wanted.call()).assert_status(75);
    assert!(dig::has_zone(&named, "example.com"));
    let bridge = deaf.rndc(&named, "file");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&named);
}

/// A way to a control channel on which the answer to the first command behind `null` is lost.
fn losing_second_answer(control_port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("the port").port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        let mut server = TcpStream::connect(("127.0.0.1", control_port))?;
        pass_frame(&mut client, &mut server)?;
        pass_frame(&mut server, &mut client)?;
        pass_frame(&mut client, &mut server)?;
        pass_frame(&mut server, &mut std::io::sink())
    });
    port
}

fn pass_frame(from: &mut TcpStream, to: &mut impl Write) -> std::io::Result<()> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).expect("a small frame")];
    from.read_exact(&mut frame)?;
    to.write_all(&[&length[..], &frame].concat())
}

#[test]
fn a_file_that_is_missing_is_named() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).rndc(&named, "file");
    let run = bridge.plesk(zone("example.com", "@ NS ns1.example.net.").call());
    run.assert_status(69).assert_stdout("");
    run.assert_codes(&["NB-ZONE-FILE-MISSING"])
        .assert_says("`example.com.db`");
}

#[test]
fn a_server_without_templates_says_what_it_lacks() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).template(&named, "plesk");
    let run = bridge.plesk(zone("example.com", "@ NS ns1.example.net.").call());
    run.assert_status(69).assert_stdout("");
    run.assert_codes(&["NB-TEMPLATE-REFUSED"]);
}

#[test]
fn a_server_that_takes_no_new_zones_says_so() {
    let named = Named::builder().closed_to_new_zones().start();
    let bridge = Bridge::of(&named).seed(&named);
    let run = bridge.plesk(zone("example.com", "@ NS ns1.example.net.").call());
    run.assert_status(69).assert_stdout("");
    run.assert_code("NB-NEW-ZONES-OFF");
}

#[test]
fn a_zone_without_name_servers_cannot_be_created() {
    let (named, bridge) = fresh();
    let run = bridge.plesk(zone("example.com", "www A 192.0.2.7").call());
    run.assert_status(69).assert_stdout("");
    run.assert_code("NB-ZONE-WITHOUT-NS");
    assert_eq!(named.control_commands(), <[&str; 0]>::default());
}

scenario!(without_provisioning_an_absent_zone_is_refused: bind, powerdns, knot, templates);
fn without_provisioning_an_absent_zone_is_refused(kind: Kind) {
    let server = kind.start(&[]);
    let (status, code) = match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => (69, "NB-ZONE-ABSENT"),
        // It does not sign that it has no such zone.
        Kind::Knot(_) => (75, "NB-UNSIGNED-REFUSAL"),
    };
    Bridge::of(&server)
        .plesk(zone("example.com", "@ NS ns1.example.net.").call())
        .assert_status(status)
        .assert_stdout("")
        .assert_codes(&[code]);
}

scenario!(a_zone_below_one_of_the_primary_is_a_zone_of_its_own: bind, powerdns, knot, templates);
fn a_zone_below_one_of_the_primary_is_a_zone_of_its_own(kind: Kind) {
    let server = kind.start(&[("example.com", "")]);
    let bridge = server.provisioning(Bridge::of(&server));
    bridge
        .run(&["zone", "adopt", "example.com"], "")
        .assert_status(0);
    let wanted = zone(
        "blog.example.com",
        "@ NS ns1.example.net. | www A 192.0.2.7",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&server);
    assert_eq!(dig::axfr(&server, "example.com").len(), 3);
}

scenario!(a_zone_with_a_slash_in_its_name_comes_and_goes: bind, powerdns, knot, templates);
fn a_zone_with_a_slash_in_its_name_comes_and_goes(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.ptr_networks(&["192.0.2.0/24"]);
    let wanted = zone(
        "0/25.2.0.192.in-addr.arpa",
        "@ NS ns1.example.net. | 5 PTR www.example.com.",
    );
    if kind == Kind::Bind(Release::Experimental) {
        // The template's `$name.db` is a file in a directory then.
        bridge
            .plesk(wanted.call())
            .assert_status(69)
            .assert_error("0/25.2.0.192.in-addr.arpa.", "NB-TEMPLATE-FILE-MISSING");
        fs::create_dir(server.file("0")).expect("a directory of the test");
    }
    bridge.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&server);
    let delete = payload::call(&[payload::delete("0/25.2.0.192.in-addr.arpa")]);
    bridge.plesk(&delete).assert_status(0);
    assert!(!dig::has_zone(&server, "0/25.2.0.192.in-addr.arpa"));
}

scenario!(a_zone_made_by_hand_is_adopted_with_an_equal_record: bind, powerdns, knot, templates);
fn a_zone_made_by_hand_is_adopted_with_an_equal_record(kind: Kind) {
    let (server, bridge) = kind.by_hand("www 3600 A 192.0.2.7");
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www 3600 A 192.0.2.7",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&server);
    // What was desired and there counts as delivered: when Plesk drops it, it goes.
    let fewer = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1",
    )
    .sent(1);
    bridge.plesk(fewer.call()).assert_status(0);
    fewer.assert_on(&server);
}

/// named drops the right of root to pass over permissions.
#[test]
fn a_directory_that_named_must_not_write_is_the_cause_that_is_told() {
    let (named, bridge) = fresh();
    let bridge = bridge.without_dry_run("only a run lets named write");
    let wanted = zone("example.com", "@ NS ns1.example.net.");
    let directory = named.control_key_file().parent().expect("its directory");
    let allow = |mode: u32| {
        fs::set_permissions(directory, Permissions::from_mode(mode)).expect("our own directory");
    };
    allow(0o555);
    let began = Instant::now();
    bridge
        .plesk(wanted.call())
        .assert_status(75)
        .assert_code_with("NB-ZONE-FILE-UNWRITTEN", "example.com.")
        .assert_says("`named-checkconf -p | grep directory`");
    let command = format!(
        "named-checkconf -p {} | grep directory",
        named.file("named.conf").display()
    );
    let shown = Command::new("sh")
        .args(["-c", &command])
        .output()
        .expect("a shell");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains(&*directory.to_string_lossy()), "{shown}");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}");
    allow(0o755);
    bridge.plesk(wanted.call()).assert_status(0);
    // An update writes a journal.
    allow(0o555);
    let more = wanted.with("www A 192.0.2.7");
    bridge
        .plesk(more.call())
        .assert_status(75)
        .assert_code_with("NB-SERVER-FAILURE", "example.com.")
        .assert_says("see named's log: ");
    // Nor does a refused record make the failure one of records.
    let refused = more
        .clone()
        .with("@ NS without.example.com. | b A 192.0.2.8");
    bridge
        .plesk(refused.call())
        .assert_status(75)
        .assert_codes(&["NB-SERVER-FAILURE"]);
    allow(0o755);
    bridge.plesk(more.call()).assert_status(0);
}

/// BIND answers SOA questions about its own empty zones, and transfers none of them.
#[test]
fn a_zone_that_bind_has_built_in_is_made_once_the_line_of_the_message_is_there() {
    let name = "10.in-addr.arpa";
    let start = |options: &str| {
        let options = format!("recursion yes; empty-zones-enable yes; {options}");
        let named = Named::builder().view(View::new("all", &options)).start();
        let bridge = Bridge::of(&named).seed(&named);
        let bridge = bridge.set_text("primaries.main.provision", "view", "all");
        (named, bridge.ptr_networks(&["10.0.0.0/8"]))
    };
    let wanted = zone(name, "@ NS ns1.example.net.");
    let (named, bridge) = start("");
    let by_memory = Bridge::of(&named)
        .set_text("primaries.main", "read", "memory")
        .ptr_networks(&["10.0.0.0/8"]);
    let deletion = payload::call(&[payload::delete(name)]);
    for bridge in [&bridge, &by_memory] {
        bridge
            .plesk(wanted.call())
            .assert_status(69)
            .assert_code_with("NB-BUILT-IN-ZONE", "10.in-addr.arpa.")
            .assert_says("`disable-empty-zone \"10.in-addr.arpa.\";`");
        let run = bridge.run(&["check", name], "");
        run.assert_status(69).assert_code("NB-BUILT-IN-ZONE");
        run.assert_prints("  disable-empty-zone \"10.in-addr.arpa\";");
        // It holds nothing of ours.
        bridge.plesk(&deletion).assert_status(0);
    }
    let (_named, bridge) = start("disable-empty-zone \"10.in-addr.arpa.\";");
    bridge.plesk(wanted.call()).assert_status(0);
}
