//! What `nsbridge nsupdate` does beyond nsupdate, where it is asked to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::jobs::jobs;
use crate::support::keys::Key;
use crate::support::message;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_pair::run_ours;
use crate::support::process::{self, Said};
use crate::support::scripted::Scripted;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wait;

/// Two servers, each with a key of its own, and a configuration that says which has what.
struct Two {
    first: Named,
    second: Named,
    directory: TempDir,
}

impl Two {
    #[track_caller]
    fn start() -> Self {
        let first = Named::builder()
            .key(Key::new("one"))
            .zone(Zone::dynamic("a.test", "www A 192.0.2.1"))
            .zone(Zone::dynamic("sub.a.test", ""))
            .zone(Zone::fixed("closed.test", ""))
            .start();
        let second = Named::builder()
            .key(Key::new("two"))
            .zone(Zone::dynamic("b.test", ""))
            .start();
        let directory = TempDir::with_prefix("nsbridge-own-").expect("a temporary directory");
        let mut toml = "version = 1\n".to_owned();
        for (name, server, suffix) in [("one", &first, "."), ("two", &second, "b.test")] {
            let text = format!(
                "[keys.{name}]\nfile = \"{}\"\n[primaries.{name}]\naddress = \"127.0.0.1:{}\"\n\
                 key = \"{name}\"\n[[routes]]\nsuffix = \"{suffix}\"\nprimary = \"{name}\"\n",
                server.key_file().display(),
                server.port()
            );
            toml.push_str(&text);
        }
        std::fs::write(directory.path().join("nsbridge.toml"), toml).unwrap();
        Self {
            first,
            second,
            directory,
        }
    }

    /// Runs a script with the configuration.
    #[track_caller]
    fn run(&self, options: &[&str], script: &str) -> Said {
        let config = self.directory.path().join("nsbridge.toml");
        let config = config.to_string_lossy();
        let words = ["--config", &*config, "nsupdate", "--split-zones"];
        let program = env!("CARGO_BIN_EXE_nsbridge");
        process::run(program, &[&words[..], options].concat(), script.as_bytes())
    }
}

#[test]
fn nsupdate_splits_a_batch_by_zones_and_takes_each_server_and_key_from_the_configuration() {
    let two = Two::start();
    let script = "add x.a.test 60 TXT 1\nadd x.b.test 60 TXT 2\nadd x.sub.a.test 60 TXT 3\n\
                  add y.a.test 60 TXT 4\ndelete www.a.test\nsend\n";
    let said = two.run(&["--output", "json"], script);
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    let (first, second) = (two.first.port(), two.second.port());
    let line = |zone: &str, port: u16| {
        format!(
            "{{\"line\":6,\"rcode\":\"NOERROR\",\"result\":\"done\",\"server\":\"127.0.0.1:{port}\",\"zone\":\"{zone}.\"}}\n"
        )
    };
    let lines = [
        line("a.test", first),
        line("b.test", second),
        line("sub.a.test", first),
    ];
    assert_eq!(said.stdout(), lines.concat());
    for (server, name, value) in [
        (&two.first, "x.a.test", "\"1\""),
        (&two.second, "x.b.test", "\"2\""),
        (&two.first, "x.sub.a.test", "\"3\""),
        (&two.first, "y.a.test", "\"4\""),
    ] {
        assert_eq!(dig::short(server, name, "TXT"), [value], "{name}");
    }
    assert!(dig::short(&two.first, "www.a.test", "A").is_empty());
    // One message a zone.
    assert_eq!(two.first.updates_received(), 2);
    assert_eq!(two.second.updates_received(), 1);
    // Where the script names zone or server, nothing is left to find; the key stays that of the configuration.
    let said = two.run(&[], "zone b.test\nadd z.b.test 60 TXT 5\nsend\n");
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    assert_eq!(dig::short(&two.second, "z.b.test", "TXT"), ["\"5\""]);
    let script = format!("server 127.0.0.1 {second}\nadd w.b.test 60 TXT 6\nsend\n");
    let said = two.run(&[], &script);
    assert_eq!(
        (said.status, said.stderr().as_str()),
        (Some(2), "update failed: REFUSED\n")
    );
}

