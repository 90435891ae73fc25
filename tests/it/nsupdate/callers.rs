//! What runs nsupdate, as it runs it: each caller's own words and options, by the installed nsupdate and
//! by ours, and what it looks at afterwards.

use pretty_assertions::assert_eq;

use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_pair::{Pair, ZONE, run_ours};
use crate::support::server::Server as _;

#[test]
fn nsupdate_serves_acme_clients() {
    let pair = Pair::start();
    let challenge = || dig::short(pair.ours(), "_acme-challenge.example.com", "TXT");
    // acme.sh, dns_nsupdate.sh: two blanks, lower case, a host name as server, no zone; blank lines.
    let added = pair.same(
        &["-k", "{key}"],
        "server localhost  {port}\n\nupdate add _acme-challenge.example.com. 60 in txt \"V-1_x\"\nsend\n",
    );
    assert_eq!(added.status, Some(0));
    assert_eq!(challenge(), ["\"V-1_x\""]);
    pair.same(
        &["-k", "{key}", "-d"],
        "server 127.0.0.1  {port}\nzone example.com.\nupdate delete _acme-challenge.example.com. txt\n\nsend\n",
    );
    assert!(challenge().is_empty());
    // acme.sh, dns_knot.sh.
    pair.same(
        &[],
        "server 127.0.0.1 {port}\nkey hmac-sha256:plesk {secret}\nzone example.com.\n\
         update add _acme-challenge.example.com. 60 TXT \"a\"\nsend\nquit\nfoo\n",
    );
    // dehydrated: names without a final dot, the value named on removal.
    for verb in [
        "add _acme-challenge.example.com 300",
        "delete _acme-challenge.example.com 300",
    ] {
        let script = format!("server 127.0.0.1 {{port}}\nupdate {verb} IN TXT \"b\"\nsend\n");
        assert_eq!(pair.same(&["-k", "{key}"], &script).status, Some(0));
    }
    assert_eq!(challenge(), ["\"a\""]);
    // Posh-ACME: `key` after `server`, a TTL on removal, `answer`.
    for verb in ["add", "delete"] {
        let said = pair.same(
            &[],
            &format!(
                "server 127.0.0.1 {{port}}\nkey hmac-sha256:plesk {{secret}}\n\
                 update {verb} _acme-challenge.example.com. 60 TXT \"a\"\nsend\nanswer\n"
            ),
        );
        assert!(
            said.stdout()
                .starts_with("Answer:\n;; ->>HEADER<<- opcode: UPDATE, status: NOERROR")
        );
    }
    assert!(challenge().is_empty());
}

#[test]
fn nsupdate_serves_routers_and_nspatch() {
    let pair = Pair::start();
    // OpenWrt, update_nsupdate.sh: a file, `-d`, `show`, `answer`.
    let file = pair.ours().file("ddns.txt");
    let script = "server 127.0.0.1 {port}\nkey hmac-sha256:plesk {secret}\nupdate del host.example.com A\n\
                  update add host.example.com 600 A 192.0.2.80\nshow\nsend\nanswer\nquit\n";
    let secret = pair.ours().key().statement().split('"').nth(3).unwrap();
    let port = pair.ours().port().to_string();
    let text = script.replace("{port}", &port).replace("{secret}", secret);
    std::fs::write(&file, text).unwrap();
    pair.same(&["-d", "-v"], &script.replace("host", "host2"));
    let said = run_ours(pair.ours(), &["-d", "-v", "{dir}/ddns.txt"], "");
    assert_eq!(said.status, Some(0), "{}", said.stderr());
    assert_eq!(said.stdout().matches("Outgoing update query:").count(), 2);
    assert_eq!(
        dig::short(pair.ours(), "host.example.com", "A"),
        ["192.0.2.80"]
    );
    // nspatch compares standard error to exactly this.
    let guarded = "server 127.0.0.1 {port}\nprereq yxrrset example.com SOA ns1.example.com. \
                   hostmaster.example.com. 99 3600 600 86400 300\nupdate add x.example.com 60 A 192.0.2.1\n\
                   show\nsend\nanswer\n";
    let said = pair.same_but_zone(&["-k", "{key}"], guarded);
    assert_eq!(
        (said.status, said.stderr().as_str()),
        (Some(2), "update failed: NXRRSET\n")
    );
}

#[test]
fn nsupdate_signs_with_the_keys_of_older_hooks() {
    let key = Key::new("plesk");
    let named = Named::builder()
        .key(key.clone())
        .zone(Zone::dynamic(ZONE, ""))
        .start();
    let secret = key.statement().split('"').nth(3).unwrap();
    let private = format!(
        "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: {secret}\nBits: AAA=\n"
    );
    std::fs::write(named.file("Kplesk.+163+00001.private"), private).unwrap();
    let public = format!("plesk. IN KEY 512 3 163 {secret}\n");
    std::fs::write(named.file("Kplesk.+163+00001.key"), public).unwrap();
    for (index, end) in [".private", ".key", ""].iter().enumerate() {
        let file = format!("{{dir}}/Kplesk.+163+00001{end}");
        let script =
            format!("server 127.0.0.1 {{port}}\nadd k{index}.example.com 60 TXT k\nsend\n");
        let said = run_ours(&named, &["-v", "-k", &file], &script);
        let text = "Use of K* file pairs for HMAC is deprecated\n";
        assert_eq!((said.status, said.stderr().as_str()), (Some(0), text));
        let name = format!("k{index}.example.com");
        assert_eq!(dig::short(&named, &name, "TXT"), ["\"k\""]);
    }
}

#[test]
fn nsupdate_signs_with_every_algorithm_and_md5_by_default() {
    for algorithm in [
        "hmac-md5",
        "hmac-sha1",
        "hmac-sha224",
        "hmac-sha384",
        "hmac-sha512",
    ] {
        let key = Key::with_algorithm("plesk", algorithm);
        let make = || {
            Named::builder()
                .key(key.clone())
                .zone(Zone::dynamic(ZONE, ""))
        };
        let pair = Pair::of(&make, vec![ZONE]);
        let script = "server 127.0.0.1 {port}\nadd a.example.com 60 TXT a\nsend\n";
        let text = format!("{algorithm}:plesk:{{secret}}");
        assert_eq!(pair.same(&["-y", &text], script).status, Some(0));
        assert_eq!(pair.same(&["-k", "{key}"], script).status, Some(0));
        let default = pair.same(&["-y", "plesk:{secret}"], script);
        assert_eq!(default.status == Some(0), algorithm == "hmac-md5");
    }
}

#[test]
fn nsupdate_cuts_its_mac_where_the_key_says_so() {
    let key = Key::new("plesk").with_same_secret("hmac-sha256-128");
    let make = || {
        Named::builder()
            .key(key.clone())
            .zone(Zone::dynamic(ZONE, ""))
    };
    let pair = Pair::of(&make, vec![ZONE]);
    let script = "server 127.0.0.1 {port}\nadd a.example.com 60 TXT a\nsend\n";
    let said = pair.same(&["-y", "hmac-sha256-128:plesk:{secret}"], script);
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    pair.same(&["-y", "hmac-sha256-121:plesk:{secret}"], script);
}
