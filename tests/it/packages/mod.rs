//! What packaging/release makes: packages, and the bill of materials. `testenv/packages` has the trials in containers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::docker::{assert_success, can_use_docker, place, run};
use crate::support::process;

fn directory() -> TempDir {
    TempDir::with_prefix("nsbridge-packages-").expect("a temporary directory")
}

/// Runs `packaging/release` of a checkout.
fn release(checkout: &Path, arguments: &[&str]) -> process::Said {
    let script = checkout.join("packaging/release");
    run(Command::new(script).args(arguments))
}

#[test]
fn the_package_for_debian_is_installed_upgraded_not_downgraded_and_removed() {
    if !can_use_docker() {
        return;
    }
    let mut command = Command::new(place("testenv/packages"));
    command.args(["--program", env!("CARGO_BIN_EXE_nsbridge"), "short"]);
    let said = run(&mut command);
    assert_success(&said, "testenv/packages short");
    assert!(said.stdout().contains("--- well: deb with shell\n"));
}

/// The versions and check sums of all crates from the registry in Cargo.lock.
fn locked() -> BTreeMap<(String, String), String> {
    let lock = fs::read_to_string(place("Cargo.lock")).expect("it is there");
    let lock: toml::Table = lock.parse().expect("it is TOML");
    let packages = lock["package"].as_array().expect("packages");
    let of = |package: &toml::Value, key: &str| {
        let value = package.get(key)?.as_str()?;
        Some(value.to_owned())
    };
    let entry = |it| Some(((of(it, "name")?, of(it, "version")?), of(it, "checksum")?));
    packages.iter().filter_map(entry).collect()
}

/// The crates that `cargo tree` has for the static programs of both architectures.
fn tree() -> BTreeSet<(String, String)> {
    let listed = process::run_ok(
        env!("CARGO"),
        &[
            "tree",
            "--locked",
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            "--edges=normal,build",
            "--target=x86_64-unknown-linux-musl",
            "--target=aarch64-unknown-linux-musl",
            "--prefix=none",
            "--format={p}",
        ],
    );
    let crate_of = |line: &str| {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        (name != "nsbridge").then(|| (name.to_owned(), version.to_owned()))
    };
    listed.lines().filter_map(crate_of).collect()
}

#[test]
fn the_bill_of_materials_has_the_crates_of_the_program_as_cargo_lock_has_them() {
    let here = directory();
    let out = here.path().join("out").display().to_string();
    let program = env!("CARGO_BIN_EXE_nsbridge");
    let said = release(&place(""), &["--program", program, &out, "sbom"]);
    assert_success(&said, "packaging/release");

    let path = format!("{out}/nsbridge-{}.cdx.json", env!("CARGO_PKG_VERSION"));
    let bill: Value = serde_json::from_slice(&fs::read(path).expect("it is there")).unwrap();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (mut found, locked) = (BTreeSet::new(), locked());
    for component in bill["components"].as_array().expect("components") {
        let name_and_version = (text(&component["name"]), text(&component["version"]));
        let [hash] = &component["hashes"].as_array().expect("hashes")[..] else {
            panic!("one check sum: {component}");
        };
        assert_eq!(
            Some(&text(&hash["content"])),
            locked.get(&name_and_version),
            "{name_and_version:?}"
        );
        found.insert(name_and_version);
    }
    assert_eq!(found, tree());
    assert_eq!(bill["metadata"]["component"]["name"], "nsbridge");
}

#[test]
fn a_release_is_made_of_a_commit_and_into_an_empty_directory() {
    let here = directory();
    let checkout = here.path().join("checkout");
    let to = checkout.display().to_string();
    process::run_ok(
        "git",
        &["clone", "--quiet", &place("").display().to_string(), &to],
    );
    // The script as it is here, committed or not.
    fs::copy(
        place("packaging/release"),
        checkout.join("packaging/release"),
    )
    .unwrap();
    fs::write(checkout.join("new"), "").unwrap();
    let out = here.path().join("out").display().to_string();
    let refused = |arguments: &[&str], words: &str| {
        let said = release(&checkout, arguments);
        assert_eq!(said.status, Some(1), "{}", said.stdout());
        assert!(said.stderr().contains(words), "{}", said.stderr());
        assert!(said.stderr().lines().count() >= 2, "{}", said.stderr());
    };

    refused(
        &[&out],
        "?? new\nrelease: the checkout has changes that are not committed",
    );
    let program = env!("CARGO_BIN_EXE_nsbridge");
    refused(
        &["--program", program, &to],
        "is not empty\nrelease: hint: ",
    );
    refused(&[&out, "zip"], "unknown word zip\nrelease: hint: ");
    refused(&[], "no directory is named\nrelease: usage: ");
    let options = ["--program", program, "--version", "1 2", &out];
    refused(&options, "1 2 is no version\nrelease: hint: ");
    assert!(!Path::new(&out).exists());
}
