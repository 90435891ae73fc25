//! NSD, which takes no updates: that is said, and nothing else is tried.

use crate::support::bridge::Bridge;
use crate::support::checks::ALONE;
use crate::support::daemon::Release;
use crate::support::keys::Key;
use crate::support::nsd::Nsd;
use crate::support::wait;
use crate::support::wanted::zone;

const CLAUSES: &str = "\
key:
    name: plesk
    algorithm: hmac-sha256
    secret: \"{secret}\"
zone:
    name: example.com
    zonefile: example.com.zone
    provide-xfr: 127.0.0.1 plesk
";

fn nsd_takes_no_updates(release: Release) {
    let contents = format!("$ORIGIN example.com.\n{ALONE}");
    let files = [("example.com.zone", &*contents)];
    let nsd = Nsd::start(release, &Key::new("plesk"), CLAUSES, &files);
    let asker = nsd.asker();
    wait::until("NSD serves the zone", || asker.has_zone("example.com"));

    let bridge = Bridge::at(nsd.port(), nsd.key_file());
    let wanted = zone("example.com", "@ NS ns1.example.com. | www A 192.0.2.7");
    let before = asker.axfr("example.com");
    bridge
        .plesk(wanted.call())
        .assert_status(75)
        .assert_error("example.com.", "NB-UPDATES-UNSUPPORTED");
    let run = bridge.run(&["check", "example.com"], "");
    run.assert_status(75);
    run.assert_code_with("NB-UPDATES-UNSUPPORTED", "updates of example.com.: ");
    assert_eq!(asker.axfr("example.com"), before);
}

#[test]
fn nsd_is_said_to_take_no_updates() {
    nsd_takes_no_updates(Release::Installed);
}

#[test]
fn nsd_of_debian_13_is_said_to_take_no_updates() {
    if Release::Debian13.is_here() {
        nsd_takes_no_updates(Release::Debian13);
    }
}
