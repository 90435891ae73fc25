//! What keeps a real BIND from making a zone over its control channel: each cause is told, with its remedy, and
//! nothing is left behind.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nsbridge::diagnostic::{Class, Diagnose as _};
use nsbridge::model::{Rdata, Record, RecordType, RrSets};
use nsbridge::provision::rndc::{Rndc, RndcError, RndcSettings, Seen, Way};
use nsbridge::provision::{Created, Creator, Deleted, ZoneStatus};
use socket2::{Domain, Socket, Type};
use tokio::task::JoinSet;

use crate::support::control::{
    ANYWHERE, PATIENCE, clock, create, create_async, delete, is_there, rndc, run, settings_of,
    signing_key, zone,
};
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::ports::Port;
use crate::support::wait;

#[test]
fn a_secondary_that_is_not_ours_is_left_alone() {
    let body = "type secondary; file \"theirs.db\"; primaries { 127.0.0.1 port 9; };";
    let named = Named::builder()
        .zone(Zone::raw("theirs.test", body))
        .zone(Zone::dynamic("ours.test", ""))
        .start();
    let rndc = rndc(&named, ANYWHERE);
    let error = create(&rndc, &zone("theirs.test", 1)).unwrap_err();
    assert!(matches!(error, RndcError::ForeignZone { .. }), "{error}");
    assert!(is_there(&named, "theirs.test"));
    assert_eq!(
        create(&rndc, &zone("ours.test", 1)).unwrap(),
        Created::AlreadyThere(ZoneStatus::Other(Creator::Server))
    );
    for theirs in ["theirs.test", "ours.test"] {
        assert_eq!(
            delete(&rndc, theirs).unwrap(),
            Deleted::NotOurs(ZoneStatus::Other(Creator::Server))
        );
        assert!(is_there(&named, theirs));
    }
}

#[test]
fn a_wrong_control_key_is_told_with_its_remedy() {
    let named = Named::builder().start();
    let settings = RndcSettings {
        control_keys: signing_key(&Key::new("rndc")).into(),
        ..settings_of(&named, ANYWHERE)
    };
    let error = create(&Rndc::new(settings).unwrap(), &zone("example.com", 1)).unwrap_err();
    assert!(matches!(error, RndcError::Unanswered { .. }), "{error}");
    assert_eq!(error.diagnostic().code(), "NB-CONTROL-UNANSWERED");
    assert_eq!(error.diagnostic().class(), Class::Transient);

    let settings = RndcSettings {
        clock: || clock() - 1000,
        ..settings_of(&named, ANYWHERE)
    };
    let error = create(&Rndc::new(settings).unwrap(), &zone("example.com", 1)).unwrap_err();
    assert!(matches!(error, RndcError::Unanswered { .. }), "{error}");

    let free = Port::claim();
    let settings = RndcSettings {
        control: ("127.0.0.1".to_owned(), free.number()),
        ..settings_of(&named, ANYWHERE)
    };
    let error = create(&Rndc::new(settings).unwrap(), &zone("example.com", 1)).unwrap_err();
    assert!(matches!(error, RndcError::Unreachable { .. }), "{error}");
    assert_eq!(error.diagnostic().class(), Class::Transient);
}

