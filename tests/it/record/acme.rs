//! `nsbridge acme`: TXT values of challenges, on every server, and the programs of `packaging/acme`.

use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::jobs::{assert_empty, edit, jobs};
use crate::support::keys::restrict;
use crate::support::nsupdate::nsupdate;
use crate::support::process::{Running, Said};
use crate::support::server::{Kind, Server as _, Started, scenario};
use crate::support::wait;
use crate::support::wanted::zone;
use crate::support::worker;

pub(super) const OWNER: &str = "_acme-challenge.www.example.com";

#[track_caller]
pub(super) fn acme(bridge: &Bridge, arguments: &str) -> Run {
    let words = arguments.split(' ');
    bridge.run(&["acme"].into_iter().chain(words).collect::<Vec<_>>(), "")
}

/// The values at a name, without quotes.
pub(super) fn values(server: &Started, owner: &str) -> Vec<String> {
    let values = dig::short(server, owner, "TXT");
    values
        .iter()
        .map(|value| value.trim_matches('"').to_owned())
        .collect()
}

scenario!(values_come_and_go_one_by_one);
fn values_come_and_go_one_by_one(kind: Kind) {
    let (server, bridge) = kind.by_hand("_acme-challenge.www 300 TXT \"the\" \"irs\"\n");
    acme(&bridge, "add www.example.com one")
        .assert_status(0)
        .assert_stdout(
            "_acme-challenge.www.example.com.: added in example.com. on main (127.0.0.1:PORT)\n",
        )
        .assert_stderr("");
    acme(&bridge, "add -- *.WWW.example.com. -two").assert_status(0);
    assert_eq!(values(&server, OWNER), ["-two", "one", "the\" \"irs"]);
    let updates = server.updates_received();
    acme(&bridge, "add _acme-challenge.www.example.com one").assert_status(0).assert_stdout(
        "_acme-challenge.www.example.com.: unchanged, there already in example.com. on main (127.0.0.1:PORT)\n",
    );
    acme(&bridge, "delete www.example.com other").assert_status(0).assert_stdout(
        "_acme-challenge.www.example.com.: already gone in example.com. on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(server.updates_received(), updates);
    acme(&bridge, "delete www.example.com one")
        .assert_status(0)
        .assert_stdout(
            "_acme-challenge.www.example.com.: removed in example.com. on main (127.0.0.1:PORT)\n",
        );
    acme(&bridge, "delete www.example.com -two").assert_status(0);
    // It takes only what it added.
    acme(&bridge, "delete www.example.com theirs")
        .assert_status(69)
        .assert_code_with("NB-CHALLENGE-OF-OTHERS", OWNER);
    assert_eq!(values(&server, OWNER), ["the\" \"irs"]);
    assert_empty(&bridge);
}

scenario!(values_that_come_at_the_same_time_all_stand);
fn values_that_come_at_the_same_time_all_stand(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let all: Vec<String> = (10..22).map(|n| format!("v{n}")).collect();
    let at_once = |what: &str| {
        let start = |value: &String| bridge.start(&["acme", what, "www.example.com", value], "");
        let going: Vec<_> = all.iter().map(start).collect();
        for one in going {
            one.finish().assert_status(0).assert_stderr("");
        }
    };
    at_once("add");
    assert_eq!(values(&server, OWNER), all);
    at_once("delete");
    assert_eq!(values(&server, OWNER), <[&str; 0]>::default());
}

/// Knot refuses a question about a name that is in no zone of its own without a signature, as if it did not know the
/// key.
#[track_caller]
fn assert_lacks_zone(kind: Kind, run: &Run) {
    run.assert_code(match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => "NB-ZONE-OF-NAME-ABSENT",
        Kind::Knot(_) => "NB-UNSIGNED-REFUSAL",
    });
}

