//! Zones made and removed on a real BIND over its control channel.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests are as much test as the tests"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nsbridge::provision::rndc::{Rndc, RndcError, RndcSettings, Way};
use nsbridge::provision::{Created, Deleted, ZoneStatus};
use nsbridge::wire::KeyList;
use tokio::task::JoinSet;

use crate::support::control::{
    ANYWHERE, PATIENCE, control_key, create, create_async, delete, is_there, rndc, run,
    settings_of, signing_key, zone,
};
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, View};
use crate::support::nsupdate::nsupdate;
use crate::support::ports::Port;
use crate::support::server::Server as _;
use crate::support::wait;

fn at(port: &Port) -> Way {
    Way::Seed {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], port.number())).into()),
    }
}

/// Makes zones `0` to `count` under `suffix`, all at once.
fn create_many(rndc: &Arc<Rndc>, suffix: &str, count: u16) {
    run(async {
        let mut all = JoinSet::new();
        for index in 0..count {
            let (rndc, zone) = (Arc::clone(rndc), zone(&format!("z{index}.{suffix}"), 3));
            all.spawn(async move { create_async(&rndc, &zone, PATIENCE).await });
        }
        while let Some(created) = all.join_next().await {
            assert_eq!(created.unwrap().unwrap(), Created::Full);
        }
    });
}

fn zone_type(named: &Named, zone: &str) -> Option<String> {
    let said = named.rndc(&["zonestatus", zone]).stdout();
    let kind = said.lines().find_map(|line| line.strip_prefix("type: "));
    kind.map(str::to_owned)
}

#[test]
fn a_seeded_zone_has_its_contents_takes_updates_and_stays() {
    let mut named = Named::builder().start();
    let rndc = rndc(&named, ANYWHERE);
    assert_eq!(
        create(&rndc, &zone("example.com", 3)).unwrap(),
        Created::Full
    );
    assert_eq!(zone_type(&named, "example.com").as_deref(), Some("primary"));
    let expected = [
        "example.com. 300 IN NS ns1.provider.test.",
        "h_0.example.com. 300 IN A 192.0.0.0",
        "h_1.example.com. 300 IN A 192.0.0.1",
        "h_2.example.com. 300 IN A 192.0.0.2",
    ];
    assert_eq!(dig::content(&named, "example.com"), expected);
    assert_eq!(dig::soa(&named, "example.com").serial, 2_026_112_301);

    nsupdate(
        &named,
        "update delete h_0.example.com\nupdate add a_b.example.com 60 A 192.0.2.9",
    );
    let updated = dig::content(&named, "example.com");
    assert_eq!(updated[0], "a_b.example.com. 60 IN A 192.0.2.9");
    assert_eq!(named.rndc(&["reconfig"]).status, Some(0));
    assert_eq!(dig::content(&named, "example.com"), updated);
    named.restart();
    assert_eq!(dig::content(&named, "example.com"), updated);
    named.kill();
    named.restart();
    assert_eq!(dig::content(&named, "example.com"), updated);

    assert_eq!(
        create(&rndc, &zone("example.com", 1)).unwrap(),
        Created::AlreadyThere(ZoneStatus::Ours)
    );
    assert_eq!(dig::content(&named, "example.com"), updated);
    assert_eq!(delete(&rndc, "example.com").unwrap(), Deleted::Removed);
    assert!(!dig::has_zone(&named, "example.com"));
    wait::until("the zone's files are gone", || {
        named.zone_files("example.com").is_empty()
    });
    assert_eq!(delete(&rndc, "example.com").unwrap(), Deleted::WasAbsent);
    assert_eq!(
        create(&rndc, &zone("example.com", 1)).unwrap(),
        Created::Full
    );
    assert_eq!(dig::content(&named, "example.com").len(), 2);
}

#[test]
fn a_zone_of_twenty_thousand_records_is_seeded_whole() {
    let named = Named::builder().start();
    let rndc = rndc(&named, ANYWHERE);
    assert_eq!(
        create(&rndc, &zone("big.test", 20_000)).unwrap(),
        Created::Full
    );
    assert_eq!(dig::content(&named, "big.test").len(), 20_001);
}

