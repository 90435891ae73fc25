//! The texts and statuses of nsupdate: what is wrong with a line, an option, a key, a server; all of them
//! compared with what the installed nsupdate says.

use pretty_assertions::assert_eq;

use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_pair::{Pair, ZONE, run_ours, run_theirs};
use crate::support::scripted::Scripted;
use crate::support::server::Server as _;
use crate::support::wait;

#[test]
fn nsupdate_ends_as_the_servers_answers_say() {
    let pair = Pair::start();
    let add = "server 127.0.0.1 {port}\nadd a.example.com 60 A 192.0.2.1\nsend\n";
    let cases: [(&[&str], &str, i32); 15] = [
        // An update that is refused, and one that is not.
        (&[], add, 2),
        (&["-k", "{key}"], add, 0),
        (&["-v", "-k", "{key}"], add, 0),
        (
            &["-k", "{key}"],
            "server 127.0.0.1 {port}\nadd a.closed.test 60 A 192.0.2.1\nsend\n",
            2,
        ),
        (
            &[],
            "server 127.0.0.1 {port}\nzone nowhere.open.test\nadd a.nowhere.open.test 60 A 192.0.2.1\nsend\n",
            2,
        ),
        (
            &[],
            "server 127.0.0.1 {port}\nadd a.elsewhere.example 60 A 192.0.2.1\nsend\n",
            1,
        ),
        // The second of three fails; all are sent.
        (
            &[],
            "server 127.0.0.1 {port}\nadd 1.open.test 60 TXT a\nsend\nnxdomain www.open.test\n\
             add 2.open.test 60 TXT a\nsend\nadd 3.open.test 60 TXT a\nsend\n",
            2,
        ),
        // What is pending at the end is not sent.
        (
            &["-k", "{key}"],
            "server 127.0.0.1 {port}\nadd pending.example.com 60 A 192.0.2.1\n",
            0,
        ),
        (
            &["-k", "{key}"],
            "server 127.0.0.1 {port}\nadd pending.example.com 60 A 192.0.2.1\nquit\nsend\n",
            0,
        ),
        // Blank lines send: nothing, or an empty update where zone and server are known.
        (&["-d"], "server 127.0.0.1 {port}\n\nsend\n", 0),
        (&["-d"], "server 127.0.0.1 {port}\nzone open.test\n\n", 0),
        (
            &["-d"],
            "server 127.0.0.1 {port}\nzone example.com\nsend\nanswer\n",
            2,
        ),
        // A key that the server does not know, and one of another secret.
        (
            &[
                "-y",
                "hmac-sha256:other:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            ],
            add,
            2,
        ),
        (
            &[
                "-y",
                "hmac-sha256:plesk:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            ],
            add,
            2,
        ),
        (
            &[
                "-d",
                "-y",
                "hmac-sha256:plesk:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            ],
            add,
            2,
        ),
    ];
    for (arguments, script, status) in cases {
        let said = pair.same(arguments, script);
        assert_eq!(
            said.status,
            Some(status),
            "{arguments:?}\n{script}{}",
            said.stderr()
        );
    }
    assert!(dig::short(pair.ours(), "pending.example.com", "A").is_empty());
}

#[test]
fn nsupdate_finds_zone_and_server_as_the_original_does() {
    let pair = Pair::start();
    // An alias, a name below one, a DS record at and below the apex, and names far below the zone.
    for name in [
        "alias.example.com",
        "x.alias.example.com",
        "a.b.c.d.example.com",
        "EXAMPLE.com",
    ] {
        let script = format!("server 127.0.0.1 {{port}}\nadd {name} 60 TXT a\nsend\n");
        pair.same(&["-k", "{key}", "-d"], &script);
    }
    let ds = "60 DS 1 8 1 0000000000000000000000000000000000000000\nsend\n";
    for name in ["example.com", "sub.example.com"] {
        let script = format!("server 127.0.0.1 {{port}}\nadd {name} {ds}");
        pair.same(&["-k", "{key}"], &script);
    }
    // From resolv.conf: the primary's name has no address here.
    std::fs::write(pair.ours().file("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
    let said = run_ours(
        pair.ours(),
        &["-C", "{dir}/resolv.conf", "-p", "{port}"],
        "add a.open.test 60 TXT a\nsend\nadd b.open.test 60 TXT a\nsend\n",
    );
    let text = "couldn't get address for 'ns1.open.test': not found\n";
    assert_eq!((said.status, said.stderr()), (Some(2), text.repeat(2)));
    // To this machine only.
    pair.same(
        &["-l", "-k", "{key}", "-p", "{port}"],
        "add l.example.com 60 TXT a\nsend\nserver 127.0.0.1\n",
    );
    pair.same(&["-l", "-k", "{dir}/none", "-p", "{port}"], "");
}

#[test]
fn nsupdate_goes_to_the_next_server_and_says_so() {
    let named = Named::builder().zone(Zone::dynamic(ZONE, "")).start();
    let silent =
        "server 192.0.2.1 {port}\nzone example.com\nadd a.example.com 60 A 192.0.2.1\nsend\n";
    let closed =
        "server 127.0.0.2 {port}\nzone example.com\nadd a.example.com 60 A 192.0.2.1\nsend\n";
    for script in [silent, closed] {
        let ours = run_ours(&named, &["-u", "1", "-r", "0", "-t", "2"], script);
        let theirs = run_theirs(&named, &["-u", "1", "-r", "0", "-t", "2"], script);
        assert_eq!(ours.stderr(), theirs.stderr());
        assert_eq!(ours.status, Some(2));
    }
    let started = std::time::Instant::now();
    let ours = run_ours(&named, &["-u", "1", "-r", "2"], silent);
    let waited = started.elapsed().as_secs_f32();
    if ours.stderr().contains("timed out") {
        assert!((3.0..4.0).contains(&waited), "{waited}");
    }
}

#[test]
fn nsupdate_takes_the_answer_of_a_primary_by_way_of_a_secondary() {
    let key = Key::new("plesk");
    let primary = Named::builder()
        .key(key.clone())
        .zone(Zone::dynamic(ZONE, ""))
        .start();
    // It asks the primary under an id of its own, which the answer's signature covers (RFC 2136 section 6).
    let forwards = format!(
        "type secondary; file \"copy.db\"; primaries {{ 127.0.0.1 port {} key plesk; }}; \
         allow-update-forwarding {{ any; }};",
        primary.port()
    );
    let secondary = Named::builder()
        .key(key)
        .zone(Zone::raw(ZONE, &forwards))
        .start();
    wait::until("the secondary has the zone", || {
        !dig::short(&secondary, ZONE, "SOA").is_empty()
    });
    let script = "server 127.0.0.1 {port}\nzone example.com\nadd a.example.com 60 TXT a\nsend\n";
    for arguments in [&["-k", "{key}"][..], &["-v", "-k", "{key}"]] {
        let said = run_ours(&secondary, arguments, script);
        assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    }
    assert_eq!(dig::short(&primary, "a.example.com", "TXT"), ["\"a\""]);
}

#[test]
fn nsupdate_takes_no_answer_of_another_kind() {
    let named = Named::builder().zone(Zone::dynamic(ZONE, "")).start();
    // An answer with the opcode of a query, and octets that are no message.
    let peer = Scripted::start(|conversation| {
        let mut message = conversation.read().expect("a message");
        message[2] = 0x80;
        message.truncate(12);
        message[4..12].fill(0);
        conversation.write(&message);
        conversation.stall();
    });
    let script = format!(
        "server 127.0.0.1 {}\nzone example.com\nadd a.example.com 60 A 192.0.2.1\nsend\n",
        peer.port()
    );
    let said = run_ours(&named, &["-v", "-t", "10"], &script);
    let text = "invalid OPCODE in response to UPDATE request\n";
    assert_eq!((said.status, said.stderr().as_str()), (Some(1), text));
}

#[test]
fn nsupdate_says_what_is_wrong_with_options_and_keys() {
    let named = Named::builder().zone(Zone::dynamic(ZONE, "")).start();
    let same: [&[&str]; 19] = [
        &["-h"],
        &["-Z"],
        &["-dp"],
        &["-4", "-6"],
        &["-p", "x"],
        &["-p", "70000"],
        &["-t", "x"],
        &["-u", "x"],
        &["-r", "x"],
        &["-L", "x"],
        &["-R", "x"],
        &["-k", "x", "-y", "a:b"],
        &["-g", "-k", "x"],
        &["-y", "foo"],
        &["-y", ":foo"],
        &["-y", "sha:foo:abcd"],
        &["/nonexistent"],
        &["-T"],
        &["-PT"],
    ];
    for arguments in same {
        let (ours, theirs) = (
            run_ours(&named, arguments, ""),
            run_theirs(&named, arguments, ""),
        );
        assert_eq!(
            (ours.status, ours.stdout(), ours.stderr()),
            (theirs.status, theirs.stdout(), theirs.stderr()),
            "{arguments:?}"
        );
    }
    // The one thing that differs on purpose: nsupdate would go on unsigned.
    let script = "server 127.0.0.1 {port}\nzone open.test\nadd a.open.test 60 A 192.0.2.1\nsend\n";
    for (key, text) in [
        ("{dir}/none", "file not found"),
        ("/etc/hosts", "unexpected token"),
        ("/", "invalid file"),
    ] {
        let said = run_ours(&named, &["-k", key], script);
        assert_eq!(said.status, Some(1));
        assert!(
            said.stderr()
                .ends_with(&format!(".{{private,key}}: {text}\n")),
            "{}",
            said.stderr()
        );
    }
    let secret = run_ours(&named, &["-y", "foo:secret!"], script);
    let text = "could not create key from foo: bad base64 encoding\n";
    assert_eq!((secret.status, secret.stderr().as_str()), (Some(1), text));
    for arguments in [&["-g"][..], &["-o"]] {
        let said = run_ours(&named, arguments, script);
        assert_eq!(said.status, Some(1));
        assert!(
            said.stderr().contains("not linked with GSS API"),
            "{}",
            said.stderr()
        );
    }
}

#[test]
fn nsupdate_reads_lines_as_the_original_does() {
    let pair = Pair::start();
    // BIND's own `commandlist`: each command alone, with and without a blank after it.
    for command in include_str!("lines.txt").lines() {
        pair.same_but_zone(&[], command);
        pair.same_but_zone(&[], &format!("{command} \nshow\n"));
    }
    // A person, or `-i`, may write another line; a script may not.
    pair.same_but_zone(&["-i"], "foo\nadd a\nzone open.test\nshow\n");
    pair.same_but_zone(&[], "foo\nshow\n");
    pair.same_but_zone(
        &[],
        "; a comment\n\n   \n\tzone open.test\r\nshow\nsend now",
    );
}

#[test]
fn nsupdate_sends_a_script_of_thousands_as_one_message() {
    let pair = Pair::start();
    let mut script = "server 127.0.0.1 {port}\nzone example.com\n".to_owned();
    for index in 0..2001 {
        let (third, fourth) = (index / 256, index % 256);
        let line = format!("update add host{index}.example.com 3600 IN A 10.0.{third}.{fourth}\n");
        script.push_str(&line);
    }
    script.push_str("send\n");
    assert_eq!(pair.same(&["-k", "{key}"], &script).status, Some(0));
    assert_eq!(dig::content(pair.ours(), ZONE).len(), 2001 + 4);
    let mut long = "server 127.0.0.1 {port}\nzone open.test\n".to_owned();
    for index in 0..300 {
        let line = format!("add t{index}.open.test 60 TXT \"{}\"\n", "x".repeat(250));
        long.push_str(&line);
    }
    let said = run_ours(pair.ours(), &[], &(long + "send\n"));
    let text = "dns_request_create: ran out of space\n";
    assert_eq!((said.status, said.stderr().as_str()), (Some(1), text));
}

#[test]
fn nsupdate_bears_closed_streams_and_long_lines() {
    let pair = Pair::start();
    let file = pair.ours().key_file().with_file_name("lines.txt");
    let blanks = " ".repeat(140_000);
    let script = format!(
        "server 127.0.0.1 {}\nshow\nfoo{blanks}\n",
        pair.ours().port()
    );
    std::fs::write(&file, script).unwrap();
    let program = env!("CARGO_BIN_EXE_nsbridge");
    let line = format!("{program} nsupdate {} >&- 2>&-", file.display());
    let closed = crate::support::process::run("sh", &["-c", &line], b"");
    assert_eq!(closed.status, Some(1));
    // A line that is longer than the original's room for one is two lines there, too.
    let long = format!("zone open.test{blanks}add a.open.test 60 TXT a\nshow\n");
    pair.same_but_zone(&[], &long);
}
