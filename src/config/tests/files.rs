//! Tests of files that cannot be read: each cause has a code, and a hint that works when pasted.

use pretty_assertions::assert_eq;

use super::*;
use crate::diagnostic::Diagnostic;

/// Runs the first command of a hint. Returns what it prints.
fn run_hint(diagnostic: &Diagnostic) -> String {
    let hint = diagnostic.hint().unwrap();
    let command = hint.split('`').nth(1).unwrap();
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&printed).into_owned()
}

impl Etc {
    /// Returns the diagnostic of a key file, after `prepare` was run in a directory whose name must be quoted.
    fn of_key_file(&self, prepare: &str, file: &str) -> Diagnostic {
        let directory = self.path("it's here");
        fs::create_dir_all(&directory).unwrap();
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", prepare]).current_dir(&directory);
        assert!(shell.status().unwrap().success(), "{prepare}");
        let text = SMALLEST.replace("plesk.key", &format!("it's here/{file}"));
        self.parse(&text).unwrap_err().diagnostic()
    }
}

#[test]
fn a_missing_key_file_is_made_by_the_command() {
    let etc = Etc::new();
    for file in ["new.key", "sub directory/new.key"] {
        let missing = etc.of_key_file("true", file);
        assert_eq!(missing.code(), "NB-KEY-FILE-MISSING");
        assert_eq!(run_hint(&missing), "");
        let text = SMALLEST.replace("plesk.key", &format!("it's here/{file}"));
        let config = etc.parse(&text).unwrap();
        let name = config.primaries["main"].keys[0]
            .name()
            .to_text_without_dot();
        assert_eq!(name, "new");
    }
}

#[test]
fn each_cause_of_an_unreadable_file_has_its_hint() {
    let etc = Etc::new();
    for (prepare, file, code, printed) in [
        (
            "mkdir -p d; touch d/inside",
            "d",
            "NB-FILE-IS-DIRECTORY",
            "inside",
        ),
        ("touch f", "f/key", "NB-FILE-BELOW-FILE", "it's here/f"),
        ("ln -s b a; ln -s a b", "a", "NB-FILE-LINK-LOOP", "b -> a"),
    ] {
        let diagnostic = etc.of_key_file(prepare, file);
        assert_eq!(diagnostic.code(), code);
        let output = run_hint(&diagnostic);
        assert!(output.contains(printed), "{code}: {output}");
    }
    let pipe = etc.of_key_file("mkfifo -m 600 p", "p");
    assert_eq!(pipe.code(), "NB-SECRET-FILE-IRREGULAR");
    let long = etc.of_key_file("umask 077; head -c 300000 /dev/zero > l", "l");
    assert_eq!(long.code(), "NB-SECRET-FILE-TOO-LONG");

    let tls = |lines: &str| {
        let text = smallest_with(&format!("transport = \"tls\"\n{lines}"));
        etc.parse(&text).unwrap_err()
    };
    let missing = tls("tls-ca-file = \"none/ca.pem\"");
    assert!(
        missing.to_string().contains("8:15: `tls-ca-file`: `"),
        "{missing}"
    );
    let missing = missing.diagnostic();
    assert_eq!(missing.code(), "NB-FILE-MISSING");
    assert!(run_hint(&missing).contains("ca.pem"));
    fs::write(etc.path("empty.pem"), "").unwrap();
    let empty = tls("tls-pins = []\ntls-ca-file = \"empty.pem\"");
    assert!(empty.to_string().contains(":9:1: `"), "{empty}");
    assert_eq!(empty.diagnostic().code(), "NB-TLS-FILE-EMPTY");
}

#[test]
fn a_configuration_in_another_encoding_is_converted_by_the_command() {
    let etc = Etc::new();
    let path = etc.path("nsbridge.toml");
    fs::write(&path, [SMALLEST.as_bytes(), b"# f\xfcr\n"].concat()).unwrap();
    let error = Config::load(&path, "host.example")
        .unwrap_err()
        .diagnostic();
    assert_eq!(error.code(), "NB-FILE-NOT-TEXT");
    assert_eq!(run_hint(&error), "");
    Config::load(&etc.path("nsbridge.toml.new"), "host.example").unwrap();
}

/// The names of keys.
fn names(keys: &[crate::wire::Key]) -> Vec<String> {
    keys.iter()
        .map(|key| key.name().to_text_without_dot())
        .collect()
}

#[test]
fn a_key_may_be_a_list_of_keys_in_the_order_of_the_list() {
    let etc = Etc::new();
    let other = "key other { algorithm hmac-sha256; secret \"AAAA\"; };\n";
    etc.write("other.key", other);
    let lines = "transfer-key = [\"other\"]\ncatalog = \"c.example\"\ncatalog-key = [\"plesk\", \"other\"]\n\
                 [keys.other]\nfile = \"other.key\"\n\
                 [primaries.main.provision]\nmethod = \"rndc\"\ncontrol = \"::1\"\n\
                 control-key = [\"other\", \"plesk\"]\n";
    let text = SMALLEST.replace("key = \"plesk\"", "key = [\"other\", \"plesk\"]");
    let config = etc.parse(&format!("{text}{lines}")).unwrap();
    let primary = &config.primaries["main"];
    assert_eq!(names(&primary.keys), ["other", "plesk"]);
    assert_eq!(names(primary.transfer_keys.as_ref().unwrap()), ["other"]);
    assert_eq!(
        names(&primary.catalog.as_ref().unwrap().keys),
        ["plesk", "other"]
    );
    let Some(ProvisionSettings::Rndc(rndc)) = &primary.provision else {
        panic!("the method is rndc");
    };
    assert_eq!(names(&rndc.control_keys), ["other", "plesk"]);
}

#[test]
fn a_list_that_names_no_key_or_one_twice_is_refused() {
    let etc = Etc::new();
    for (list, expected) in [
        (
            "[]",
            "`key` cannot be `[]` hint: allowed is a name under [keys], or names to try in turn",
        ),
        (
            "[\"plesk\", \"pelsk\"]",
            "`key` cannot be `pelsk` hint: write `key = \"plesk\"`",
        ),
        (
            "[\"plesk\", \"plesk\"]",
            "`key` cannot be `plesk` hint: allowed is a key that the list does not name before",
        ),
        (
            "[1]",
            "`key` must be an array of strings, not a whole number",
        ),
        ("1", "`key` must be a string, not a whole number"),
    ] {
        let error = etc.error(&SMALLEST.replace("key = \"plesk\"", &format!("key = {list}")));
        assert!(error.contains(expected), "{list}: {error}");
    }
}
