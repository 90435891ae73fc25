//! Zones that come and go: created with every type, by each way, deleted where they are ours.

use std::io::{Read as _, Write};
use std::net::{TcpListener, TcpStream};

use pretty_assertions::assert_eq;

use crate::bridge::Bridge;
use crate::daemon::Release;
use crate::named::{Named, Zone};
use crate::nsupdate::nsupdate;
use crate::server::{Kind, Server as _, scenario};
use crate::wanted::{fresh, zone};
use crate::{dig, payload};

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

const UNCHANGED: &str = "example.com.: unchanged on main (127.0.0.1:PORT)\n";

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
    let placeholder = "$TTL 60\n@ SOA localhost. nobody.invalid. 1 1 1 1 1\n@ NS localhost.\n";
    std::fs::write(named.file("example.com.db"), placeholder).expect("the file is written");
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
fn a_zone_made_by_hand_after_a_refusal_is_not_ours_to_delete() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).rndc(&named, "file");
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(69);
    add_by_hand(&named, "hand A 192.0.2.100\n");
    bridge.plesk(wanted.call()).assert_status(0);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0);
    assert!(
        run.stdout.contains("was not made by nsbridge"),
        "{}",
        run.stdout
    );
    let stays = dig::content(&named, "example.com");
    assert!(
        stays.contains(&"hand.example.com. 60 IN A 192.0.2.100".to_owned()),
        "{stays:?}"
    );
}

/// Makes `example.com`, as a person may do it.
#[track_caller]
fn add_by_hand(named: &Named, records: &str) {
    let start = "$TTL 60\n@ SOA localhost. nobody.invalid. 1 1 1 1 1\n@ NS localhost.\n";
    let file = named.file("example.com.db");
    std::fs::write(file, format!("{start}{records}")).expect("the file is written");
    let options = "{ type primary; file \"example.com.db\"; \
                   update-policy { grant \"plesk\" zonesub ANY; }; };";
    let added = named.rndc(&["addzone", "example.com", options]);
    assert_eq!(added.status, Some(0));
}

#[test]
fn a_broken_zone_of_named_conf_is_not_ours_once_it_is_repaired() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", "hand A nonsense"))
        .start();
    let bridge = Bridge::of(&named).seed(&named).deadline_seconds(2);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(75);
    let file = named.file("example.com.db");
    let broken = std::fs::read_to_string(&file).expect("the zone's file");
    let repaired = broken.replace("nonsense", "192.0.2.100");
    std::fs::write(&file, repaired).expect("the file is written");
    assert_eq!(named.rndc(&["reload", "example.com"]).status, Some(0));
    crate::wait::until("the zone is loaded", || {
        dig::has_zone(&named, "example.com")
    });
    bridge.plesk(wanted.call()).assert_status(0);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0);
    let stays = dig::content(&named, "example.com");
    assert!(
        stays.contains(&"hand.example.com. 3600 IN A 192.0.2.100".to_owned()),
        "{stays:?}"
    );
}

