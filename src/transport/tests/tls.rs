//! Tests of TLS with scripted servers; openssl makes the certificates as an operator would.

mod files;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::*;
use crate::diagnostic::Diagnose as _;
use crate::diagnostic::transport::PIN_COMMAND;
use crate::model::Secret;
use crate::permission::quoted;

/// A directory of `NAME.pem` and `NAME.key` files.
struct Certificates(TempDir);

impl Certificates {
    /// Creates an authority `ca`, and certificates of it for the server and the client.
    fn new() -> Self {
        // Commands of hints must quote the path.
        let prefix = "it's a $directory ";
        let certs = Self(tempfile::Builder::new().prefix(prefix).tempdir().unwrap());
        certs.create("ca", &["-addext", "keyUsage=critical,keyCertSign"]);
        certs.sign("server", "ca", "DNS:primary.test,IP:127.0.0.1");
        certs.sign("client", "ca", "DNS:client.test");
        certs
    }

    fn path(&self, file: &str) -> String {
        self.0.path().join(file).to_str().unwrap().to_owned()
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    /// Creates a self-signed certificate, unless the options name an authority.
    fn create(&self, name: &str, options: &[&str]) {
        let mut arguments: Vec<String> =
            "req -x509 -days 2 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256"
                .split(' ')
                .map(str::to_owned)
                .collect();
        arguments.extend(["-subj".to_owned(), format!("/CN={name}")]);
        arguments.extend(["-out".to_owned(), self.path(&format!("{name}.pem"))]);
        arguments.extend(["-keyout".to_owned(), self.path(&format!("{name}.key"))]);
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        let output = Command::new("openssl").args(&arguments).output();
        let output = output.expect("openssl is needed: apt-get install openssl");
        assert!(output.status.success(), "{output:?}");
    }

    fn sign(&self, name: &str, authority: &str, names: &str) {
        let (ca, key) = (format!("{authority}.pem"), format!("{authority}.key"));
        let names = format!("subjectAltName={names}");
        self.create(
            name,
            &[
                "-CA",
                &self.path(&ca),
                "-CAkey",
                &self.path(&key),
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-addext",
                &names,
            ],
        );
    }

    /// Computes the pin of a certificate with the command that the hints show.
    fn pin(&self, name: &str) -> Pin {
        let path = self.path(&format!("{name}.pem"));
        let command = PIN_COMMAND.replace("CERTIFICATE.pem", &quoted(Path::new(&path)));
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse().unwrap()
    }

    fn chain(&self, name: &str) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_file(Path::new(&self.path(&format!("{name}.pem")))).unwrap()]
    }

    fn key(&self, name: &str) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_file(Path::new(&self.path(&format!("{name}.key")))).unwrap()
    }

    fn server(&self, name: &str) -> ServerConfig {
        builder()
            .with_no_client_auth()
            .with_single_cert(self.chain(name), self.key(name))
            .unwrap()
    }

    /// Returns a server that requires a client certificate of the authority `ca`.
    fn strict_server(&self, version: &'static rustls::SupportedProtocolVersion) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.chain("ca").remove(0)).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain("server"), self.key("server"))
            .unwrap()
    }

    fn identity(&self, name: &str) -> ClientIdentity {
        ClientIdentity {
            certificate_pem: self.pem(&format!("{name}.pem")),
            key_pem: self.private(&format!("{name}.key")),
        }
    }

    fn pem(&self, file: &str) -> PemFile {
        PemFile {
            path: self.path(file).into(),
            content: self.read(file),
        }
    }

    fn private(&self, file: &str) -> PemFile<Secret<Vec<u8>>> {
        PemFile {
            path: self.path(file).into(),
            content: Secret::new(self.read(file)),
        }
    }

    fn by_authority(&self, name: &str, server_name: &str) -> TlsSettings {
        TlsSettings {
            application: Application::Dns,
            server_name: server_name.to_owned(),
            ca_pem: Some(self.pem(&format!("{name}.pem"))),
            pins: vec![],
            client: None,
        }
    }

    fn by_pins(&self, names: &[&str]) -> TlsSettings {
        TlsSettings {
            application: Application::Dns,
            server_name: "any.test".to_owned(),
            ca_pem: None,
            pins: names.iter().map(|name| self.pin(name)).collect(),
            client: None,
        }
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

fn security(settings: &TlsSettings) -> Security {
    Security::Tls(Arc::new(TlsClient::new(settings).unwrap()))
}

/// Accepts one connection, sends its first message back, and returns the ALPN protocol.
async fn echo(
    listener: &TcpListener,
    mut config: ServerConfig,
) -> std::io::Result<Option<Vec<u8>>> {
    config.alpn_protocols = vec![b"dot".to_vec()];
    let (tcp, _) = listener.accept().await?;
    let mut stream = TlsAcceptor::from(Arc::new(config)).accept(tcp).await?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).await?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).await?;
    stream.write_all(&length).await?;
    stream.write_all(&message).await?;
    stream.flush().await?;
    Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
}

