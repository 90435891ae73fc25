//! Authentication of servers over TLS (RFC 7858 section 4): by a certificate authority and a name,
//! or by pinned keys.
//!
//! [`TlsClient::new`] requires an authority or a pin. The authorities of the system count only if
//! the operator names their file: they certify names on the web, and not which server may speak for
//! a zone.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};

use super::pin::{Pin, PinMismatch};
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, transport as entries};
use crate::model::Secret;
use crate::permission::quoted;

/// The protocol inside TLS, which the handshake names (RFC 7301).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Application {
    /// DNS (RFC 7858).
    Dns,
    /// HTTP/1.1 (RFC 7301 section 6).
    Http,
}

impl Application {
    fn alpn(self) -> &'static [u8] {
        match self {
            Self::Dns => b"dot",
            Self::Http => b"http/1.1",
        }
    }
}

/// The settings that authenticate the server and the client.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct TlsSettings {
    pub application: Application,
    /// The name or IP address that the server's certificate must have. The handshake sends a name
    /// to the server. With pins alone it is not verified.
    pub server_name: String,
    /// Certificate authorities.
    pub ca_pem: Option<PemFile>,
    /// Pins; the server's key must match one of them. With `ca_pem` both must hold.
    pub pins: Vec<Pin>,
    /// The client's certificate, for a server that requests one.
    pub client: Option<ClientIdentity>,
}

/// The content of a file that must be PEM, and its path for messages.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct PemFile<T = Vec<u8>> {
    pub path: PathBuf,
    pub content: T,
}

/// A part of the settings that a file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PemPart {
    /// Certificate authorities.
    Authorities,
    /// The client's certificate.
    Certificate,
    /// The private key of the client's certificate.
    Key,
}

impl fmt::Display for PemPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorities => "the authority's certificate",
            Self::Certificate => "the client's certificate",
            Self::Key => "the client's private key",
        })
    }
}

/// A client's certificate and its private key.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The certificate and any intermediate ones up to the authority.
    pub certificate_pem: PemFile,
    /// The private key (PKCS #8, PKCS #1 or SEC 1), without a passphrase.
    pub key_pem: PemFile<Secret<Vec<u8>>>,
}

/// The reason why settings make no [`TlsClient`].
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum TlsError {
    /// The settings have neither an authority nor a pin.
    NoTrust,
    /// The server's name is neither a host name nor an IP address.
    ServerName { name: String },
    /// A file is empty.
    Empty {
        path: PathBuf,
        /// The part of the settings that it must hold.
        part: PemPart,
    },
    /// A PEM section of the authorities is malformed.
    CaPem { path: PathBuf, source: pem::Error },
    /// The file of authorities has no PEM certificate.
    CaEmpty { path: PathBuf },
    /// The file of the client's certificate has no PEM certificate.
    CertificatePem { path: PathBuf },
    /// The file of the client's key has no PEM key.
    KeyPem { path: PathBuf },
    /// The client's key is of an unknown kind, or it does not belong to the certificate.
    Identity {
        certificate: PathBuf,
        key: PathBuf,
        source: rustls::Error,
    },
    /// rustls refuses its own defaults.
    Setup { source: rustls::Error },
}

displayed!(TlsError);

impl Diagnose for TlsError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::NoTrust => case!(entries::TLS_NO_TRUST),
            Self::ServerName { name } => case!(entries::TLS_NAME_INVALID, name),
            Self::Empty { path, part } => {
                case!(entries::TLS_FILE_EMPTY, path = path.display(), part)
            }
            Self::CaPem { path, source } => {
                case!(entries::TLS_CA_UNREADABLE, path = path.display(), source)
            }
            Self::CaEmpty { path } => {
                let (path, quoted) = (path.display(), quoted(path));
                case!(entries::TLS_CA_EMPTY, path, quoted)
            }
            Self::CertificatePem { path } => {
                let (path, quoted) = (path.display(), quoted(path));
                case!(entries::TLS_CERTIFICATE_UNREADABLE, path, quoted)
            }
            Self::KeyPem { path } => {
                let (path, quoted) = (path.display(), quoted(path));
                case!(entries::TLS_KEY_UNREADABLE, path, quoted)
            }
            Self::Identity {
                certificate,
                key,
                source,
            } => {
                let (quoted_certificate, quoted_key) = (quoted(certificate), quoted(key));
                let (certificate, key) = (certificate.display(), key.display());
                if let rustls::Error::InconsistentKeys(_) = source {
                    case!(
                        entries::TLS_IDENTITY_UNFIT,
                        certificate,
                        key,
                        quoted_certificate,
                        quoted_key
                    )
                } else {
                    case!(
                        entries::TLS_IDENTITY_UNUSABLE,
                        certificate,
                        key,
                        quoted_key,
                        source
                    )
                }
            }
            Self::Setup { source } => case!(entries::TLS_UNAVAILABLE, source),
        }
    }
}

