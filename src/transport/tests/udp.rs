//! Datagrams against scripted peers on loopback.

use tokio::net::UdpSocket;

use super::*;

const PATIENCE: UdpPatience = UdpPatience {
    wait: SHORT,
    sendings: 3,
};

async fn peer() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Asks `address`, while `peer` runs.
async fn ask<T>(
    address: SocketAddr,
    patience: UdpPatience,
    peer: impl Future<Output = T>,
) -> (Result<Vec<u8>, TransportError>, T) {
    let asked = exchange_datagrams(address, None, b"\x12\x34request", patience, within(LONG));
    tokio::join!(asked, peer)
}

#[tokio::test]
async fn a_lost_request_is_sent_again_and_old_answers_are_passed_over() {
    let (socket, address) = peer().await;
    let scripted = async {
        let mut buffer = [0; 64];
        let (first, _) = socket.recv_from(&mut buffer).await.unwrap();
        let (octets, from) = socket.recv_from(&mut buffer).await.unwrap();
        assert_eq!(
            (first, &buffer[..octets]),
            (octets, &b"\x12\x34request"[..])
        );
        for answer in [&b"\x12\x35old"[..], b"\x12", b"", b"\x12\x34answer"] {
            socket.send_to(answer, from).await.unwrap();
        }
    };
    let (answer, ()) = ask(address, PATIENCE, scripted).await;
    assert_eq!(answer.unwrap(), b"\x12\x34answer");
}

#[tokio::test]
async fn silence_is_a_time_out_after_the_last_sending() {
    let (socket, address) = peer().await;
    let started = Instant::now();
    let (answer, ()) = ask(address, PATIENCE, std::future::ready(())).await;
    assert!(matches!(answer, Err(TransportError::TimedOut { .. })));
    assert!(started.elapsed() >= SHORT * 3);
    let mut buffer = [0; 64];
    for _ in 0..PATIENCE.sendings {
        socket.try_recv(&mut buffer).unwrap();
    }
    assert!(socket.try_recv(&mut buffer).is_err());
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_known_at_once() {
    let (socket, address) = peer().await;
    drop(socket);
    let patience = UdpPatience {
        wait: LONG,
        sendings: 1,
    };
    let (answer, ()) = ask(address, patience, std::future::ready(())).await;
    assert!(
        matches!(answer, Err(TransportError::Refused { .. })),
        "{answer:?}"
    );
}
