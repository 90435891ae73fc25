//! Messages on a terminal: what it is about, the cause and the remedy on a line each, and in colour.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::hostile::call;
use crate::support::keys::Key;
use crate::support::ports::Port;
use crate::support::scripted::Scripted;
use crate::support::terminal::Terminal;

/// What a call about a primary that is down writes on a terminal, with the lines that begin with these words.
#[track_caller]
fn written(variables: &[&str], options: &[&str]) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let port = Port::claim();
    let bridge = Bridge::at(port.number(), &key);
    let config = bridge.write_configuration().to_string_lossy().into_owned();
    let payload = bridge.file("payload.json").to_string_lossy().into_owned();
    std::fs::write(&payload, call()).expect("a payload");
    let program = env!("CARGO_BIN_EXE_nsbridge");
    let words = [
        &["env"],
        variables,
        &[program, "--config", &config],
        options,
        &["plesk", &payload],
    ];
    let mut terminal = Terminal::start(&words.concat());
    assert_eq!(terminal.end(), Some(75), "{}", terminal.shown());
    let address = format!("127.0.0.1:{}", port.number());
    // On a busy machine a call takes long enough for a line of progress, which has no end.
    let written = terminal.written();
    let lines = written.split("\r\x1b[K").filter(|part| part.contains('\n'));
    lines
        .collect::<String>()
        .replace('\r', "")
        .replace(&address, "127.0.0.1:PORT")
}

const REST: &str = ": example.com. on main (127.0.0.1:PORT): job 1 kept\n\
    cause: 127.0.0.1:PORT refused the connection\n\
    do: see there: does `ss -ltn` (UDP: `-lun`) have that port?\n";

#[test]
fn an_error_on_a_terminal_has_a_line_each_for_subject_cause_and_remedy() {
    let head = "error[NB-CONNECTION-REFUSED]";
    let in_red = format!("\x1b[1m\x1b[31m{head}\x1b[0m");
    assert_eq!(written(&[], &[]), format!("{in_red}{REST}"));
    assert_eq!(written(&["NO_COLOR=1"], &[]), format!("{head}{REST}"));
    // A terminal that knows no colours.
    assert_eq!(written(&["TERM=dumb"], &[]), format!("{head}{REST}"));
}

#[test]
fn a_log_in_json_stays_one_line_on_a_terminal() {
    let written = written(&[], &["--log-format", "json"]);
    assert_eq!(written.lines().count(), 1, "{written}");
    let message: serde_json::Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(
        (&message["severity"], &message["code"]),
        (&"error".into(), &"NB-CONNECTION-REFUSED".into())
    );
}

/// Else a line of another program could come between its beginning and its text.
#[test]
fn a_line_of_progress_is_one_write() {
    let silent = Scripted::start(|conversation| {
        conversation.read();
        conversation.stall();
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let bridge = Bridge::at(silent.port(), &key).deadline_seconds(4);
    let config = bridge.write_configuration().to_string_lossy().into_owned();
    let [payload, trace] = ["payload.json", "trace"].map(|name| bridge.file(name));
    std::fs::write(&payload, call()).expect("a payload");
    let [payload, trace] = [payload, trace].map(|it| it.to_string_lossy().into_owned());
    let program = env!("CARGO_BIN_EXE_nsbridge");
    let strace = ["strace", "-f", "-o", &trace, "-e", "trace=write"];
    let words = [program, "--config", &config, "plesk", &payload];
    let mut terminal = Terminal::start(&[&strace[..], &words].concat());
    assert_eq!(terminal.end(), Some(75), "{}", terminal.shown());
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let texts = trace
        .lines()
        .filter_map(|line| line.split_once(" write(2, "));
    let starts: Vec<&str> = texts
        .map(|(_, text)| text)
        .filter(|text| text.starts_with(r#""\r\33[K"#))
        .collect();
    let whole = starts.iter().filter(|text| text.contains("0 of 1 done, "));
    // The last one clears the line for the message.
    assert_eq!(whole.count() + 1, starts.len(), "{starts:?}");
    assert!(starts.len() > 2, "{starts:?}");
}