/// Sends one message to the server and receives it back.
async fn exchange(server: ServerConfig, settings: &TlsSettings) -> Result<(), TransportError> {
    let (listener, address) = listen().await;
    let endpoint = Endpoint {
        security: security(settings),
        ..endpoint(address)
    };
    let ours = async {
        let mut connection = Connection::open(&endpoint, within(LONG)).await?;
        connection.send(b"message", within(LONG)).await?;
        let answer = connection.receive(within(LONG)).await?;
        assert_eq!(answer, b"message");
        Ok(())
    };
    let (ours, theirs) = tokio::join!(ours, echo(&listener, server));
    if ours.is_ok() {
        assert_eq!(theirs.unwrap().as_deref(), Some(&b"dot"[..]));
    }
    ours
}

async fn failure(server: ServerConfig, settings: &TlsSettings) -> TlsFailure {
    let error = exchange(server, settings).await.unwrap_err();
    assert!(!error.request_may_have_arrived(), "{error}");
    let TransportError::Tls { failure, .. } = error else {
        panic!("{error}");
    };
    failure
}

#[tokio::test]
async fn an_authority_and_the_right_name_are_trusted() {
    let certs = Certificates::new();
    for name in ["primary.test", "PRIMARY.test.", "127.0.0.1"] {
        let settings = certs.by_authority("ca", name);
        exchange(certs.server("server"), &settings).await.unwrap();
    }
}

#[tokio::test]
async fn another_name_is_a_mismatch_that_shows_both() {
    let certs = Certificates::new();
    for name in ["other.test", "127.0.0.2"] {
        let failure = failure(certs.server("server"), &certs.by_authority("ca", name)).await;
        let TlsFailure::NameMismatch {
            expected,
            presented,
        } = &failure
        else {
            panic!("{failure}");
        };
        assert_eq!(expected, name);
        assert!(
            format!("{presented:?}").contains("primary.test"),
            "{failure}"
        );
        assert_eq!(failure.diagnostic().code(), "NB-TLS-OTHER-NAME");
    }
}

#[tokio::test]
async fn another_authority_is_an_unknown_issuer() {
    let certs = Certificates::new();
    certs.create("other", &[]);
    let failure = failure(
        certs.server("server"),
        &certs.by_authority("other", "primary.test"),
    )
    .await;
    assert!(matches!(failure, TlsFailure::UnknownIssuer), "{failure}");
    assert_eq!(failure.diagnostic().code(), "NB-TLS-UNKNOWN-ISSUER");
}

#[tokio::test]
async fn a_plain_self_signed_certificate_is_trusted_by_its_pin_and_not_as_its_own_authority() {
    let certs = Certificates::new();
    certs.create("alone", &["-addext", "subjectAltName=DNS:primary.test"]);
    let settings = certs.by_authority("alone", "primary.test");
    let failure = failure(certs.server("alone"), &settings).await;
    assert!(matches!(failure, TlsFailure::SelfSigned), "{failure}");
    assert_eq!(failure.diagnostic().code(), "NB-TLS-SELF-SIGNED");

    let settings = certs.by_pins(&["alone"]);
    exchange(certs.server("alone"), &settings).await.unwrap();
}

#[tokio::test]
async fn one_of_several_pins_is_enough_and_another_key_is_a_mismatch() {
    let certs = Certificates::new();
    let settings = certs.by_pins(&["client", "server"]);
    exchange(certs.server("server"), &settings).await.unwrap();

    let settings = certs.by_pins(&["client"]);
    let failure = failure(certs.server("server"), &settings).await;
    let TlsFailure::PinMismatch { presented } = failure else {
        panic!("{failure}");
    };
    assert_eq!(presented, certs.pin("server"));
}

