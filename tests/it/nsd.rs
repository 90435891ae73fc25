//! NSD, which takes no updates: that is said, and nothing else is tried.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use tempfile::TempDir;

use crate::bridge::Bridge;
use crate::daemon::{Daemon, Release};
use crate::dig::Asker;
use crate::keys::Key;
use crate::named_conf::zone_file;
use crate::ports::Port;
use crate::wait;
use crate::wanted::zone;

const CONFIGURATION: &str = "\
server:
    ip-address: 127.0.0.1@{port}
    username: \"\"
    zonesdir: \"{dir}\"
    pidfile: \"{dir}/nsd.pid\"
    xfrdfile: \"{dir}/xfrd.state\"
    xfrdir: \"{dir}\"
    zonelistfile: \"{dir}/zone.list\"
    database: \"\"
remote-control:
    control-enable: no
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
    let directory = TempDir::with_prefix("nsbridge-nsd-").expect("a temporary directory");
    let (path, key, port) = (directory.path(), Key::new("plesk"), Port::claim());
    let key_file = key.write(path);
    let secret = base64::engine::general_purpose::STANDARD.encode(key.secret());
    // The option went with NSD 4.8.
    let database = match release {
        Release::Installed => "    database: \"\"\n",
        Release::Debian13 => "",
    };
    let configuration = CONFIGURATION
        .replace("    database: \"\"\n", database)
        .replace("{port}", &port.number().to_string())
        .replace("{dir}", &path.to_string_lossy())
        .replace("{secret}", &secret);
    let file = path.join("nsd.conf");
    fs::write(&file, configuration).expect("a file of the test");
    let contents = format!("$ORIGIN example.com.\n{}", zone_file(""));
    fs::write(path.join("example.com.zone"), contents).expect("a file of the test");
    let mut nsd = Daemon::new("nsd", release, path);
    nsd.start(
        Path::new("/usr/sbin/nsd"),
        &["-d", "-c", &file.to_string_lossy()],
    );
    let asker = Asker::at(port.number(), &key_file);
    wait::until("NSD serves the zone", || asker.has_zone("example.com"));

    let bridge = Bridge::at(port.number(), &key_file);
    let wanted = zone("example.com", "@ NS ns1.example.com. | www A 192.0.2.7");
    let before = asker.axfr("example.com");
    bridge.plesk(wanted.call()).assert_status(69).assert_error(
        "example.com.",
        "the primary answers NOTIMP without a signature",
        "this server takes no DNS UPDATEs at all (NSD is one): send them to the primary that it \
         transfers from",
    );
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
