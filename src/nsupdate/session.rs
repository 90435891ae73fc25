//! The state that all exchanges of a run share: settings, servers, key and output.

use std::net::SocketAddr;
use std::rc::Rc;

use super::exchange::{self, Transport};
use super::fatal::Fatal;
use super::settings::{Output, Route, Settings, Signer, Stream, format_address};
use crate::model::Name;
use crate::transport::{Security, TransportError};
use crate::wire::{
    EncodeError, Expected, Forgery, Key, MalformedReason, MessageDump, Opcode, Reply, RequestMac,
    read_reply, sign_request,
};

/// The shared state of a run.
pub(super) struct Session<'a> {
    pub(super) settings: Rc<Settings>,
    pub(super) transport: Transport,
    pub(super) signer: Option<Signer>,
    /// The servers that the script or `-l` names; `None` if they must be found by SOA queries.
    pub(super) servers: Option<Vec<SocketAddr>>,
    /// The present line of the script, from 1.
    pub(super) line: u64,
    output: &'a mut Output<'a>,
}

/// The servers, key and security settings from before [`Session::use_route`].
pub(super) struct Replaced {
    servers: Option<Vec<SocketAddr>>,
    signer: Option<Signer>,
    security: Option<Security>,
}

/// A response to a request.
pub(super) struct Response {
    pub(super) dump: MessageDump,
    /// `None` if the signature is valid or none is expected.
    pub(super) tsig_problem: Option<TsigProblem>,
}

/// A problem with the signature of a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TsigProblem {
    /// The server reports an error: it does not know the key, or our MAC is invalid.
    ErrorSet,
    /// The clocks differ too much.
    ClockSkew,
    /// The response is not signed.
    Expected,
    /// The signature is invalid.
    VerifyFailure,
}

impl TsigProblem {
    /// Returns BIND's text for the problem.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::ErrorSet => "tsig indicates error",
            Self::ClockSkew => "clocks are unsynchronized",
            Self::Expected => "expected a TSIG or SIG(0)",
            Self::VerifyFailure => "tsig verify failure",
        }
    }
}

/// A reason why there is no valid response.
pub(super) enum NoResponse {
    /// No response came.
    Transport(TransportError),
    /// The response has another opcode than the request.
    Opcode,
    /// The octets are no message, or not a response to this request.
    Malformed,
}

impl<'a> Session<'a> {
    pub(super) fn new(settings: Settings, output: &'a mut Output<'a>) -> Self {
        Self {
            transport: Transport::default(),
            signer: settings.signer.clone(),
            servers: settings.localhost_only.then(|| settings.loopback()),
            line: 0,
            settings: Rc::new(settings),
            output,
        }
    }

    /// Copies the state for a concurrent exchange with its own output.
    pub(super) fn fork<'b>(&self, output: &'b mut Output<'b>) -> Session<'b> {
        Session {
            settings: Rc::clone(&self.settings),
            transport: self.transport.clone(),
            signer: self.signer.clone(),
            servers: self.servers.clone(),
            line: self.line,
            output,
        }
    }

    /// Returns the route of a name, which is that with the longest suffix; `None` if the script
    /// names a server or no route covers the name.
    pub(super) fn route_of(&self, name: &Name) -> Option<&Route> {
        let routes = self.settings.routes.iter();
        let routes = routes.filter(|_| self.servers.is_none());
        let covering = routes.filter(|route| name.is_at_or_below(&route.suffix));
        covering.max_by_key(|route| route.suffix.label_count())
    }

    /// Switches to the server and key of the name's route, if it has one; a key that the script or
    /// the command line names stays. Returns the previous values for [`Self::restore`].
    pub(super) async fn use_route(&mut self, name: &Name) -> Result<Option<Replaced>, String> {
        let Some(Route { endpoint, key, .. }) = self.route_of(name).cloned() else {
            return Ok(None);
        };
        let (host, port) = (&endpoint.host, endpoint.port);
        let found = exchange::addresses(&self.settings, host, port).await;
        let found =
            found.map_err(|reason| format!("couldn't get address for '{host}': {reason}"))?;
        let signer = self.signer.clone();
        let signer = std::mem::replace(&mut self.signer, signer.or(Some(Signer::Shared(key))));
        Ok(Some(Replaced {
            servers: self.servers.replace(found),
            signer,
            security: self.transport.security.replace(endpoint.security),
        }))
    }

    /// Restores the values from before [`Self::use_route`].
    pub(super) fn restore(&mut self, replaced: Option<Replaced>) {
        if let Some(replaced) = replaced {
            self.servers = replaced.servers;
            self.signer = replaced.signer;
            self.transport.security = replaced.security;
        }
    }

