//! Tests of UDP with scripted peers on loopback.

use tokio::net::UdpSocket;

use super::*;

const RETRY_POLICY: UdpRetryPolicy = UdpRetryPolicy {
    response_timeout: SHORT,
    attempts_max: 3,
};

async fn peer() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Sends a request to `address` while `peer` runs.
async fn exchange<T>(
    address: SocketAddr,
    retry_policy: UdpRetryPolicy,
    peer: impl Future<Output = T>,
) -> (Result<Vec<u8>, TransportError>, T) {
    let request = b"\x12\x34request";
    let exchange = exchange_datagrams(address, None, request, retry_policy, within(LONG));
    tokio::join!(exchange, peer)
}

#[tokio::test]
async fn a_lost_request_is_sent_again_and_late_responses_are_ignored() {
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
    let (answer, ()) = exchange(address, RETRY_POLICY, scripted).await;
    assert_eq!(answer.unwrap(), b"\x12\x34answer");
}

#[tokio::test]
async fn an_exchange_with_a_silent_peer_times_out_after_the_last_attempt() {
    let (socket, address) = peer().await;
    let started = Instant::now();
    let (answer, ()) = exchange(address, RETRY_POLICY, std::future::ready(())).await;
    assert!(matches!(answer, Err(TransportError::TimedOut { .. })));
    assert!(started.elapsed() >= SHORT * 3);
    let mut buffer = [0; 64];
    for _ in 0..RETRY_POLICY.attempts_max {
        socket.try_recv(&mut buffer).unwrap();
    }
    assert!(socket.try_recv(&mut buffer).is_err());
}

#[tokio::test]
async fn a_port_without_listener_is_refused_at_once() {
    let (socket, address) = peer().await;
    drop(socket);
    let retry_policy = UdpRetryPolicy {
        response_timeout: LONG,
        attempts_max: 1,
    };
    let (answer, ()) = exchange(address, retry_policy, std::future::ready(())).await;
    assert!(
        matches!(answer, Err(TransportError::Refused { .. })),
        "{answer:?}"
    );
}