#[test]
fn nsupdate_sends_each_part_of_a_split_batch_whatever_becomes_of_the_others() {
    let two = Two::start();
    let script = "add x.closed.test 60 TXT 1\nadd x.b.test 60 TXT 2\nsend\n";
    let said = two.run(&["--output=json", "--line-numbers"], script);
    assert_eq!(said.status, Some(2));
    assert_eq!(said.stderr(), "standard input:3: update failed: REFUSED\n");
    let first = said.stdout().lines().next().map(str::to_owned);
    let port = two.first.port();
    let expected = format!(
        "{{\"cause\":\"update failed: REFUSED\",\"line\":3,\"rcode\":\"REFUSED\",\"result\":\"failed\",\"server\":\"127.0.0.1:{port}\",\"zone\":\"closed.test.\"}}"
    );
    assert_eq!(first, Some(expected));
    assert_eq!(dig::short(&two.second, "x.b.test", "TXT"), ["\"2\""]);
    // Each prerequisite guards the updates of its own zone.
    let script = "nxdomain x.b.test\nyxdomain www.a.test\nadd n.a.test 60 TXT 1\nadd n.b.test 60 TXT 2\nsend\n";
    let said = two.run(&[], script);
    assert_eq!(
        (said.status, said.stderr().as_str()),
        (Some(2), "update failed: YXDOMAIN\n")
    );
    assert_eq!(dig::short(&two.first, "n.a.test", "TXT"), ["\"1\""]);
    assert!(dig::short(&two.second, "n.b.test", "TXT").is_empty());
    // One that would guard nothing, and a name that is in no zone: nothing is sent at all.
    let before = two.first.updates_received();
    let said = two.run(&[], "nxdomain q.b.test\nadd m.a.test 60 TXT 1\nsend\n");
    let text =
        "no update lies in b.test., whose prerequisites guard no other zone; nothing was sent\n";
    assert_eq!((said.status, said.stderr().as_str()), (Some(2), text));
    let said = two.run(
        &["--output=json"],
        "add m.a.test 60 TXT 1\nadd m.c.test 60 TXT 1\nsend\n",
    );
    assert_eq!(said.status, Some(1));
    assert!(
        said.stdout().ends_with("\"result\":\"failed\"}\n"),
        "{}",
        said.stdout()
    );
    assert_eq!(two.first.updates_received(), before);
}

#[test]
fn nsupdate_names_file_and_line_where_it_is_asked_to() {
    let named = Named::builder().zone(Zone::dynamic("a.test", "")).start();
    let file = named.file("script");
    let script = format!(
        "server 127.0.0.1 {}\n\n; nothing\nadd x.a.test 60 TXT 1\nsend\nadd x.a.test x TXT\nsend\n",
        named.port()
    );
    std::fs::write(&file, script).unwrap();
    let said = run_ours(&named, &["--line-numbers", "{dir}/script"], "");
    let at = file.display();
    let text = format!(
        "{at}:5: update failed: REFUSED\n{at}:6: ttl 'x': not a valid number\n{at}:6: syntax error\n"
    );
    assert_eq!((said.status, said.stderr()), (Some(1), text));
    let said = run_ours(&named, &["{dir}/script"], "");
    assert!(said.stderr().starts_with("update failed: REFUSED\nttl 'x'"));
}

#[test]
fn nsupdate_asks_for_the_reasons_of_an_answer_where_it_is_asked_to() {
    let named = Named::builder().zone(Zone::dynamic("a.test", "")).start();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let peer = Scripted::start(move |conversation| {
        while let Some(request) = conversation.read() {
            seen.lock().unwrap().push(request.clone());
            let mut answer = message::answer(&request, 5, &[]);
            // `OPT` with the extended error 18, Prohibited (RFC 8914 section 4.19).
            answer[11] += 1;
            answer.extend([
                0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 8, 0, 15, 0, 4, 0, 18, b'n', b'o',
            ]);
            conversation.write(&answer);
        }
    });
    let script = format!(
        "server 127.0.0.1 {}\nzone a.test\nadd x.a.test 60 TXT 1\nsend\n",
        peer.port()
    );
    let plain = run_ours(&named, &["-v"], &script);
    assert_eq!(plain.stderr(), "update failed: REFUSED\n");
    let asked = run_ours(&named, &["-v", "--ede"], &script);
    let text = "update failed: REFUSED (extended error 18: no)\n";
    assert_eq!((asked.status, asked.stderr().as_str()), (Some(2), text));
    let json = run_ours(&named, &["-v", "--output", "json"], &script);
    let error = "\"extended-error\":{\"code\":18,\"text\":\"no\"}";
    assert!(json.stdout().contains(error), "{}", json.stdout());
    // The message is nsupdate's own unless it has to ask.
    let requests = requests.lock().unwrap();
    let additionals: Vec<u8> = requests.iter().map(|request| request[11]).collect();
    assert_eq!(additionals, [0, 1, 1]);
}

