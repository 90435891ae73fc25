//! Authentication of servers over TLS (RFC 7858 section 4): by a certificate authority and a name,
//! or by pinned keys.
//!
//! [`TlsClient::new`] requires an authority or a pin. The authorities of the system count only if
//! the operator names their file: they certify names on the web, and not which server may speak for
//! a zone.

use std::fmt;
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

use super::pin::{PIN_COMMAND, Pin, PinMismatch};
use crate::model::Secret;

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
    /// Certificate authorities, PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Pins; the server's key must match one of them. With `ca_pem` both must hold.
    pub pins: Vec<Pin>,
    /// The client's certificate, for a server that requests one.
    pub client: Option<ClientIdentity>,
}

/// A client's certificate and its private key.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The certificate and any intermediate ones up to the authority, PEM.
    pub certificate_pem: Vec<u8>,
    /// The private key, PEM (PKCS #8, PKCS #1 or SEC 1), without a passphrase.
    pub key_pem: Secret<Vec<u8>>,
}

/// The reason why settings make no [`TlsClient`].
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum TlsError {
    /// The settings have neither an authority nor a pin.
    #[error("TLS needs `tls-ca-file` or `tls-pins`: without either any server would do")]
    NoTrust,
    /// The server's name is neither a host name nor an IP address.
    #[error("`{name}` is neither a host name nor an IP address")]
    ServerName { name: String },
    /// The authorities are no PEM.
    #[error("`tls-ca-file` cannot be read as PEM: {source}")]
    CaPem { source: pem::Error },
    /// The PEM has no usable authority.
    #[error("`tls-ca-file` holds no certificate that can be an authority")]
    CaEmpty,
    /// The client's certificate is missing or no PEM.
    #[error("`tls-certificate-file` holds no PEM certificate")]
    CertificatePem,
    /// The client's key is no PEM.
    #[error("`tls-key-file` holds no PEM private key, or one under a passphrase")]
    KeyPem,
    /// The client's key is of an unknown kind, or it does not belong to the certificate.
    #[error("`tls-certificate-file` and `tls-key-file` do not go together: {source}")]
    Identity { source: rustls::Error },
    /// rustls refuses its own defaults.
    #[error("TLS cannot be set up: {source}")]
    Setup { source: rustls::Error },
}

impl TlsError {
    /// Returns a remedy for the operator, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTrust => Some(format!(
                "set `tls-pins` to the pin of the server's certificate, which is printed by `{PIN_COMMAND}`; for a certificate of a public authority set `tls-ca-file` to the system's list, /etc/ssl/certs/ca-certificates.crt or /etc/pki/tls/certs/ca-bundle.crt"
            )),
            Self::ServerName { .. } => {
                Some("set `tls-name` to a name in the certificate".to_owned())
            }
            Self::KeyPem => Some(
                "`openssl pkey -in KEY -out KEY.pem` writes one without a passphrase".to_owned(),
            ),
            Self::CaPem { .. }
            | Self::CaEmpty
            | Self::CertificatePem
            | Self::Identity { .. }
            | Self::Setup { .. } => None,
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
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|source| TlsError::Identity { source })?
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
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate_pem)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::CertificatePem)?;
        if chain.is_empty() {
            return Err(TlsError::CertificatePem);
        }
        // Drop the cause: it could quote a line of the key.
        let key =
            PrivateKeyDer::from_pem_slice(self.key_pem.expose()).map_err(|_| TlsError::KeyPem)?;
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
            Some(text) => {
                let roots = Arc::new(read_roots(text)?);
                let builder =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider));
                Some(builder.build().map_err(|_| TlsError::CaEmpty)?)
            }
        };
        Ok(Self {
            authority,
            pins: settings.pins.clone(),
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

fn read_roots(text: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text) {
        let certificate = certificate.map_err(|source| TlsError::CaPem { source })?;
        // A system's list may have a certificate that is too old to parse: the others still count.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(TlsError::CaEmpty);
    }
    Ok(roots)
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
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
