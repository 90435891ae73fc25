//! nsupdate's commands as a person types them.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_pair::ZONE;
use crate::support::process;
use crate::support::server::Server as _;
use crate::support::terminal::Terminal;
use crate::support::wait;

/// Both programs; the original is the first.
const PROGRAMS: [&[&str]; 2] = [&["nsupdate"], OURS];
const OURS: &[&str] = &[env!("CARGO_BIN_EXE_nsbridge"), "nsupdate"];
const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const BACKSPACE: &str = "\x7f";

#[test]
fn nsupdate_has_a_prompt_and_goes_on_after_errors_as_the_original_does() {
    for (last, status) in [("quit\r", 0), ("\x04", 0), ("\x03", 1)] {
        let screens = PROGRAMS.map(|program| {
            let mut terminal = Terminal::start(program);
            terminal.line("foo");
            terminal.line("zone a.test");
            terminal.line("show");
            terminal.wait_for("> ");
            terminal.press(last);
            assert_eq!(terminal.end(), Some(status), "{}", terminal.shown());
            // The original shows which key it was.
            terminal.shown().replace("^D", "").trim_end().to_owned()
        });
        assert_eq!(screens[1], screens[0]);
        assert!(screens[1].starts_with("> foo\nincorrect section name: foo\n> zone"));
    }
    // What is pasted are lines, each of which is read.
    let screens = PROGRAMS.map(|program| {
        let mut terminal = Terminal::start(program);
        terminal.wait_for("> ");
        terminal.press("zone a.test\rfoo\rshow\rquit\r");
        assert_eq!(terminal.end(), Some(0), "{}", terminal.shown());
        terminal.shown().contains(";a.test.\t")
    });
    assert_eq!(screens, [true, true]);
    // Without a terminal nobody sees a prompt.
    for program in PROGRAMS {
        let words = [&program[1..], &["-i"]].concat();
        let said = process::run(program[0], &words, b"foo\nquit\n");
        let text = "incorrect section name: foo\n";
        assert_eq!((said.status, said.stdout().as_str()), (Some(0), ""));
        assert_eq!(said.stderr(), text);
    }
}

#[test]
fn nsupdate_lets_a_person_edit_lines_and_keeps_no_secret_among_them() {
    let key = Key::new("plesk");
    let secret = key.statement().split('"').nth(3).unwrap().to_owned();
    let named = Named::builder()
        .key(key)
        .zone(Zone::dynamic(ZONE, ""))
        .start();
    let mut terminal = Terminal::start(OURS);
    terminal.line(&format!("server 127.0.0.1 {}", named.port()));
    terminal.line("zone example.com");
    terminal.line(&format!(" KEY hmac-sha256:plesk {secret}"));
    // A slip, and one that is seen later.
    terminal.wait_for("> ");
    terminal.press(&format!("add s.example.com 60 TXT x{BACKSPACE}one{LEFT}"));
    terminal.press("\x01"); // to the start of the line
    terminal.press(&format!("{}\x04w\r", "\x06".repeat(4))); // over four letters; away with one
    terminal.line("send");
    // The line before last again, with another name.
    terminal.wait_for("> ");
    terminal.press(UP);
    terminal.wait_for("> send");
    terminal.press(UP);
    terminal.wait_for("> add w.example.com 60 TXT one");
    terminal.press(UP);
    terminal.wait_for("> zone example.com");
    terminal.press(UP);
    terminal.wait_for(&format!("> server 127.0.0.1 {}", named.port()));
    terminal.press("\x0b\x15quit\r"); // away with the line
    assert_eq!(terminal.end(), Some(0), "{}", terminal.shown());
    assert_eq!(dig::short(&named, "w.example.com", "TXT"), ["\"one\""]);
}

#[test]
fn nsupdate_shows_what_becomes_of_a_durable_batch_before_the_next_one_is_typed() {
    let mut named = Named::builder().zone(Zone::dynamic(ZONE, "")).start();
    let bridge = Bridge::of(&named);
    let config = bridge.write_configuration();
    let config = config.to_string_lossy();
    let program = env!("CARGO_BIN_EXE_nsbridge");
    let mut terminal = Terminal::start(&[program, "--config", &config, "nsupdate", "--durable"]);
    let shows = |text: &str, terminal: &Terminal| {
        wait::until(text, || terminal.shown().contains(text));
    };
    terminal.line("add w.example.com 60 TXT one");
    terminal.line("send");
    shows(
        "w.example.com. TXT \"one\": added in example.com. on main",
        &terminal,
    );
    assert_eq!(dig::short(&named, "w.example.com", "TXT"), ["\"one\""]);
    named.stop();
    terminal.line("add w.example.com 60 TXT two");
    terminal.line("send");
    shows("job 2 kept", &terminal);
    named.restart();
    terminal.line("delete w.example.com TXT one");
    terminal.line("send");
    shows("w.example.com. TXT \"one\": removed", &terminal);
    terminal.line("quit");
    assert_eq!(terminal.end(), Some(2), "{}", terminal.shown());
}