#[test]
fn nsupdate_keeps_what_cannot_be_sent_now_and_delivers_it_later() {
    let mut named = Named::builder()
        .zone(Zone::dynamic(
            "a.test",
            "old 60 TXT gone\nold 60 TXT stays\nalias CNAME old",
        ))
        .start();
    let bridge = Bridge::of(&named);
    let durable = |script: &str| bridge.run(&["nsupdate", "--durable"], script);
    // At once, where that can be done.
    let run = durable(
        "zone a.test\nadd x.a.test 60 TXT one\nadd x.a.test 60 TXT two\nsend\nadd p.a.test 5 A 192.0.2.9\n",
    );
    run.assert_status(0).assert_stderr("").assert_stdout(
        "x.a.test. TXT \"one\": added in a.test. on main (127.0.0.1:PORT)\n\
         x.a.test. TXT \"two\": added in a.test. on main (127.0.0.1:PORT)\n",
    );
    named.stop();
    let run = durable("add y.a.test 60 MX 5 ns1.a.test\nsend\ndelete old.a.test TXT gone\nsend\n");
    run.assert_status(2)
        .assert_code_with("NB-CONNECTION-REFUSED", "y.a.test. MX 5 ns1.a.test.");
    assert_eq!(run.jobs.len(), 2);
    // The newest word on a record counts.
    let run =
        durable("delete y.a.test MX 5 ns1.a.test\nsend\nadd y.a.test 90 MX 5 ns1.a.test\nsend\n");
    // Each `send` says what became of it, so both are told; the second took the place of the first.
    assert_eq!((run.status, run.jobs.len()), (Some(2), 2));
    // The list names records as they are written.
    let waiting = jobs(&bridge);
    let mut subjects: Vec<_> = waiting
        .iter()
        .filter_map(|job| job["subject"].as_str())
        .collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        ["old.a.test. TXT \"gone\"", "y.a.test. MX 5 ns1.a.test."]
    );
    let show = ["queue", "show", "y.a.test. MX 5 ns1.a.test."];
    bridge.run(&show, "").assert_status(0);
    named.restart();
    let retry = bridge.run(&["queue", "retry", "--all"], "");
    retry.assert_status(0);
    assert_eq!(jobs(&bridge), <[serde_json::Value; 0]>::default());
    assert_eq!(dig::short(&named, "y.a.test", "MX"), ["5 ns1.a.test."]);
    assert_eq!(dig::short(&named, "old.a.test", "TXT"), ["\"stays\""]);
    assert!(dig::short(&named, "p.a.test", "A").is_empty());
    // Beside an alias nothing can stand, and it is not followed.
    let run = durable("add alias.a.test 60 TXT x\nsend\n");
    run.assert_status(2).assert_code("NB-CNAME-IN-THE-WAY");
    assert_eq!(run.jobs.len(), 1);
}

#[test]
fn nsupdate_takes_configuration_and_output_of_the_words_before_it_in_either_form() {
    let named = Named::builder().zone(Zone::dynamic("a.test", "")).start();
    let bridge = Bridge::of(&named);
    let config = bridge.write_configuration().to_string_lossy().into_owned();
    let joined = [format!("--config={config}"), "--output=json".to_owned()];
    let apart = ["--config", &config, "--output", "json"].map(str::to_owned);
    for (owner, before) in [("x.a.test", &joined[..]), ("y.a.test", &apart[..])] {
        let before = before.iter().map(String::as_str);
        let words: Vec<&str> = before.chain(["nsupdate", "--durable"]).collect();
        // The directory has no configuration of its own, so the words are what names it.
        let going = bridge.start_bare(&[], &words, format!("add {owner} 60 TXT one\nsend\n"));
        let run = going.finish();
        run.assert_status(0).assert_prints("\"result\":\"added\"");
        assert_eq!(dig::short(&named, owner, "TXT"), ["\"one\""]);
    }
}