#[tokio::test]
async fn with_an_authority_and_pins_both_must_hold() {
    let certs = Certificates::new();
    let both = |pins: &[&str], name: &str| TlsSettings {
        application: Application::Dns,
        pins: certs.by_pins(pins).pins,
        ..certs.by_authority("ca", name)
    };
    let settings = both(&["server"], "primary.test");
    exchange(certs.server("server"), &settings).await.unwrap();
    let by_pin = failure(certs.server("server"), &both(&["client"], "primary.test")).await;
    assert!(matches!(by_pin, TlsFailure::PinMismatch { .. }));
    let by_name = failure(certs.server("server"), &both(&["server"], "other.test")).await;
    assert!(matches!(by_name, TlsFailure::NameMismatch { .. }));
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_refused() {
    let certs = Certificates::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let key = ring::sign::any_supported_type(&certs.key("client")).unwrap();
        let stolen = CertifiedKey::new(certs.chain("server"), key);
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(stolen)));
        let failure = failure(server, &certs.by_pins(&["server"])).await;
        assert!(failure.to_string().contains("BadSignature"), "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_requires_a_client_certificate_gets_it_or_is_a_failure_of_its_own() {
    let certs = Certificates::new();
    certs.create("stranger", &[]);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let with = |client: Option<ClientIdentity>| TlsSettings {
            client,
            ..certs.by_authority("ca", "primary.test")
        };
        let settings = with(Some(certs.identity("client")));
        exchange(certs.strict_server(version), &settings)
            .await
            .unwrap();

        for client in [None, Some(certs.identity("stranger"))] {
            let failure = failure(certs.strict_server(version), &with(client)).await;
            assert!(
                matches!(failure, TlsFailure::ClientCertificate { .. }),
                "{version:?} {failure}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_differs_from_one_that_closes_the_connection() {
    let certs = Certificates::new();
    let (listener, address) = listen().await;
    let endpoint = Endpoint {
        security: security(&certs.by_pins(&["server"])),
        ..endpoint(address)
    };
    let plain = async {
        let (mut theirs, _) = listener.accept().await.unwrap();
        theirs.write_all(b"\x00\x0c0123456789ab").await.unwrap();
        let mut all = vec![];
        let _ = theirs.read_to_end(&mut all).await;
    };
    let (ours, ()) = tokio::join!(Connection::open(&endpoint, within(LONG)), plain);
    let error = ours.unwrap_err();
    assert!(
        matches!(
            error,
            TransportError::Tls {
                failure: TlsFailure::NotTls,
                ..
            }
        ),
        "{error}"
    );

    let hang_up = async {
        let (mut theirs, _) = listener.accept().await.unwrap();
        // Read first: a close with unread octets is a reset.
        let mut hello = [0; 5];
        theirs.read_exact(&mut hello).await.unwrap();
        let mut rest = vec![0; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
        theirs.read_exact(&mut rest).await.unwrap();
    };
    let (ours, ()) = tokio::join!(Connection::open(&endpoint, within(LONG)), hang_up);
    let error = ours.unwrap_err();
    assert!(
        matches!(
            error,
            TransportError::Closed {
                step: Step::Handshake,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.request_may_have_arrived());
}

#[tokio::test]
async fn a_silent_first_address_leaves_time_for_the_second() {
    let certs = Certificates::new();
    let (_silent, first) = listen().await;
    let (listener, second) = listen().await;
    let endpoint = Endpoint {
        security: security(&certs.by_pins(&["server"])),
        ..endpoint(second)
    };
    let addresses = [first, second];
    let deadline = within(Duration::from_secs(3));
    let (ours, _) = tokio::join!(
        async {
            let mut ours = Connection::open_any(&endpoint, &addresses, deadline).await?;
            ours.send(b"message", within(LONG)).await?;
            ours.receive(within(LONG)).await?;
            Ok::<_, TransportError>(ours.peer())
        },
        echo(&listener, certs.server("server"))
    );
    assert_eq!(ours.unwrap(), second);

    let error = times_out(Connection::open_any(&endpoint, &[first], within(SHORT))).await;
    assert!(
        matches!(
            error,
            TransportError::TimedOut {
                step: Step::Handshake,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_pin_is_base64_of_a_whole_digest() {
    let text = "YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=";
    let pin: Pin = text.parse().unwrap();
    assert_eq!(pin.to_string(), text);
    for bad in ["", "YLh1", "?Lh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg="] {
        assert!(bad.parse::<Pin>().is_err());
    }
}
