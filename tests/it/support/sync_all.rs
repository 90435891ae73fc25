//! `nsbridge sync --all` of a folder `zones`.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::server::Server;

/// The contents of a zone's file, with an address for `www`.
pub(crate) fn contents(last: u8) -> String {
    format!(
        "$TTL 300\n@ 3600 IN SOA ns1 hostmaster 7 10800 3600 604800 300\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n\
         www A 192.0.2.{last}\n"
    )
}

/// Writes a file into the folder.
pub(crate) fn put(bridge: &Bridge, file: &str, text: &str) {
    let path = bridge.file("zones").join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Removes files from the folder.
pub(crate) fn remove(bridge: &Bridge, files: &[&str]) {
    for file in files {
        fs::remove_file(bridge.file("zones").join(file)).unwrap();
    }
}

#[track_caller]
pub(crate) fn sync(bridge: &Bridge, options: &[&str]) -> Run {
    bridge.run(&[&["sync", "--all", "zones"], options].concat(), "")
}

/// Asserts the last line on standard output.
#[track_caller]
pub(crate) fn assert_total(run: &Run, sent: usize, gone: usize, unchanged: usize) {
    let zones = if sent == 1 { "zone" } else { "zones" };
    let total = format!("total: {sent} {zones} sent, {gone} gone, {unchanged} unchanged");
    assert_eq!(run.stdout.lines().last(), Some(&*total), "{}", run.stderr);
}

/// Asserts what a run sends, without an error.
#[track_caller]
pub(crate) fn assert_sends(bridge: &Bridge, sent: usize, gone: usize, unchanged: usize) {
    let run = sync(bridge, &[]);
    run.assert_status(0).assert_stderr("");
    assert_total(&run, sent, gone, unchanged);
}

/// The last number of the address of `www` in a zone; `None` if there is no address.
pub(crate) fn www(server: &dyn Server, zone: &str) -> Option<u8> {
    let found = dig::short(server, &format!("www.{zone}"), "A");
    let last = found.first()?.rsplit('.').next()?;
    Some(last.parse().expect("a number"))
}
