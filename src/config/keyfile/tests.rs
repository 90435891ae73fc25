//! Tests of valid and invalid key files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;

use super::*;

/// The secret of every key in these tests, and a part of it that no message may contain.
const SECRET: &str = "c2VjcmV0LW9mLXRoZS10ZXN0LWtleS1vbmx5ISEhISE=";
const SECRET_PART: &str = "LXRoZS10";

fn keys(text: &str) -> Result<Vec<Key>, KeyFileError> {
    let text = text.replace("SECRET", SECRET);
    parse(
        &Secret::new(text.into_bytes()),
        Path::new("plesk.key"),
        &open,
    )
}

fn shown(keys: &[Key]) -> Vec<String> {
    let secret = Secret::new(BASE64.decode(SECRET).unwrap());
    let show = |key: &Key| {
        let expected = Key::new(key.name().clone(), key.algorithm(), secret.clone());
        assert_eq!(expected.as_ref(), Ok(key));
        format!("{} {}", key.name(), key.algorithm())
    };
    keys.iter().map(show).collect()
}

#[test]
fn the_output_of_tsig_keygen_is_read() {
    let text = "key \"plesk\" {\n\talgorithm hmac-sha256;\n\tsecret \"SECRET\";\n};\n";
    assert_eq!(shown(&keys(text).unwrap()), ["plesk. hmac-sha256"]);
}

#[test]
fn quotes_comments_order_and_white_space_do_not_matter() {
    let text = "# shell\n// C++\n/* C\n * over lines */key plesk.example{secret SECRET;/**/algorithm \"HMAC-SHA512\";};\
        \tkey \"b\"\n{ algorithm\nhmac-md5.sig-alg.reg.int; # why\n secret \"SECRET\" ; // so\n} ; key c { algorithm hmac-sha256-128; secret SECRET; }; # end";
    assert_eq!(
        shown(&keys(text).unwrap()),
        [
            "plesk.example. hmac-sha512",
            "b. hmac-md5",
            "c. hmac-sha256-128"
        ]
    );
}

#[test]
fn a_secret_may_have_blanks_and_line_breaks_and_a_name_is_in_lower_case() {
    let (start, end) = SECRET.split_at(9);
    let text = format!(
        "key \"Plesk.Example\" {{ algorithm hmac-sha256; secret \" {start}\n\t{end} \"; }};"
    );
    assert_eq!(shown(&keys(&text).unwrap()), ["plesk.example. hmac-sha256"]);
}