/// A firewall that drops packets looks so, too.
#[test]
fn a_port_that_answers_no_handshake_is_told_before_the_deadline() {
    let named = Named::builder().start();
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let moment = Duration::from_millis(200);
    let connect = |_| TcpStream::connect_timeout(&address, moment).ok();
    let waiting: Vec<TcpStream> = (0..10).map_while(connect).collect();
    assert!(waiting.len() < 10, "the kernel takes every connection");
    let settings = RndcSettings {
        control: ("127.0.0.1".to_owned(), address.port()),
        ..settings_of(&named, ANYWHERE)
    };
    let began = Instant::now();
    let rndc = Arc::new(Rndc::new(settings).unwrap());
    // More zones than connections are opened at a time.
    let errors = run(async {
        let mut all = JoinSet::new();
        for index in 0..20 {
            let (rndc, zone) = (Arc::clone(&rndc), zone(&format!("z{index}.test"), 1));
            all.spawn(async move { create_async(&rndc, &zone, PATIENCE).await });
        }
        all.join_all().await
    });
    for error in errors {
        let diagnostic = error.unwrap_err().diagnostic();
        assert_eq!(diagnostic.code(), "NB-CONTROL-CONNECTION-TIMED-OUT");
        let hint = diagnostic.hint().unwrap();
        assert!(hint.contains(&address.port().to_string()), "{hint}");
    }
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_full_disk_of_named_is_the_cause_that_is_told_soon_and_without_a_loop() {
    for (octets_free, hosts, code) in [
        (24_576, 1, "NB-ZONE-NOT-ADDED"),
        (100_000, 8_000, "NB-ZONE-FILE-UNWRITTEN"),
    ] {
        let named = Named::builder().octets_free(octets_free).start();
        let rndc = rndc(&named, ANYWHERE);
        let began = Instant::now();
        let error = create(&rndc, &zone("example.com", hosts)).unwrap_err();
        let taken = began.elapsed();
        let diagnostic = error.diagnostic();
        assert_eq!(diagnostic.code(), code, "{error}");
        assert_eq!(diagnostic.class(), Class::Transient);
        let hint = diagnostic.hint().unwrap();
        assert!(
            hint.contains("`named-checkconf -p | grep directory`") && hint.contains("`df`"),
            "{hint}"
        );
        assert!(taken < Duration::from_secs(12), "{taken:?}");
        let commands = named.control_commands();
        let added = commands.iter().filter(|it| *it == "addzone").count();
        assert!(added < 100, "{added} in {commands:?}");
        assert!(!is_there(&named, "example.com"));
    }
}

#[test]
fn a_wrong_transfer_key_leaves_nothing_behind() {
    let named = Named::builder().start();
    let wrong = RndcSettings {
        transfer_keys: signing_key(&named.key().with_other_secret()).into(),
        ..settings_of(&named, ANYWHERE)
    };
    let unknown = RndcSettings {
        transfer_keys: signing_key(&Key::new("unknown")).into(),
        ..settings_of(&named, ANYWHERE)
    };
    for (settings, expected) in [(wrong, Seen::OtherKey), (unknown, Seen::Nothing)] {
        let rndc = Rndc::new(settings).unwrap();
        let time = Duration::from_secs(8);
        let error = run(create_async(&rndc, &zone("example.com", 1), time)).unwrap_err();
        let RndcError::NotFetched { seen, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(seen, expected);
        assert!(!is_there(&named, "example.com"));
    }
}

#[test]
fn contents_that_bind_does_not_load_are_refused_with_the_name() {
    let named = Named::builder().start();
    let mut bad = zone("example.com", 1);
    let ns = "ns.example.com".parse().unwrap();
    bad.records = RrSets::from_records([Record {
        owner: bad.name.apex().clone(),
        rtype: RecordType::NS,
        ttl: 300,
        rdata: Rdata::from_name(&ns),
    }]);
    let error = create(&rndc(&named, ANYWHERE), &bad).unwrap_err();
    assert!(
        matches!(error, RndcError::ContentsRefused { .. }),
        "{error}"
    );
    let hint = error.diagnostic().hint().unwrap();
    assert!(hint.contains("`ns.example.com.`"), "{hint}");
    assert!(!is_there(&named, "example.com"));
    wait::until("its file is gone", || {
        named.zone_files("example.com").is_empty()
    });
}

#[test]
fn a_server_that_makes_no_zones_says_so() {
    let named = Named::builder().closed_to_new_zones().start();
    let error = create(&rndc(&named, ANYWHERE), &zone("example.com", 1)).unwrap_err();
    assert!(matches!(error, RndcError::NewZonesOff { .. }), "{error}");
    assert_eq!(error.diagnostic().code(), "NB-NEW-ZONES-OFF");
}

#[test]
fn a_template_before_bind_9_21_9_is_a_clear_error() {
    let named = Named::builder().start();
    let way = Way::Template {
        name: "plesk".to_owned(),
    };
    let error = create(&rndc(&named, way), &zone("example.com", 1)).unwrap_err();
    assert!(
        matches!(error, RndcError::TemplateRefused { .. }),
        "{error}"
    );
    assert_eq!(error.diagnostic().code(), "NB-TEMPLATE-REFUSED");
}
