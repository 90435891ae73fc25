//! Whom TLS trusts (RFC 7858 section 4): a certificate authority and a name, or pinned keys.
//!
//! There is no way to trust anyone: with neither an authority nor a pin no client is made. The
//! system's own authorities are not used unless their file is given, since what they vouch for is
//! names on the web and not who may answer for a zone.

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

/// What runs inside TLS, named in the handshake (RFC 7301).
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

/// Whom to trust, and who we are.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// What runs inside.
    pub application: Application,
    /// The name or IP address that the server's certificate must carry; asked for in the
    /// handshake when it is a name. With pins alone it is not verified.
    pub server_name: String,
    /// Certificate authorities, PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Pins, one of which must be that of the server's key. With `ca_pem` both must hold.
    pub pins: Vec<Pin>,
    /// Who we are, for a server that asks.
    pub client: Option<ClientIdentity>,
}

/// A client's certificate and its private key.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The certificate, and any between it and the authority, PEM.
    pub certificate_pem: Vec<u8>,
    /// The private key, PEM (PKCS #8, PKCS #1 or SEC 1), without a passphrase.
    pub key_pem: Secret<Vec<u8>>,
}

/// Why settings make no [`TlsClient`].
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Neither an authority nor a pin was given.
    #[error("TLS needs `tls-ca-file` or `tls-pins`: without either any server would do")]
    NoTrust,
    /// The server's name is neither a host name nor an IP address.
    #[error("`{name}` is neither a host name nor an IP address")]
    ServerName {
        /// The name.
        name: String,
    },
    /// The authorities are no PEM.
    #[error("`tls-ca-file` cannot be read as PEM: {source}")]
    CaPem {
        /// Why.
        source: pem::Error,
    },
    /// There is no usable authority among the PEM.
    #[error("`tls-ca-file` holds no certificate that can be an authority")]
    CaEmpty,
    /// The client's certificate is no PEM, or none at all.
    #[error("`tls-certificate-file` holds no PEM certificate")]
    CertificatePem,
    /// The client's key is no PEM.
    #[error("`tls-key-file` holds no PEM private key, or one under a passphrase")]
    KeyPem,
    /// The client's key is of an unknown kind or not that of the certificate.
    #[error("`tls-certificate-file` and `tls-key-file` do not go together: {source}")]
    Identity {
        /// Why.
        source: rustls::Error,
    },
    /// rustls refuses its own defaults.
    #[error("TLS cannot be set up: {source}")]
    Setup {
        /// Why.
        source: rustls::Error,
    },
}

impl TlsError {
    /// What a person can do about it, where there is something to say.
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

/// Everything a handshake needs; made once, shared by the connections to a primary.
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl TlsClient {
    /// Reads the PEM and puts the settings together.
    ///
    /// # Errors
    /// [`TlsError`]; never with a part of a key.
    pub fn new(settings: &TlsSettings) -> Result<Self, TlsError> {
        let server_name = server_name(settings)?;
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier::new(settings, &provider)?;
        Self::build(settings, server_name, provider, verifier)
    }

    /// The same for a server that is not verified at all: nobody listens in unseen, and anybody may
    /// stand in for the server. For nsupdate's `-O`, and for nothing else.
    ///
    /// # Errors
    /// [`TlsError`]; never with a part of a key.
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
        // The cause is dropped: it could quote a line of the key.
        let key =
            PrivateKeyDer::from_pem_slice(self.key_pem.expose()).map_err(|_| TlsError::KeyPem)?;
        Ok((chain, key))
    }
}

/// Verifies by authority, by pin, or by both.
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
        // A system's list may hold one that is too old to be read: the others still count.
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