#[test]
fn a_file_may_include_others_and_not_itself() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = directory.path().join(name);
        fs::write(&path, text.replace("SECRET", SECRET)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let key = |name: &str| format!("key {name} {{ algorithm hmac-sha256; secret SECRET; }};\n");
    let inner = write("inner.key", key("b"));
    let include = format!("include \"{}\";\n", inner.display());
    let outer = write("outer.key", key("a") + &include + &key("c"));
    let read = shown(&read(&outer).unwrap());
    assert_eq!(read, ["a. hmac-sha256", "b. hmac-sha256", "c. hmac-sha256"]);

    let twice = write("twice.key", key("b") + &include);
    let own = directory.path().join("own.key");
    let own = write("own.key", format!("include \"{}\";", own.display()));
    let absent = write("absent.key", "include \"absent\";".to_owned());
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o644)).unwrap();
    let text = |path: &Path| super::read(path).unwrap_err().to_string();
    assert!(text(&outer).contains("inner.key"), "{}", text(&outer));
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o600)).unwrap();
    for (path, expected) in [
        (twice, "1: key `b.` stands twice"),
        (own, "1: expected a file that is not included by itself"),
        (absent, "absent"),
    ] {
        let text = text(&path);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn errors_name_the_line_and_never_contain_the_secret() {
    let cases = [
        ("options { };", "1: expected a `key` statement"),
        (
            "key a { algorithm hmac-sha256; secret SECRET; };\n\nzone",
            "3: expected a `key` statement",
        ),
        ("key { algorithm", "1: expected the key's name"),
        (
            "key \"\" {",
            "1: the key's name is no domain name: the name is empty",
        ),
        ("key a algorithm", "1: expected `{` after the key's name"),
        ("key a {\n algorithm;", "2: expected the algorithm's name"),
        ("key a {\n algorithm SECRET;", "2: unknown algorithm"),
        (
            "key a {\n algorithm hmac-sha256-8; };",
            "2: the number at the algorithm's end is out of range",
        ),
        (
            "key a {\n secret hmac-sha256;",
            "2: the secret is not base64",
        ),
        (
            "key a {\n\n secret \"SECRET*\";",
            "3: the secret is not base64",
        ),
        (
            "key a {\n secret \"SECRET SECRET\";",
            "2: the secret is not base64",
        ),
        ("key a {\n secret \"\";", "2: the secret is empty"),
        (
            "key a {\n secret \"SECRET\n; };",
            "2: a quotation mark is never closed",
        ),
        (
            "key a {\n secret \"SECRET\"\n};",
            "3: expected `;` after the option's value",
        ),
        (
            "key a {\n secret SECRET SECRET; };",
            "2: expected `;` after the option's value",
        ),
        (
            "key a {\n SECRET; };",
            "2: expected `algorithm`, `secret` or `}`",
        ),
        (
            "key a {\n algorithm hmac-sha256;\n",
            "3: expected `algorithm`, `secret` or `}`",
        ),
        (
            "key a {\n secret SECRET;\n secret SECRET;",
            "3: `secret` stands twice in this key",
        ),
        (
            "key a {\n algorithm hmac-md5;\n algorithm hmac-md5;",
            "3: `algorithm` stands twice in this key",
        ),
        (
            "key a { secret SECRET;\n};",
            "2: key `a.` has no `algorithm`",
        ),
        (
            "key a { algorithm hmac-sha256;\n};",
            "2: key `a.` has no `secret`",
        ),
        (
            "key a { algorithm hmac-sha256; secret SECRET; }\nkey",
            "2: expected `;` after the key's `}`",
        ),
        (
            "key a { algorithm hmac-sha256; secret SECRET; };\nkey A { algorithm hmac-sha256; secret SECRET; };",
            "2: key `a.` stands twice in this file",
        ),
        ("\n/* SECRET", "2: a comment is never closed"),
    ];
    for (text, expected) in cases {
        let error = keys(text).unwrap_err();
        assert_eq!(error.to_string(), format!("plesk.key:{expected}"), "{text}");
        let diagnostic = error.diagnostic();
        let all = format!("{error} {error:?} {diagnostic:?}");
        assert!(!all.contains(SECRET_PART), "{all}");
        assert!(diagnostic.hint().is_some());
    }
    for text in ["", "# nothing\n", "  "] {
        assert!(matches!(keys(text), Err(KeyFileError::NoKey { .. })));
    }
    let octets = Secret::new(vec![0xff, 0xfe]);
    let error = parse(&octets, Path::new("plesk.key"), &open).unwrap_err();
    assert!(matches!(error, KeyFileError::NotText { .. }));
}

#[test]
fn debug_output_of_keys_does_not_contain_the_secret() {
    let keys = keys("key a { algorithm hmac-sha256; secret SECRET; };").unwrap();
    let all = format!("{keys:?}");
    let first = BASE64.decode(SECRET).unwrap()[0];
    assert!(!all.contains(SECRET_PART) && !all.contains(&format!("{first}, ")));
}

#[test]
fn the_key_with_the_wanted_name_is_taken_from_several() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("several.key");
    let write = |text: &str| {
        fs::write(&path, text.replace("SECRET", SECRET)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("key one { algorithm hmac-sha256; secret SECRET; };");
    let only = read_key(&path, "other").unwrap();
    assert_eq!(only.name().to_string(), "one.");

    write(
        "key One { algorithm hmac-sha256; secret SECRET; };\nkey two { algorithm hmac-sha1; secret SECRET; };",
    );
    let named = read_key(&path, "one").unwrap();
    assert_eq!(named.name().to_string(), "one.");
    let error = read_key(&path, "three").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{}` has no key `three`, but one, two", path.display())
    );
}

#[test]
fn a_file_that_others_can_access_is_rejected_with_the_command_that_helps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("it's a.key");
    let text = "key a { algorithm hmac-sha256; secret SECRET; };".replace("SECRET", SECRET);
    fs::write(&path, text).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(
            matches!(&error, KeyFileError::File(SecretFileError::Exposed { mode: m, .. }) if *m == mode),
            "{error}"
        );
        let path = path.display().to_string().replace('\'', r"'\''");
        let exposed = error.diagnostic();
        assert_eq!(exposed.code(), "NB-SECRET-FILE-EXPOSED");
        let user = permission::user();
        let owner_and_mode = format!("owner {user}, mode {mode:04o}");
        assert!(exposed.to_string().contains(&owner_and_mode), "{exposed}");
        assert_eq!(exposed.hint().unwrap(), format!("run `chmod 600 '{path}'`"));
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
    }
}

#[test]
fn files_that_are_not_regular_missing_or_too_long_are_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let error = read(directory.path()).unwrap_err();
    assert_eq!(error.diagnostic().code(), "NB-FILE-IS-DIRECTORY");

    let missing = directory.path().join("missing.key");
    let error = read(&missing).unwrap_err();
    assert!(error.to_string().contains("missing.key"), "{error}");

    let pipe = directory.path().join("pipe.key");
    let status = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(status.unwrap().success());
    fs::set_permissions(&pipe, fs::Permissions::from_mode(0o600)).unwrap();
    let error = read(&pipe).unwrap_err();
    assert!(matches!(
        error,
        KeyFileError::File(SecretFileError::NotRegular { .. })
    ));

    let long = directory.path().join("long.key");
    fs::write(&long, vec![b' '; 256 * 1024 + 1]).unwrap();
    fs::set_permissions(&long, fs::Permissions::from_mode(0o600)).unwrap();
    let error = read(&long).unwrap_err();
    assert!(matches!(
        error,
        KeyFileError::File(SecretFileError::TooLong { .. })
    ));
}

proptest! {
    #[test]
    fn no_text_causes_a_panic(text in r#"(key|algorithm|secret|hmac-sha256|[{};"\n/*# a\u{a0}é])*"#) {
        let _ = keys(&text);
    }
}