#[test]
fn what_a_primary_put_into_a_zone_goes_also_after_a_kill() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).rndc(&named, "file");
    let placeholder = "$TTL 60\n@ SOA localhost. nobody.invalid. 1 1 1 1 1\n@ NS localhost.\n";
    std::fs::write(named.file("example.com.db"), placeholder).expect("the file is written");
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
    assert!(run.stderr.contains("example.com.db"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn a_server_without_templates_says_what_it_lacks() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).template(&named, "plesk");
    let run = bridge.plesk(zone("example.com", "@ NS ns1.example.net.").call());
    run.assert_status(69).assert_stdout("");
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    assert!(run.stderr.contains("9.21"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn a_server_that_takes_no_new_zones_says_so() {
    let named = Named::builder().closed_to_new_zones().start();
    let bridge = Bridge::of(&named).seed(&named);
    let run = bridge.plesk(zone("example.com", "@ NS ns1.example.net.").call());
    run.assert_status(69).assert_stdout("");
    assert!(run.stderr.contains("allow-new-zones"), "{}", run.stderr);
}

#[test]
fn a_zone_without_name_servers_cannot_be_created() {
    let (named, bridge) = fresh();
    let run = bridge.plesk(zone("example.com", "www A 192.0.2.7").call());
    run.assert_status(69).assert_stdout("");
    assert!(
        run.stderr.contains("without an NS record"),
        "{}",
        run.stderr
    );
    assert_eq!(named.control_commands(), <[&str; 0]>::default());
}

scenario!(without_provisioning_an_absent_zone_is_refused: bind, powerdns, knot, templates);
fn without_provisioning_an_absent_zone_is_refused(kind: Kind) {
    let server = kind.start(&[]);
    Bridge::of(&server)
        .plesk(zone("example.com", "@ NS ns1.example.net.").call())
        .assert_status(69)
        .assert_stdout("")
        .assert_stderr(
            "error: example.com. on main (127.0.0.1:PORT): the zone is not on the primary; hint: \
             create the zone there, or let nsbridge do it: `nsbridge zone create`, with \
             [primaries.….provision] in the configuration\n",
        );
}

#[test]
fn a_zone_made_here_is_deleted_with_its_files() {
    let (named, bridge) = fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    let more = zone("example.com", "@ NS ns1.example.net. | ftp A 192.0.2.7").sent(1);
    bridge.plesk(more.call()).assert_status(0);
    assert!(!zone_files(&named).is_empty());
    let delete = payload::call(&[payload::delete("example.com")]);
    let gone = "example.com.: deleted on main (127.0.0.1:PORT)\n";
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout(gone)
        .assert_stderr("");
    assert!(!dig::has_zone(&named, "example.com"));
    crate::wait::until("named removes the zone's files", || {
        zone_files(&named).is_empty()
    });
    let again = "example.com.: already gone on main (127.0.0.1:PORT)\n";
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout(again)
        .assert_stderr("");
    // Nothing of the first life is left in the second.
    bridge.plesk(wanted.clone().sent(2).call()).assert_status(0);
    wanted.assert_on(&named);
}

/// The files of the server that belong to `example.com`.
fn zone_files(named: &Named) -> Vec<String> {
    let directory = named.file("");
    let entries = std::fs::read_dir(&directory).expect("the server's directory");
    let files = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    files
        .filter(|name| name.starts_with("example.com"))
        .collect()
}

scenario!(a_zone_configured_by_hand_is_emptied_of_what_was_delivered: bind, powerdns, knot, templates);
fn a_zone_configured_by_hand_is_emptied_of_what_was_delivered(kind: Kind) {
    let server = kind.start(&[("example.com", "hand A 192.0.2.100")]);
    let bridge = server.provisioning(Bridge::of(&server));
    let wanted = zone(
        "example.com",
        "@ NS ns9.example.net. | www A 192.0.2.7 | ftp A 192.0.2.8",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    nsupdate(&server, "update add late.example.com 60 A 192.0.2.101");
    let delete = payload::call(&[payload::delete("example.com")]);
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_stdout(
            "example.com.: 2 records removed; the zone was not made by nsbridge, so it stays with \
             its SOA and name servers on main (127.0.0.1:PORT)\n",
        )
        .assert_stderr("");
    let stays = [
        "example.com. 86400 IN NS ns1.example.com.",
        "example.com. 86400 IN NS ns9.example.net.",
        "hand.example.com. 3600 IN A 192.0.2.100",
        "late.example.com. 60 IN A 192.0.2.101",
        "ns1.example.com. 3600 IN A 192.0.2.1",
    ];
    assert_eq!(dig::content(&server, "example.com"), stays);
    let run = bridge.plesk(&delete);
    run.assert_status(0);
    assert!(
        run.stdout.starts_with("example.com.: 0 records removed; "),
        "{}",
        run.stdout
    );
    assert_eq!(dig::content(&server, "example.com"), stays);
    // It was only asked whose the zone is.
    assert_eq!(server.commands_that_change(), [""; 0]);
}

scenario!(a_name_server_that_stays_keeps_its_address: bind, powerdns);
fn a_name_server_that_stays_keeps_its_address(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    // As in Plesk's own template: the name server is in the zone, and so delivered with it.
    let lines = "@ NS ns1.example.com. | ns1 A 192.0.2.1 | www A 192.0.2.7";
    bridge
        .plesk(zone("example.com", lines).call())
        .assert_status(0);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0).assert_stderr("");
    assert!(
        run.stdout.starts_with("example.com.: 1 record removed; "),
        "{}",
        run.stdout
    );
    zone("example.com", "@ NS ns1.example.com. | ns1 A 192.0.2.1").assert_on(&server);
}

scenario!(deleting_a_zone_that_never_was_is_no_fault: bind, powerdns, knot, templates);
fn deleting_a_zone_that_never_was_is_no_fault(kind: Kind) {
    for provisioned in [false, true] {
        let server = kind.start(&[]);
        let mut bridge = Bridge::of(&server);
        if provisioned {
            bridge = server.provisioning(bridge);
        }
        bridge
            .plesk(payload::call(&[payload::delete("example.com")]))
            .assert_status(0)
            .assert_stdout("example.com.: already gone on main (127.0.0.1:PORT)\n")
            .assert_stderr("");
    }
}

scenario!(a_zone_below_one_of_the_primary_is_a_zone_of_its_own: bind, powerdns, knot, templates);
fn a_zone_below_one_of_the_primary_is_a_zone_of_its_own(kind: Kind) {
    let server = kind.start(&[("example.com", "")]);
    let bridge = server.provisioning(Bridge::of(&server));
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
    let wanted = zone(
        "0/25.2.0.192.in-addr.arpa",
        "@ NS ns1.example.net. | 5 PTR www.example.com.",
    );
    if kind == Kind::Bind(Release::Experimental) {
        // The template's `$name.db` is a file in a directory then.
        bridge.plesk(wanted.call()).assert_status(69).assert_error(
            "0/25.2.0.192.in-addr.arpa.",
            "zone `0/25.2.0.192.in-addr.arpa.` on 127.0.0.1:CONTROL: the server could not copy the file \
             that template `made-here` starts from",
            "create the file that `initial-file` names, and let named write where `file` points: a `/` \
             in the zone's name is a directory there",
        );
        std::fs::create_dir(server.file("0")).expect("a directory of the test");
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

#[test]
fn a_zone_that_is_hidden_from_our_key_is_not_taken_for_gone() {
    let hidden = Zone::dynamic("example.com", "").option("allow-query { none; };");
    let named = Named::builder()
        .zone(hidden.option("allow-transfer { none; };"))
        .start();
    let bridge = Bridge::of(&named);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(69)
        .assert_error(
            "example.com.",
            "the primary refuses the zone transfer (REFUSED)",
            "allow the key in named.conf: `allow-transfer { key \"plesk\"; };`; PowerDNS: \
             `TSIG-ALLOW-AXFR` of the zone, which must be a primary one, without NSEC3 in narrow mode; Knot: an `acl` \
             with `action: transfer`",
        );
}
