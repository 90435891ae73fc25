//! The control channel against a scripted server.

use tokio::net::TcpListener;

use super::*;
use crate::model::Secret;

fn server(port: u16) -> Server {
    let algorithm = "hmac-sha256".parse().unwrap();
    let secret = Secret::new(b"secret".to_vec());
    let key = Key::new("rndc".parse().unwrap(), algorithm, secret).unwrap();
    let control = ("127.0.0.1".to_owned(), port);
    Server::new(
        control,
        key.into(),
        || 1_700_000_000,
        Duration::from_secs(1),
    )
}

/// Returns the error of opening a connection to a server that sends `reply` to every request.
fn open_against(reply: &'static [u8], closes: bool) -> RndcError {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = server(listener.local_addr().unwrap().port());
        let scripted = async {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let octets = stream.read_u32().await.unwrap();
                let mut request = vec![0; usize::try_from(octets).unwrap()];
                stream.read_exact(&mut request).await.unwrap();
                stream.write_all(reply).await.unwrap();
                if !closes {
                    open.push(stream);
                }
            }
        };
        let deadline = Instant::now() + Duration::from_millis(300);
        tokio::select! {
            () = scripted => unreachable!("it accepts for ever"),
            opened = Control::open(&server, deadline) => opened.err().unwrap(),
        }
    })
}

#[test]
fn a_silent_server_and_a_closed_connection_have_different_errors() {
    let silent = open_against(b"", false);
    assert!(
        matches!(
            silent,
            RndcError::Deadline {
                step: Step::Answering,
                ..
            }
        ),
        "{silent}"
    );
    let closed = open_against(b"", true);
    assert!(matches!(closed, RndcError::Unanswered { .. }), "{closed}");
}

#[test]
fn a_reply_that_is_too_long_or_of_another_protocol_is_an_error_at_once() {
    let long = open_against(b"\x00\x10\x00\x01", false);
    assert!(
        matches!(
            long,
            RndcError::BadReply {
                source: ReplyError::TooLarge { .. },
                ..
            }
        ),
        "{long}"
    );
    let other = open_against(b"\0\0\0\x08SSH-2.0-", false);
    assert!(
        matches!(
            other,
            RndcError::BadReply {
                source: ReplyError::Version(_),
                ..
            }
        ),
        "{other}"
    );
}