#[test]
fn odd_names_are_made_and_removed() {
    let named = Named::builder().start();
    let rndc = rndc(&named, ANYWHERE);
    for name in [
        "0/25.2.0.192.in-addr.arpa",
        "_under_score.test",
        "xn--nxasmq6b",
    ] {
        assert_eq!(
            create(&rndc, &zone(name, 2)).unwrap(),
            Created::Full,
            "{name}"
        );
        assert_eq!(dig::content(&named, name).len(), 3);
        assert_eq!(delete(&rndc, name).unwrap(), Deleted::Removed);
        assert!(!is_there(&named, &format!("\"{name}\"")));
    }
    let refused = create(&rndc, &zone(r#"a"; \}.test"#, 1)).unwrap_err();
    assert!(
        matches!(refused, RndcError::ZoneUnwritable { .. }),
        "{refused}"
    );
}

#[test]
fn every_algorithm_of_the_control_key_is_spoken() {
    for algorithm in [
        "hmac-md5",
        "hmac-sha1",
        "hmac-sha224",
        "hmac-sha384",
        "hmac-sha512",
    ] {
        let key = Key::with_algorithm("other", algorithm);
        let port = Port::claim();
        let controls = format!(
            "controls {{ inet 127.0.0.1 port {} allow {{ 127.0.0.1; }} keys {{ other; }}; }};",
            port.number()
        );
        let named = Named::builder()
            .key(Key::new("plesk"))
            .key(key.clone())
            .statements(&controls)
            .start();
        let settings = RndcSettings {
            control: ("localhost".to_owned(), port.number()),
            control_keys: signing_key(&key).into(),
            ..settings_of(&named, ANYWHERE)
        };
        let rndc = Rndc::new(settings).unwrap();
        assert_eq!(
            delete(&rndc, "absent.test").unwrap(),
            Deleted::WasAbsent,
            "{algorithm}"
        );
    }
}

#[test]
fn the_next_control_key_is_tried_where_the_server_refuses_one() {
    let named = Named::builder().start();
    let unknown = signing_key(&Key::new("unknown"));
    let wrong = Key::new("rndc");
    let keys = vec![unknown, signing_key(&wrong), control_key(&named)];
    let settings = RndcSettings {
        control_keys: KeyList::new(keys).unwrap(),
        ..settings_of(&named, ANYWHERE)
    };
    let rndc = Rndc::new(settings).unwrap();
    for _ in 0..2 {
        assert_eq!(delete(&rndc, "absent.test").unwrap(), Deleted::WasAbsent);
    }
}

#[test]
fn a_zone_is_made_in_its_view() {
    let named = Named::builder()
        .key(Key::new("outside"))
        .key(Key::new("inside"))
        .options("allow-transfer { key inside; key outside; };")
        .view(View::new(
            "internal",
            "match-clients { key inside; }; allow-new-zones yes;",
        ))
        .view(View::new(
            "external",
            "match-clients { any; }; allow-new-zones yes;",
        ))
        .start();
    let in_view = |view: Option<&str>| {
        let view = view.map(str::to_owned);
        Rndc::new(RndcSettings {
            view,
            ..settings_of(&named, ANYWHERE)
        })
        .unwrap()
    };
    assert_eq!(
        create(&in_view(Some("internal")), &zone("v.test", 1)).unwrap(),
        Created::Full
    );
    assert_eq!(
        create(&in_view(Some("external")), &zone("v.test", 2)).unwrap(),
        Created::Full
    );
    assert_eq!(dig::content(&named, "v.test").len(), 3);
    let inside = dig::Asker::of(&named).with_key(named.key_file_of("inside"));
    assert_eq!(inside.axfr("v.test").len(), 3);
    assert_eq!(
        delete(&in_view(Some("external")), "v.test").unwrap(),
        Deleted::Removed
    );
    assert_eq!(inside.axfr("v.test").len(), 3);
    for wrong in [Some("nowhere"), None] {
        let error = create(&in_view(wrong), &zone("w.test", 1)).unwrap_err();
        assert!(matches!(error, RndcError::NoSuchView { .. }), "{error}");
    }
    assert!(delete(&in_view(Some("nowhere")), "v.test").is_err());
}

#[test]
fn what_a_killed_creation_leaves_is_repaired() {
    let named = Named::builder().start();
    let rndc = rndc(&named, ANYWHERE);
    // A secondary that has nobody to fetch from.
    let leftover = "{ type secondary; file \"left.test.nsbridge-plesk01-00000000000000aa.db\"; masterfile-format text; \
                    primaries { 127.0.0.1 port 9 key \"plesk\"; }; };";
    assert_eq!(
        named.rndc(&["addzone", "left.test", leftover]).status,
        Some(0)
    );
    assert_eq!(create(&rndc, &zone("left.test", 1)).unwrap(), Created::Full);

    // Creations dropped at every moment of their way.
    for moment in 0..6 {
        let time = Duration::from_millis(moment * 40);
        let killed = zone("killed.test", 500);
        run(async {
            let creation = create_async(&rndc, &killed, PATIENCE);
            let _ = tokio::time::timeout(time, creation).await;
        });
        let again = run(create_async(&rndc, &killed, PATIENCE)).unwrap();
        assert_ne!(again, Created::Placeholder);
        assert_eq!(zone_type(&named, "killed.test").as_deref(), Some("primary"));
        assert_eq!(dig::content(&named, "killed.test").len(), 501);
        assert_eq!(delete(&rndc, "killed.test").unwrap(), Deleted::Removed);
    }
}

#[test]
fn processes_take_turns_on_one_address() {
    let named = Named::builder().start();
    let port = Port::claim();
    std::thread::scope(|threads| {
        for process in ["one", "two", "three"] {
            let rndc = rndc(&named, at(&port));
            threads.spawn(move || create_many(&rndc, &format!("{process}.test"), 10));
        }
    });
    assert_eq!(dig::content(&named, "z9.three.test").len(), 4);
}

#[test]
fn two_creations_of_one_zone_agree() {
    let named = Named::builder().start();
    let results: Vec<_> = std::thread::scope(|threads| {
        let creations: Vec<_> = [(); 3]
            .map(|()| {
                let rndc = rndc(&named, ANYWHERE);
                let same = zone("same.test", 5);
                threads.spawn(move || run(create_async(&rndc, &same, PATIENCE)).unwrap())
            })
            .into_iter()
            .collect();
        creations
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(results.contains(&Created::Full), "{results:?}");
    assert_eq!(dig::content(&named, "same.test").len(), 6);
}

#[test]
fn a_file_put_in_place_becomes_a_zone() {
    let named = Named::builder().start();
    let rndc = rndc(&named, Way::File);
    let missing = create(&rndc, &zone("0/25.2.0.192.in-addr.arpa", 1)).unwrap_err();
    assert!(matches!(&missing, RndcError::FileMissing { file, .. }
        if file == "0=25.2.0.192.in-addr.arpa.db"));
    let contents = "$TTL 300\n@ SOA ns.test. h.test. 1 2 3 4 5\n@ NS ns.test.\n";
    std::fs::write(named.file("0=25.2.0.192.in-addr.arpa.db"), contents).unwrap();
    let odd = zone("0/25.2.0.192.in-addr.arpa", 1);
    assert_eq!(create(&rndc, &odd).unwrap(), Created::Placeholder);
    assert_eq!(
        create(&rndc, &odd).unwrap(),
        Created::AlreadyThere(ZoneStatus::Unmarked)
    );
    nsupdate(
        &named,
        "zone 0/25.2.0.192.in-addr.arpa\nupdate add 1.0/25.2.0.192.in-addr.arpa 60 PTR a.test",
    );
    assert_eq!(dig::content(&named, "0/25.2.0.192.in-addr.arpa").len(), 2);
}