scenario!(a_challenge_without_a_zone_waits_for_an_hour_and_is_given_up);
fn a_challenge_without_a_zone_waits_for_an_hour_and_is_given_up(kind: Kind) {
    let (_server, bridge) = kind.by_hand("");
    let run = acme(&bridge, "add www.example.net one");
    run.assert_status(75);
    assert_lacks_zone(kind, &run);
    let wait = |seconds: u32| {
        let age = "UPDATE job SET enqueued_at = enqueued_at - ?";
        assert_eq!(edit(&bridge, age, [seconds]), 1);
        bridge.run(&["queue", "retry", "--all"], "")
    };
    wait(3_000).assert_status(75);
    assert_eq!(jobs(&bridge)[0]["state"], "waiting");
    wait(600)
        .assert_status(69)
        .assert_codes(&["NB-CHALLENGE-EXPIRED"]);
    assert_empty(&bridge);
}

// No server is asked.
scenario!(a_challenge_without_a_route_is_given_up_as_one_without_a_zone: law);
fn a_challenge_without_a_route_is_given_up_as_one_without_a_zone(kind: Kind) {
    let server = kind.start(&[("example.com", "")]);
    let bridge = Bridge::of(&server)
        .primary("other", server.port(), "plesk", server.key_file())
        .only_route("example.com", "other");
    let run = acme(&bridge, "delete www.example.net one");
    run.assert_status(75)
        .assert_codes(&["NB-ZONE-OF-NAME-ABSENT"]);
    let age = "UPDATE job SET enqueued_at = enqueued_at - 3600, next_at = 0";
    edit(&bridge, age, []);
    let run = bridge.run(&["serve", "--once"], "");
    run.assert_status(69)
        .assert_codes(&["NB-CHALLENGE-EXPIRED"]);
    assert_empty(&bridge);
}