#[test]
fn nsupdate_delivers_each_durable_batch_while_the_script_goes_on() {
    let named = Named::builder().zone(Zone::dynamic("a.test", "")).start();
    let bridge = Bridge::of(&named);
    let config = bridge.write_configuration();
    let mut child = Command::new(env!("CARGO_BIN_EXE_nsbridge"))
        .arg("--config")
        .arg(config)
        .args(["nsupdate", "--durable", "--output", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nsbridge starts");
    let mut script = child.stdin.take().expect("a pipe");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.lines() {
            sender.send(line.expect("text")).ok();
        }
    });
    for name in ["x", "y"] {
        writeln!(script, "add {name}.a.test 60 TXT one\nsend").expect("it reads");
        // Nothing more is written until the line is there.
        let line = lines.recv_timeout(wait::PATIENCE).expect("a line");
        assert!(line.contains("\"result\":\"added\""), "{line}");
        assert!(line.contains(&format!("{name}.a.test. TXT")), "{line}");
        let owner = format!("{name}.a.test");
        assert_eq!(dig::short(&named, &owner, "TXT"), ["\"one\""]);
    }
    writeln!(script, "add z.a.test 60 TXT one").expect("it reads");
    drop(script);
    reader.join().expect("the output ends");
    assert!(lines.recv().is_err(), "no more lines");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(dig::short(&named, "z.a.test", "TXT").is_empty());
    // A configuration that cannot be used ends the script at once.
    let broken = Bridge::of(&named).set_text("", "instance", "a b");
    let script = "add x.a.test 60 TXT two\nsend\nadd y.a.test 60 TXT two\nsend\n";
    let run = broken.run(&["nsupdate", "--durable"], script);
    run.assert_status(1)
        .assert_code_with("NB-CONFIG-BAD-VALUE", "`instance`");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

scenario!(a_kept_record_that_is_there_gets_another_ttl);
fn a_kept_record_that_is_there_gets_another_ttl(kind: Kind) {
    let server = kind.start(&[("a.test", "x 60 TXT one\nx 60 TXT two")]);
    let bridge = Bridge::of(&server);
    let durable = || {
        let script = "add x.a.test 90 TXT one\nsend\n";
        bridge.run(&["nsupdate", "--durable"], script)
    };
    for text in ["added", "unchanged, there already"] {
        durable().assert_status(0).assert_stdout(&format!(
            "x.a.test. TXT \"one\": {text} in a.test. on main (127.0.0.1:PORT)\n"
        ));
        let lines = dig::content(&server, "a.test");
        let line = "x.a.test. 90 IN TXT \"one\"".to_owned();
        assert!(lines.contains(&line), "{lines:#?}");
    }
}

#[test]
fn nsupdate_refuses_to_keep_what_would_do_harm_later() {
    let named = Named::builder()
        .zone(Zone::dynamic("a.test", "x 60 TXT one"))
        .start();
    let bridge = Bridge::of(&named);
    let batch = "; nothing of this batch is kept\n";
    let line = "with --durable, server and key are those of the configuration\nsyntax error\n";
    for (script, status, text) in [
        (
            "nxdomain y.a.test\nadd y.a.test 5 TXT x\nsend\n",
            2,
            format!("prerequisites cannot be kept: they guard what happens now{batch}"),
        ),
        (
            "add y.a.test 5 TXT x\ndelete x.a.test TXT\nsend\n",
            2,
            format!(
                "the deletion of all TXT records at x.a.test. cannot be kept: name the data of one{batch}"
            ),
        ),
        (
            "delete x.a.test\nsend\n",
            2,
            format!(
                "the deletion of all records at x.a.test. cannot be kept: name the data of one{batch}"
            ),
        ),
        (
            "add y.a.test 5 CNAME x.a.test\nsend\n",
            2,
            format!("CNAME records cannot be kept{batch}"),
        ),
        (
            "zone b.test\nadd y.a.test 5 TXT x\nsend\n",
            2,
            format!("y.a.test. is not in zone b.test.{batch}"),
        ),
        ("server 127.0.0.1\n", 1, line.to_owned()),
        ("key a Zm9v\n", 1, line.to_owned()),
    ] {
        let run = bridge.run(&["nsupdate", "--durable"], script);
        run.assert_status(status)
            .assert_stderr(&text)
            .assert_stdout("");
    }
    let run = bridge.run(&["nsupdate", "--durable", "-k", "x"], "");
    run.assert_status(1)
        .assert_code_with("NB-USAGE", "`--durable`");
    assert_eq!(named.updates_received(), 0);
    assert!(!bridge.file("state/queue.db").exists());
}
