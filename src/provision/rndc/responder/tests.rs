//! Tests of the responder with the queries of BIND, and with queries that it must refuse.

use std::net::Ipv4Addr;

use tokio::net::{TcpStream, UdpSocket};
use tokio::time::sleep;

use super::connections::{read_frame, write_frame};
use super::*;
use crate::model::{Name, Rdata, Record, RecordType, RrSets, Secret, Serial, Soa, ZoneName};
use crate::wire::{encode_query, sign_request};

const NOW: u64 = 1_700_000_000;
const REFUSED: u8 = 5;

fn key(secret: &[u8]) -> Key {
    let algorithm = "hmac-sha256".parse().unwrap();
    Key::new(
        "plesk".parse().unwrap(),
        algorithm,
        Secret::new(secret.to_vec()),
    )
    .unwrap()
}

fn zone() -> InitialZone {
    let apex: Name = "example.com".parse().unwrap();
    let host: Name = "ns.example.net".parse().unwrap();
    let ns = Record {
        owner: apex.clone(),
        rtype: RecordType::NS,
        ttl: 300,
        rdata: Rdata::from_name(&host),
    };
    InitialZone {
        name: ZoneName::new(&apex),
        soa: Soa {
            mname: host.clone(),
            rname: host,
            serial: Serial(1),
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 1,
        },
        soa_ttl: 300,
        records: RrSets::from_records([ns]),
    }
}

fn query(name: &str, rtype: RecordType, key: Option<&Key>) -> Vec<u8> {
    let mut query = encode_query(&name.parse().unwrap(), rtype, 7);
    if let Some(key) = key {
        sign_request(&mut query, key, NOW).unwrap();
    }
    query
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(work)
}

fn responder(listen: Option<SocketAddr>) -> Responder {
    let hosts = vec!["127.0.0.1".to_owned()];
    Responder::new(
        listen.map(Listen::from),
        hosts,
        vec![key(b"secret")],
        || NOW,
    )
}

fn responder_at(fixed: SocketAddr) -> Responder {
    responder(Some(fixed))
}

async fn serve_zone(responder: &Responder) -> ServedZone<'_> {
    let deadline = Instant::now() + Duration::from_secs(10);
    responder
        .serve(&zone(), Ipv4Addr::LOCALHOST.into(), deadline)
        .await
        .unwrap()
}

/// Returns a free address with a port below those of outgoing connections: such a connection would
/// keep the address in use for longer than a test waits.
fn free_address() -> SocketAddr {
    let port = || 10_000 + u16::try_from(getrandom::u32().unwrap() % 22_000).unwrap();
    let mut addresses = std::iter::repeat_with(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port())));
    let is_free = |address: &SocketAddr| {
        std::net::UdpSocket::bind(address).is_ok() && std::net::TcpListener::bind(address).is_ok()
    };
    addresses.find(is_free).unwrap()
}

/// Returns the response code and the number of answer records.
async fn ask_udp(address: SocketAddr, query: &[u8]) -> (u8, u8) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(query, address).await.unwrap();
    let mut answer = [0; 512];
    socket.recv_from(&mut answer).await.unwrap();
    (answer[3] & 15, answer[7])
}

async fn ask_tcp(address: SocketAddr, query: &[u8]) -> (u8, u8) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    write_frame(&mut stream, query).await.unwrap();
    let answer = read_frame(&mut stream).await.unwrap();
    (answer[3] & 15, answer[7])
}

#[test]
fn only_signed_queries_for_a_served_zone_are_answered() {
    run(async {
        let responder = responder(None);
        let served = serve_zone(&responder).await;
        let (at, key, other) = (served.address(), key(b"secret"), key(b"other"));
        assert_eq!(served.seen(), Seen::Nothing);
        for bad in [
            query("example.com", RecordType::SOA, None),
            query("example.com", RecordType::SOA, Some(&other)),
        ] {
            assert_eq!(ask_udp(at, &bad).await, (REFUSED, 0));
            assert_eq!(ask_tcp(at, &bad).await, (REFUSED, 0));
        }
        assert_eq!(served.seen(), Seen::OtherKey);
        for (name, rtype) in [
            ("example.net", RecordType::SOA),
            ("www.example.com", RecordType::AXFR),
            ("example.com", RecordType::A),
        ] {
            let query = query(name, rtype, Some(&key));
            assert_eq!(ask_tcp(at, &query).await, (REFUSED, 0), "{name}");
        }
        let soa = query("EXAMPLE.com", RecordType::SOA, Some(&key));
        assert_eq!(ask_udp(at, &soa).await, (0, 1));
        assert_eq!(ask_tcp(at, &soa).await, (0, 1));
        let transfer = query("example.com", RecordType::AXFR, Some(&key));
        assert_eq!(ask_udp(at, &transfer).await, (REFUSED, 0));
        assert_eq!(ask_tcp(at, &transfer).await, (0, 3));
        assert_eq!(served.seen(), Seen::Answered);
    });
}

#[test]
fn the_fixed_address_is_shared_and_free_after_the_last_zone() {
    run(async {
        let fixed = free_address();
        let responder = responder(Some(fixed));
        let (first, second) = (serve_zone(&responder).await, serve_zone(&responder).await);
        assert_eq!(first.address(), second.address());
        let soa = query("example.com", RecordType::SOA, Some(&key(b"secret")));
        drop(first);
        assert_eq!(ask_tcp(fixed, &soa).await, (0, 1));
        drop(second);
        // The next creation, in this process or another, gets the address.
        let next = responder_at(fixed);
        let served = serve_zone(&next).await;
        assert_eq!(ask_tcp(served.address(), &soa).await, (0, 1));
    });
}