/// The configuration of TLS handshakes; the connections to a primary share one.
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl TlsClient {
    /// Builds a client from the settings.
    ///
    /// # Errors
    /// [`TlsError`], which never quotes a part of a key.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsError> {
        let server_name = server_name(settings)?;
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new(settings, &provider)?;
        Self::build(settings, server_name, provider, verifier)
    }

    /// Builds a client that does not verify the server. It protects against passive listeners only:
    /// an active attacker can impersonate the server. Only nsupdate's `-O` may use it.
    ///
    /// # Errors
    /// [`TlsError`], which never quotes a part of a key.
    pub fn unverified(settings: &TlsSettings) -> Result<Self, TlsError> {
        let server_name = server_name(settings)?;
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier {
            authority: None,
            pins: Vec::new(),
            algorithms: provider.signature_verification_algorithms,
        };
        Self::build(settings, server_name, provider, verifier)
    }

    fn build(
        settings: &TlsSettings,
        server_name: ServerName<'static>,
        provider: Arc<CryptoProvider>,
        verifier: Verifier,
    ) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| TlsError::Setup { source })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &settings.client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let (chain, key) = client.read()?;
                let built = builder.with_client_auth_cert(chain, key);
                built.map_err(|source| TlsError::Identity {
                    certificate: client.certificate_pem.path.clone(),
                    key: client.key_pem.path.clone(),
                    source,
                })?
            }
        };
        config.alpn_protocols = vec![settings.application.alpn().to_vec()];
        Ok(Self {
            config: Arc::new(config),
            server_name,
        })
    }

    pub(super) fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    pub(super) fn server_name(&self) -> &ServerName<'static> {
        &self.server_name
    }
}

fn server_name(settings: &TlsSettings) -> Result<ServerName<'static>, TlsError> {
    let name = settings.server_name.trim_end_matches('.');
    let parsed = ServerName::try_from(name).map_err(|_| TlsError::ServerName {
        name: settings.server_name.clone(),
    })?;
    Ok(parsed.to_owned())
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

impl ClientIdentity {
    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let PemFile { path, content } = &self.certificate_pem;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(content)
            .collect::<Result<_, _>>()
            .unwrap_or_default();
        if chain.is_empty() {
            let no_pem = TlsError::CertificatePem { path: path.clone() };
            return Err(empty(path, content, PemPart::Certificate).unwrap_or(no_pem));
        }
        let PemFile { path, content } = &self.key_pem;
        let key = PrivateKeyDer::from_pem_slice(content.expose());
        // Drop the cause: it could quote a line of the key.
        let key = key.map_err(|_| {
            let no_pem = TlsError::KeyPem { path: path.clone() };
            empty(path, content.expose(), PemPart::Key).unwrap_or(no_pem)
        })?;
        Ok((chain, key))
    }
}

/// The verifier of server certificates: by authority, by pin, or by both.
#[derive(Debug)]
struct Verifier {
    authority: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<Pin>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
        if settings.ca_pem.is_none() && settings.pins.is_empty() {
            return Err(TlsError::NoTrust);
        }
        let authority = match &settings.ca_pem {
            None => None,
            Some(file) => {
                let roots = Arc::new(read_roots(file)?);
                let builder =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider));
                let path = file.path.clone();
                Some(builder.build().map_err(|_| TlsError::CaEmpty { path })?)
            }
        };
        Ok(Self {
            authority,
            pins: settings.pins.clone(),
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

/// Returns the error for a file that is empty; `None` if it is not.
fn empty(path: &Path, content: &[u8], part: PemPart) -> Option<TlsError> {
    let path = path.to_owned();
    content
        .trim_ascii()
        .is_empty()
        .then_some(TlsError::Empty { path, part })
}

fn read_roots(PemFile { path, content }: &PemFile) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(content) {
        let path = path.clone();
        let certificate = certificate.map_err(|source| TlsError::CaPem { path, source })?;
        // A system's list may have a certificate that is too old to parse: the others still count.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        let none = TlsError::CaEmpty { path: path.clone() };
        return Err(empty(path, content, PemPart::Authorities).unwrap_or(none));
    }
    Ok(roots)
}

impl Verifier {
    /// Returns whether nothing is known of the server. Then a signature proves nothing, and need not be read: BIND 9.20
    /// makes itself certificates of version 1, which webpki does not read.
    fn trusts_all(&self) -> bool {
        self.authority.is_none() && self.pins.is_empty()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(authority) = &self.authority {
            authority.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )?;
        }
        if !self.pins.is_empty() {
            let presented = Pin::of(end_entity).ok_or(CertificateError::BadEncoding)?;
            if !self.pins.contains(&presented) {
                let mismatch = OtherError(Arc::new(PinMismatch { presented }));
                return Err(CertificateError::Other(mismatch).into());
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.trusts_all() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if self.trusts_all() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
