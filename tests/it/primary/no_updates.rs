//! NSD, which takes no updates: that is said, and nothing else is tried.

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::keys::Key;
use crate::support::named_conf::zone_file;
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
    let contents = format!("$ORIGIN example.com.\n{}", zone_file(""));
    let files = [("example.com.zone", &*contents)];
    let nsd = Nsd::start(release, &Key::new("plesk"), CLAUSES, &files);
    let asker = nsd.asker();
    wait::until("NSD serves the zone", || asker.has_zone("example.com"));

    let bridge = Bridge::at(nsd.port(), nsd.key_file());
    let wanted = zone("example.com", "@ NS ns1.example.com. | www A 192.0.2.7");
    let before = asker.axfr("example.com");
    bridge.plesk(wanted.call()).assert_status(69).assert_error(
        "example.com.",
        "the primary answers NOTIMP without a signature",
        "this server takes no DNS UPDATEs at all (NSD is one): send them to the primary that it \
         transfers from",
    );
    let run = bridge.run(&["check", "example.com"], "");
    run.assert_status(69);
    let said = "updates of example.com.: the primary answers NOTIMP without a signature; hint: this \
                server takes no DNS UPDATEs at all (NSD is one): send them to the primary that it \
                transfers from\n";
    assert!(run.stdout.ends_with(said), "{}", run.stdout);
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