#[test]
fn an_address_in_use_is_waited_for_until_the_deadline() {
    run(async {
        let taken = std::net::UdpSocket::bind(free_address()).unwrap();
        let responder = responder(Some(taken.local_addr().unwrap()));
        let deadline = Instant::now() + Duration::from_millis(50);
        let served = responder
            .serve(&zone(), Ipv4Addr::LOCALHOST.into(), deadline)
            .await;
        assert!(matches!(served.err(), Some(RndcError::ListenBusy { .. })));
        assert!(Instant::now() >= deadline);
        let free = async {
            sleep(LISTEN_POLL).await;
            drop(taken);
        };
        let (_served, ()) = tokio::join!(serve_zone(&responder), free);
    });
}

#[test]
fn a_busy_process_leaves_the_address_to_others() {
    run(async {
        let fixed = free_address();
        let busy = responder(Some(fixed));
        let other = responder_at(fixed);
        let mut served = serve_zone(&busy).await;
        let never_empty = async {
            loop {
                let deadline = Instant::now() + LISTEN_POLL * 2;
                let zone = zone();
                let next = busy.serve(&zone, Ipv4Addr::LOCALHOST.into(), deadline);
                served = if let Ok(next) = next.await {
                    next
                } else {
                    drop(served);
                    serve_zone(&busy).await
                };
                sleep(LISTEN_POLL).await;
            }
        };
        tokio::select! {
            () = never_empty => unreachable!("the loop never ends"),
            served = serve_zone(&other) => assert_eq!(served.address(), fixed),
        }
    });
}

#[test]
fn a_process_whose_time_is_over_leaves_the_address_for_a_while() {
    run(async {
        let busy = responder(Some(free_address()));
        let served = serve_zone(&busy).await;
        sleep(HOLD_TIME_MAX).await;
        drop(served);
        let deadline = Instant::now() + RELEASE_TIME / 2;
        let zone = zone();
        let early = busy.serve(&zone, Ipv4Addr::LOCALHOST.into(), deadline);
        assert!(matches!(
            early.await.err(),
            Some(RndcError::ListenBusy { .. })
        ));
        let _served = serve_zone(&busy).await;
    });
}

/// Connects from this address, sends a query, and returns the response code; `None` if the connection is closed.
async fn ask_from(source: Ipv4Addr, address: SocketAddr, query: &[u8]) -> Option<u8> {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((source, 0))).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let _ = write_frame(&mut stream, query).await;
    let answer = read_frame(&mut stream).await.ok()?;
    Some(answer[3] & 15)
}

#[test]
fn only_the_server_may_connect_and_it_is_known_by_a_signed_query_too() {
    run(async {
        let responder = responder(None);
        let served = serve_zone(&responder).await;
        let stranger = Ipv4Addr::new(127, 0, 0, 2);
        let soa = query("example.com", RecordType::SOA, Some(&key(b"secret")));
        let unsigned = query("example.com", RecordType::SOA, None);
        let socket = UdpSocket::bind((stranger, 0)).await.unwrap();
        socket.send_to(&unsigned, served.address()).await.unwrap();
        socket.recv_from(&mut [0; 512]).await.unwrap();
        assert_eq!(ask_from(stranger, served.address(), &soa).await, None);
        assert_eq!(ask_tcp(served.address(), &soa).await, (0, 1));
        socket.send_to(&soa, served.address()).await.unwrap();
        socket.recv_from(&mut [0; 512]).await.unwrap();
        assert_eq!(ask_from(stranger, served.address(), &soa).await, Some(0));
    });
}

#[test]
fn what_only_a_stranger_asked_is_said() {
    run(async {
        let responder = responder(None);
        let served = serve_zone(&responder).await;
        let stranger = Ipv4Addr::new(127, 0, 0, 2);
        let soa = query("example.com", RecordType::SOA, Some(&key(b"secret")));
        assert_eq!(ask_from(stranger, served.address(), &soa).await, None);
        assert_eq!(served.seen(), Seen::Stranger(stranger.into()));
    });
}

/// Two free addresses beside each other, as a range.
fn free_range() -> Listen {
    loop {
        let (first, mut second) = (free_address(), free_address());
        second.set_port(first.port() + 1);
        if std::net::UdpSocket::bind(second).is_ok() && std::net::TcpListener::bind(second).is_ok()
        {
            return format!("{first}-{}", second.port()).parse().unwrap();
        }
    }
}

#[test]
fn a_port_of_a_range_at_which_a_fetch_failed_is_taken_last() {
    run(async {
        let range = free_range();
        let ports: Vec<SocketAddr> = range.addresses().collect();
        let mut firsts = Vec::new();
        for _ in 0..20 {
            let responder = Responder::new(Some(range), Vec::new(), vec![key(b"secret")], || NOW);
            let first = serve_zone(&responder).await;
            firsts.push(first.address());
            assert!(first.avoid_port());
            let second = serve_zone(&responder).await;
            assert_ne!(second.address(), first.address());
            // The zone that goes does not close the sockets of another port.
            drop(first);
            let third = serve_zone(&responder).await;
            assert_eq!(third.address(), second.address());
            assert!(!second.avoid_port());
        }
        for _ in 0..5 {
            let responder = Responder::new(Some(range), Vec::new(), vec![key(b"secret")], || NOW);
            let first = serve_zone(&responder).await;
            let address = first.address();
            assert!(first.avoid_port());
            drop(first);
            sleep(LISTEN_POLL).await;
            // It is free again.
            assert_ne!(serve_zone(&responder).await.address(), address);
        }
        // Processes begin with different ports.
        assert!(ports.iter().all(|port| firsts.contains(port)), "{firsts:?}");
    });
}