    /// Prints a line on standard error, after [`Self::error_prefix`].
    pub(super) fn print_error(&mut self, line: &str) {
        let prefix = self.error_prefix();
        (self.output)(Stream::Error, &format!("{prefix}{line}\n"));
    }

    /// Prints a line on standard error, with `-d` only.
    pub(super) fn print_debug(&mut self, line: &str) {
        if self.settings.debug > 0 {
            (self.output)(Stream::Error, &format!("{line}\n"));
        }
    }

    /// Returns the script's name and line for the start of an error text; empty if not requested.
    pub(super) fn error_prefix(&self) -> String {
        let script = self.settings.script.as_ref();
        script.map_or_else(String::new, |script| format!("{script}:{}: ", self.line))
    }

    /// Prints a text unchanged.
    pub(super) fn print(&mut self, stream: Stream, text: &str) {
        (self.output)(stream, text);
    }

    /// Reports that the communication with a server failed.
    pub(super) fn report_unreachable(&mut self, server: SocketAddr, reason: &str) {
        let server = format_address(server);
        self.print_error(&format!("; Communication with {server} failed: {reason}"));
    }

    /// Returns a random message id.
    pub(super) fn new_id() -> Result<u16, Fatal> {
        let mut octets = [0; 2];
        getrandom::fill(&mut octets).map_err(Fatal::Random)?;
        Ok(u16::from_be_bytes(octets))
    }

    /// Signs an update, if there is a key.
    pub(super) fn sign_update(&self, message: &mut Vec<u8>) -> Result<Option<RequestMac>, Fatal> {
        if let Some(Signer::Private(key)) = &self.signer {
            let now = (self.settings.clock)();
            key.sign_request(message, now)
                .map_err(|error| signing_error(&error))?;
        }
        self.sign_query(message)
    }

    /// Signs a query with a shared key, if there is one; private keys sign no queries.
    pub(super) fn sign_query(&self, message: &mut Vec<u8>) -> Result<Option<RequestMac>, Fatal> {
        let Some(key) = self.shared_key() else {
            return Ok(None);
        };
        let now = (self.settings.clock)();
        sign_request(message, key, now)
            .map(Some)
            .map_err(|error| signing_error(&error))
    }

    fn shared_key(&self) -> Option<&Key> {
        match &self.signer {
            Some(Signer::Shared(key)) => Some(key),
            Some(Signer::Private(_)) | None => None,
        }
    }

    /// Sends a request, and reads and verifies the response; `mac` is that of the request.
    pub(super) async fn exchange(
        &self,
        peer: SocketAddr,
        request: &[u8],
        stream: bool,
        opcode: Opcode,
        mac: Option<&RequestMac>,
    ) -> Result<Result<Response, NoResponse>, Fatal> {
        let response = self
            .transport
            .exchange(&self.settings, peer, request, stream);
        let octets = match response.await? {
            Ok(octets) => octets,
            Err(error) => return Ok(Err(NoResponse::Transport(error))),
        };
        let id = request
            .first_chunk::<2>()
            .map_or(0, |id| u16::from_be_bytes(*id));
        let expected = Expected {
            id,
            opcode,
            key: self.shared_key().zip(mac),
        };
        let tsig_problem = match read_reply(&octets, &expected, (self.settings.clock)()) {
            Reply::Authentic(_) => None,
            Reply::BadKey | Reply::BadSig | Reply::BadTrunc => Some(TsigProblem::ErrorSet),
            Reply::BadTime { .. } | Reply::Forged(Forgery::Time { .. }) => {
                Some(TsigProblem::ClockSkew)
            }
            Reply::Unsigned(_) => Some(TsigProblem::Expected),
            Reply::Forged(_) => Some(TsigProblem::VerifyFailure),
            Reply::Malformed(MalformedReason::Opcode { .. }) => return Ok(Err(NoResponse::Opcode)),
            // Without a signature, a record of another class is accepted.
            Reply::Malformed(MalformedReason::Class { .. }) if mac.is_none() => None,
            Reply::Malformed(_) => return Ok(Err(NoResponse::Malformed)),
        };
        Ok(match MessageDump::read(&octets) {
            Ok(dump) => Ok(Response { dump, tsig_problem }),
            Err(_) => Err(NoResponse::Malformed),
        })
    }
}

/// Converts an error of signing.
fn signing_error(error: &EncodeError) -> Fatal {
    match error {
        EncodeError::NoSignature => Fatal::NoSignature,
        EncodeError::TooLong { .. } | EncodeError::Length { .. } | EncodeError::NotWhole => {
            Fatal::TooLong
        }
    }
}