scenario!(an_alias_is_followed_into_its_zone);
fn an_alias_is_followed_into_its_zone(kind: Kind) {
    let records = "_acme-challenge.www CNAME a.example.com.\na CNAME www.acme.test.\n\
                   *.wild CNAME www.acme.test.\n\
                   *.twin CNAME t.acme.test.\n_acme-challenge.twin CNAME t.acme.test.\n_acme-challenge.away CNAME x.elsewhere.test.\n\
                   _acme-challenge.loop CNAME _acme-challenge.loop2\n_acme-challenge.loop2 CNAME _acme-challenge.loop\n";
    let server = kind.start(&[("example.com", records), ("acme.test", "spf TXT text")]);
    // A customer may have written it.
    let cautious = Bridge::of(&server);
    for verb in ["add", "delete"] {
        acme(&cautious, &format!("{verb} www.example.com one"))
            .assert_status(69)
            .assert_code_with("NB-CHALLENGE-ELSEWHERE", "`www.acme.test.`");
    }
    assert_empty(&cautious);
    let bridge = cautious.set("policy", "challenge-zones", r#"["acme.test"]"#);
    acme(&bridge, "add www.example.com one").assert_status(0).assert_stderr("").assert_stdout(
        "_acme-challenge.www.example.com.: added at www.acme.test. in acme.test. on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(values(&server, "www.acme.test"), ["one"]);
    acme(&bridge, "delete www.example.com one").assert_status(0);
    assert_eq!(values(&server, "www.acme.test"), <[&str; 0]>::default());

    // What a wildcard makes up gives way to a record of the name itself.
    acme(&bridge, "add wild.example.com two")
        .assert_status(0)
        .assert_stdout(
            "_acme-challenge.wild.example.com.: added in example.com. on main (127.0.0.1:PORT)\n",
        );
    assert_eq!(values(&server, "_acme-challenge.wild.example.com"), ["two"]);

    // An alias that says the same as a wildcard stands there all the same.
    acme(&bridge, "add twin.example.com three").assert_status(0);
    assert_eq!(values(&server, "t.acme.test"), ["three"]);

    let away = acme(&bridge, "add away.example.com one");
    away.assert_status(75);
    assert_lacks_zone(kind, &away);
    acme(&bridge, "add loop.example.com one")
        .assert_status(69)
        .assert_code_with(
            "NB-CNAME-CHAIN-TOO-LONG",
            "`_acme-challenge.loop.example.com.`",
        );
}

scenario!(an_alias_may_lead_to_another_primary);
fn an_alias_may_lead_to_another_primary(kind: Kind) {
    let server = kind.start(&[(
        "example.com",
        "_acme-challenge CNAME example.com.acme.test.\n",
    )]);
    let mut other = kind.start(&[("acme.test", "")]);
    let bridge = Bridge::of(&server)
        .primary("acme", other.port(), "other", other.key_file())
        .route("acme.test", "acme")
        .set("policy", "challenge-zones", r#"["acme.test"]"#);
    acme(&bridge, "add example.com one").assert_status(0).assert_stdout(
        "_acme-challenge.example.com.: added at example.com.acme.test. in acme.test. on acme (127.0.0.1:PORT-acme)\n",
    );
    assert_eq!(values(&other, "example.com.acme.test"), ["one"]);
    other.stop();
    // It is the other primary that does not answer: what waits for the first one is delivered all the same.
    let run = acme(&bridge, "add example.com two");
    run.assert_status(75).assert_code_with(
        "NB-CONNECTION-REFUSED",
        ": _acme-challenge.example.com.: `example.com.acme.test.` on acme: ",
    );
    let worker = worker::start(&bridge);
    wait::until("the worker has tried it", || {
        jobs(&bridge)[0]["attempts"].as_u64() >= Some(2)
    });
    let run = worker::stop(worker);
    assert!(
        !run.stderr.contains("main does not answer"),
        "{}",
        run.stderr
    );
}

scenario!(what_is_refused_or_not_reached_is_told_and_kept);
fn what_is_refused_or_not_reached_is_told_and_kept(kind: Kind) {
    let (mut server, bridge) = kind.by_hand("");
    let bridge = bridge.set("policy", "deny-zones", r#"["denied.example.com"]"#);
    let run = acme(&bridge, "add www.denied.example.com one");
    run.assert_status(69).assert_code("NB-ZONE-PROTECTED");
    assert!(run.jobs.is_empty(), "{:?}", run.jobs);
    let run = acme(&bridge, "add www.example.net one");
    run.assert_status(75);
    assert_lacks_zone(kind, &run);
    assert_eq!(run.jobs, ["kept 2"]);
    acme(&bridge, "add www.example.com").assert_status(64);
    acme(&bridge, &format!("add www.example.com {}", "x".repeat(256))).assert_status(64);
    bridge.run(&["queue", "drop", "2"], "").assert_status(0);
    acme(&bridge, "add www.example.com old").assert_status(0);
    server.stop();
    let kept = |words: &str| {
        let run = acme(&bridge, words);
        run.assert_status(75).assert_code("NB-CONNECTION-REFUSED");
        run.jobs.len()
    };
    let one = kept("add www.example.com one") + kept("add --wait www.example.com two");
    // A deletion takes the place of the addition that waits.
    let gone = kept("delete www.example.com one") + kept("delete www.example.com old");
    assert_eq!((one, gone), (2, 2));
    assert_eq!(jobs(&bridge).len(), 3);
    server.restart();
    let worker = worker::start(&bridge);
    wait::until("nothing waits any more", || jobs(&bridge).is_empty());
    worker::stop(worker);
    assert_eq!(values(&server, OWNER), ["two"]);
}

scenario!(a_challenge_is_foreign_to_a_delivery_and_no_policy_keeps_it_out);
fn a_challenge_is_foreign_to_a_delivery_and_no_policy_keeps_it_out(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.set("policy", "keep", r#"["_acme-challenge.*"]"#);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    acme(&bridge, "add www.example.com one").assert_status(0);
    let removing = bridge.foreign_records("remove");
    removing.plesk(wanted.sent(1).call()).assert_status(0);
    assert_eq!(values(&server, OWNER), ["one"]);
    acme(&removing, "delete www.example.com one").assert_status(0);
    assert_eq!(values(&server, OWNER), <[&str; 0]>::default());
}

scenario!(a_server_of_the_command_line_is_enough);
fn a_server_of_the_command_line_is_enough(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let run = |words: &[&str]| bridge.run_directly(&server, &[&["acme"], words].concat());
    run(&["add", "www.example.com", "one"])
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(values(&server, OWNER), ["one"]);
    run(&["delete", "www.example.com", "one"]).assert_status(0);
    assert_eq!(values(&server, OWNER), <[&str; 0]>::default());
}

scenario!(a_value_is_waited_for_until_every_server_has_it);
fn a_value_is_waited_for_until_every_server_has_it(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    // A secondary that nobody tells, so that the test can.
    let (secondary, _) = kind.by_hand("_acme-challenge.www 60 TXT other\n");
    let on = [&server, &secondary]
        .map(|server| format!("--wait-on 127.0.0.1:{}", server.port()))
        .join(" ");
    let waiting =
        |what: &str, seconds: u32| format!("{what} --timeout {seconds} {on} www.example.com one");
    let run = acme(&bridge, &waiting("add", 1));
    run.assert_status(75);
    run.assert_code_with(
        "NB-CHALLENGE-NOT-SEEN",
        &format!("127.0.0.1:{} ", secondary.port()),
    );
    assert_eq!(values(&server, OWNER), ["one"]);

    let told = |what: &str, update: &str, left: &[&str], seen: &str| {
        let arguments = waiting(what, 30);
        let words = ["acme"].into_iter().chain(arguments.split(' '));
        let going = bridge.start(&words.collect::<Vec<_>>(), "");
        wait::until("the primary is changed", || values(&server, OWNER) == left);
        nsupdate(&secondary, update);
        let run = going.finish();
        run.assert_status(0).assert_stderr("");
        let line = format!(
            "_acme-challenge.www.example.com.: {seen} 127.0.0.1:PORT, 127.0.0.1:{}\n",
            secondary.port()
        );
        assert!(run.stdout.ends_with(&line), "{}", run.stdout);
    };
    told(
        "add",
        &format!("update add {OWNER} 60 TXT one"),
        &["one"],
        "seen by",
    );
    told(
        "delete",
        &format!("update delete {OWNER} TXT one"),
        &[],
        "no longer seen by",
    );
    assert_eq!(values(&server, OWNER), <[&str; 0]>::default());
}

scenario!(the_name_servers_of_the_zone_are_those_that_are_waited_for);
fn the_name_servers_of_the_zone_are_those_that_are_waited_for(kind: Kind) {
    let (_server, bridge) = kind.by_hand(
        "$TTL 300\n@ SOA ns1 h 1 1 1 1 1\n@ NS ns1\n@ NS ns2\nns1 A 127.99.0.1\nns2 A 127.99.0.2\n",
    );
    let run = acme(
        &bridge,
        "add --wait --timeout 1 --output json www.example.com one",
    );
    run.assert_status(75);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["results"][0]["result"], "added");
    assert_eq!(
        document["results"][1]["cause"],
        "not seen by all name servers after 1 s: ns1.example.com.: 127.99.0.1:53 refused the connection; \
         ns2.example.com.: 127.99.0.2:53 refused the connection"
    );
}

/// Runs a program of `packaging/acme` as its client does.
#[track_caller]
fn hook(bridge: &Bridge, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let nsbridge = Path::new(env!("CARGO_BIN_EXE_nsbridge"));
    let path = format!("{}:/usr/bin:/bin", nsbridge.parent().unwrap().display());
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging/acme")
        .join(program);
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path);
    command.env("NSBRIDGE_CONFIG", bridge.write_configuration());
    command.envs(variables.iter().copied());
    Running::start(&mut command, b"").finish(wait::PATIENCE)
}

#[test]
fn the_programs_for_acme_clients_add_and_remove_values() {
    let (server, bridge) = Kind::Bind(crate::support::daemon::Release::Installed).by_hand("");
    let options = format!("--wait-on 127.0.0.1:{} --timeout 5", server.port());
    let run = |program: &str, arguments: &[&str], domain: &str, value: &str| {
        let variables = [
            ("NSBRIDGE_ACME_OPTIONS", options.as_str()),
            ("CERTBOT_DOMAIN", domain),
            ("CERTBOT_VALIDATION", value),
        ];
        hook(&bridge, program, arguments, &variables)
    };
    let done = |said: Said| assert_eq!((said.status, said.stderr()), (Some(0), String::new()));
    done(run("certbot-auth", &[], "www.example.com", "-one"));
    done(run(
        "lego",
        &["present", "alias.example.com.", "-two"],
        "",
        "",
    ));
    let chain = [
        "www.example.com",
        "file",
        "-three",
        "www.example.com",
        "file",
        "four",
    ];
    done(run(
        "dehydrated",
        &[&["deploy_challenge"], &chain[..]].concat(),
        "",
        "",
    ));
    assert_eq!(values(&server, OWNER), ["-one", "-three", "four"]);
    assert_eq!(values(&server, "alias.example.com"), ["-two"]);
    done(run("dehydrated", &["startup_hook"], "", ""));
    done(run(
        "dehydrated",
        &[&["clean_challenge"], &chain[..]].concat(),
        "",
        "",
    ));
    done(run(
        "lego",
        &["cleanup", "alias.example.com.", "-two"],
        "",
        "",
    ));
    assert_eq!(values(&server, "alias.example.com"), <[&str; 0]>::default());
    assert_eq!(values(&server, OWNER), ["-one"]);
    done(run("certbot-cleanup", &[], "www.example.com", "-one"));
    assert_eq!(values(&server, OWNER), <[&str; 0]>::default());
    assert_eq!(
        run("certbot-auth", &[], "www.example.net", "one").status,
        Some(75)
    );
    assert_eq!(
        run(
            "dehydrated",
            &["deploy_challenge", "www.example.net", "f", "one"],
            "",
            ""
        )
        .status,
        Some(75)
    );
    assert_eq!(run("lego", &["timeout"], "", "").status, Some(64));
}

#[test]
fn a_zone_of_another_instance_is_left_alone() {
    let (server, bridge) = Kind::Knot(crate::support::daemon::Release::Installed).fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    let other = server.provisioning(Bridge::of(&server)).instance("plesk02");
    acme(&other, "add www.example.com one")
        .assert_status(69)
        .assert_code("NB-RECORD-OF-OTHER");
    std::fs::write(other.file("zone.db"), "$TTL 60\n@ NS ns1.example.net.\n").unwrap();
    let run = other.run(&["sync", "--prune", "example.com", "zone.db"], "");
    run.assert_status(75).assert_code("NB-ZONE-AWAITED");
    wanted.assert_on(&server);
    acme(&bridge, "add www.example.com one").assert_status(0);
    assert_eq!(values(&server, OWNER), ["one"]);
}

scenario!(a_key_an_address_and_a_name_are_taken_in_every_form);
fn a_key_an_address_and_a_name_are_taken_in_every_form(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    // A name with capitals, and blanks and a line break in the secret.
    let statement = std::fs::read_to_string(server.key_file()).expect("a key file");
    let (head, secret) = statement.split_once("secret \"").expect("a secret");
    let head = head.replace("plesk", "Plesk");
    assert!(head.contains("Plesk"), "the key has another name");
    let spelled = format!("{head}secret \" {}\n {}", &secret[..6], &secret[6..]);
    let (file, outer) = (bridge.file("spelled.key"), bridge.file("outer.key"));
    std::fs::write(&file, spelled).expect("a key file");
    restrict(&file);
    let include = format!("include \"{}\";\n", file.display());
    std::fs::write(&outer, include).expect("a key file");
    restrict(&outer);
    let address = format!("127.0.0.1:{}", server.port());
    let outer = outer.to_string_lossy();
    let words = ["acme", "add", "--server", &address, "--key-file", &outer];
    let name = ["_acme-challenge.*.bücher.example.com", "one"];
    bridge
        .run_bare(&[], &[&words[..], &name].concat(), "")
        .assert_status(0)
        .assert_stderr("");
    let owner = "_acme-challenge.xn--bcher-kva.example.com";
    assert_eq!(values(&server, owner), ["one"]);
}
