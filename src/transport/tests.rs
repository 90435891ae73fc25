//! Tests of connections to scripted peers on loopback.

mod tls;
mod udp;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::*;
use crate::diagnostic::Diagnose as _;
use crate::wire::MESSAGE_OCTETS_MAX;

/// The deadline of waits that must succeed; long, because they end earlier.
const LONG: Duration = Duration::from_secs(20);
/// The deadline of waits that must time out.
const SHORT: Duration = Duration::from_millis(100);

fn within(time: Duration) -> Instant {
    Instant::now() + time
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint {
        host: address.ip().to_string(),
        port: address.port(),
        security: Security::Tcp,
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Returns an address at which nothing listens.
async fn closed_port() -> SocketAddr {
    listen().await.1
}

/// Opens a connection and returns it with the peer's end.
async fn pair() -> (Connection, TcpStream) {
    let (listener, address) = listen().await;
    let endpoint = endpoint(address);
    let (ours, theirs) = tokio::join!(Connection::open(&endpoint, within(LONG)), listener.accept());
    (ours.unwrap(), theirs.unwrap().0)
}

/// Checks that the future neither hangs nor ends early, and returns its error.
async fn times_out<T: std::fmt::Debug>(
    wait: impl Future<Output = Result<T, TransportError>>,
) -> TransportError {
    let error = tokio::time::timeout(LONG, wait).await.unwrap().unwrap_err();
    if let TransportError::TimedOut { after, .. } = &error {
        assert!(*after >= SHORT / 2, "{error}");
    }
    error
}

#[tokio::test]
async fn messages_travel_in_frames_of_their_length() {
    let (mut ours, mut theirs) = pair().await;
    ours.send(b"request", within(LONG)).await.unwrap();
    let mut frame = [0; 9];
    theirs.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"\x00\x07request");

    // Three responses in one segment; the second is empty.
    theirs
        .write_all(b"\x00\x03one\x00\x00\x00\x03two")
        .await
        .unwrap();
    for expected in [&b"one"[..], b"", b"two"] {
        assert_eq!(ours.receive(within(LONG)).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn the_longest_message_is_sent_and_a_longer_one_is_an_error() {
    let (mut ours, mut theirs) = pair().await;
    let longest = vec![7; MESSAGE_OCTETS_MAX];
    let echo = async {
        let mut frame = vec![0; 2 + MESSAGE_OCTETS_MAX];
        theirs.read_exact(&mut frame).await.unwrap();
        theirs.write_all(&frame).await.unwrap();
    };
    let exchange = async {
        ours.send(&longest, within(LONG)).await.unwrap();
        ours.receive(within(LONG)).await.unwrap()
    };
    assert_eq!(tokio::join!(exchange, echo).0, longest);

    let error = ours.send(&vec![0; 65_536], within(LONG)).await.unwrap_err();
    assert!(matches!(error, TransportError::TooLong { octets: 65_536 }));
    ours.send(b"still usable", within(LONG)).await.unwrap();
}

#[tokio::test]
async fn a_receive_from_a_silent_peer_times_out_at_the_deadline() {
    let (mut ours, _theirs) = pair().await;
    ours.send(b"request", within(LONG)).await.unwrap();
    let error = times_out(ours.receive(within(SHORT))).await;
    let step = Step::Receive;
    assert!(matches!(&error, TransportError::TimedOut { step: s, .. } if *s == step));
    assert!(error.request_may_have_arrived());
    assert_eq!(
        error.to_string(),
        format!("{} timed out after 0.1 s", ours.peer())
    );
}

#[tokio::test]
async fn a_receive_that_timed_out_within_a_frame_loses_nothing() {
    let (mut ours, mut theirs) = pair().await;
    theirs.write_all(b"\x00\x06ans").await.unwrap();
    times_out(ours.receive(within(SHORT))).await;
    theirs.write_all(b"wer").await.unwrap();
    assert_eq!(ours.receive(within(LONG)).await.unwrap(), b"answer");
}

#[tokio::test]
async fn a_send_to_a_peer_that_never_reads_times_out_and_tears_the_connection() {
    let (mut ours, _theirs) = pair().await;
    let message = vec![0; MESSAGE_OCTETS_MAX];
    let error = loop {
        match ours.send(&message, within(SHORT)).await {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(
        error,
        TransportError::TimedOut {
            step: Step::Send,
            ..
        }
    ));
    assert!(!error.request_may_have_arrived());
    let error = ours.send(b"next", within(SHORT)).await.unwrap_err();
    assert!(matches!(error, TransportError::Torn { .. }));
}

#[tokio::test]
async fn a_close_between_messages_differs_from_a_close_within_one() {
    let (mut ours, theirs) = pair().await;
    drop(theirs);
    let error = ours.receive(within(LONG)).await.unwrap_err();
    assert!(matches!(error, TransportError::Closed { .. }), "{error}");
    assert!(error.request_may_have_arrived());

    for part in [&b"\x00"[..], b"\x00\x06", b"\x00\x06ans"] {
        let (mut ours, mut theirs) = pair().await;
        theirs.write_all(part).await.unwrap();
        drop(theirs);
        let error = ours.receive(within(LONG)).await.unwrap_err();
        assert!(
            matches!(error, TransportError::ClosedInFrame { octets, .. } if octets == part.len()),
            "{error}"
        );
        assert!(error.request_may_have_arrived());
    }
}

#[tokio::test]
async fn a_reset_is_reported_as_a_reset() {
    let (mut ours, theirs) = pair().await;
    // Without lingering the connection ends with a reset instead of a close.
    socket2::SockRef::from(&theirs)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(theirs);
    let error = ours.receive(within(LONG)).await.unwrap_err();
    assert!(
        matches!(
            error,
            TransportError::Reset {
                step: Step::Receive,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.request_may_have_arrived());
}

#[tokio::test]
async fn a_port_without_listener_refuses_the_connection() {
    let address = closed_port().await;
    let error = Connection::open(&endpoint(address), within(LONG))
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Refused { peer } if peer == address));
    assert!(!error.request_may_have_arrived());
    assert_eq!(error.diagnostic().code(), "NB-CONNECTION-REFUSED");
}

#[tokio::test]
async fn open_tries_every_address_of_a_host_in_order() {
    let (listener, good) = listen().await;
    let closed = [closed_port().await, closed_port().await];
    let host = Endpoint {
        host: "primary.test".to_owned(),
        ..endpoint(good)
    };
    let addresses = [closed[0], good];
    let (ours, _theirs) = tokio::join!(
        Connection::open_any(&host, &addresses, within(LONG)),
        listener.accept()
    );
    assert_eq!(ours.unwrap().peer(), good);

    let error = Connection::open_any(&host, &closed, within(LONG))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "none of the 2 addresses of `primary.test` can be used: {} refused the connection; {} refused the connection",
            closed[0], closed[1]
        )
    );
    assert!(!error.request_may_have_arrived());

    let error = Connection::open_any(&host, &[], within(LONG)).await;
    assert!(matches!(error, Err(TransportError::NoAddress { .. })));
}

#[tokio::test]
async fn a_host_name_that_does_not_exist_is_a_resolver_error() {
    let endpoint = Endpoint {
        host: "no-such-host.invalid".to_owned(),
        port: 53,
        security: Security::Tcp,
    };
    let error = Connection::open(&endpoint, within(LONG)).await.unwrap_err();
    // On a machine without a working resolver the lookup times out instead.
    assert!(
        matches!(
            &error,
            TransportError::Resolve { host, .. } if host == "no-such-host.invalid"
        ) || matches!(
            error,
            TransportError::TimedOut {
                step: Step::Resolve,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.request_may_have_arrived());
}

#[tokio::test]
async fn an_ipv6_literal_is_connected_to_and_printed_in_brackets() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        // A kernel without IPv6: only the text form can be checked.
        let endpoint = endpoint("[::1]:53".parse().unwrap());
        assert_eq!(endpoint.to_string(), "[::1]:53");
        return;
    };
    let address = listener.local_addr().unwrap();
    let endpoint = endpoint(address);
    assert_eq!(endpoint.to_string(), address.to_string());
    let (ours, _theirs) =
        tokio::join!(Connection::open(&endpoint, within(LONG)), listener.accept());
    assert_eq!(ours.unwrap().peer(), address);
}

#[test]
fn a_certificate_alert_rules_out_an_arrived_request_only_before_the_first_response() {
    let alert = tokio_rustls::rustls::AlertDescription::CertificateRequired;
    let error = || TransportError::Tls {
        peer: "192.0.2.53:853".parse().unwrap(),
        step: Step::Receive,
        failure: TlsFailure::ClientCertificate { alert },
    };
    assert!(!error().request_may_have_arrived());
    assert!(error().after_handshake().request_may_have_arrived());
}

#[test]
fn a_host_has_timed_out_if_one_of_its_addresses_has() {
    let peer = "192.0.2.1:53".parse().unwrap();
    let timed_out = || TransportError::TimedOut {
        step: Step::Connect,
        target: "192.0.2.2:53".to_owned(),
        after: SHORT,
    };
    let all = |failures| TransportError::AllFailed {
        host: "ns.example".to_owned(),
        failures,
    };
    assert!(timed_out().is_timeout());
    assert!(all(vec![TransportError::Refused { peer }, timed_out()]).is_timeout());
    assert!(!all(vec![TransportError::Refused { peer }]).is_timeout());
}
