//! What every exchange of a run shares: settings, servers, key, and what is said about it.

use std::net::SocketAddr;
use std::rc::Rc;

use super::exchange::{self, Locals};
use super::fatal::Fatal;
use super::settings::{Route, Say, Settings, Signer, Stream, address_words};
use crate::model::Name;
use crate::transport::{Security, TransportError};
use crate::wire::{
    EncodeError, Expected, Forgery, Key, MalformedReason, MessageDump, Opcode, Reply, RequestMac,
    read_reply, sign_request,
};

/// The state below the commands.
pub(super) struct Session<'a> {
    pub(super) settings: Rc<Settings>,
    pub(super) locals: Locals,
    pub(super) signer: Option<Signer>,
    /// The servers that the script or `-l` names; none where they have to be found.
    pub(super) servers: Option<Vec<SocketAddr>>,
    /// What the route in use says of its connections.
    security: Option<Security>,
    /// The line of the script that is carried out, from 1.
    pub(super) line: u64,
    say: &'a mut Say<'a>,
}

/// What was in use before a route was.
pub(super) struct Outside {
    servers: Option<Vec<SocketAddr>>,
    signer: Option<Signer>,
    security: Option<Security>,
}

/// An answer, and what is wrong with its signature.
pub(super) struct Answer {
    pub(super) listing: MessageDump,
    /// In BIND's words; none where all is well.
    pub(super) tsig: Option<TsigTrouble>,
}

/// What is wrong with an answer's signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TsigTrouble {
    /// The server names an error: it does not know the key, or finds our MAC wrong.
    ErrorSet,
    /// The clocks differ.
    ClockSkew,
    /// There is none.
    Expected,
    /// It is wrong.
    VerifyFailure,
}

impl TsigTrouble {
    /// In BIND's words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::ErrorSet => "tsig indicates error",
            Self::ClockSkew => "clocks are unsynchronized",
            Self::Expected => "expected a TSIG or SIG(0)",
            Self::VerifyFailure => "tsig verify failure",
        }
    }
}

/// Why there is no answer to look at.
pub(super) enum NoAnswer {
    /// None came.
    Transport(TransportError),
    /// It has another opcode than the request.
    Opcode,
    /// It is no message, or none to this request.
    Malformed,
}

impl<'a> Session<'a> {
    pub(super) fn new(settings: Settings, say: &'a mut Say<'a>) -> Self {
        Self {
            locals: Locals::default(),
            signer: settings.signer.clone(),
            servers: settings.localhost_only.then(|| settings.loopback()),
            security: None,
            line: 0,
            settings: Rc::new(settings),
            say,
        }
    }

    /// The same state for an exchange beside others, which says what it has to say to somebody else.
    pub(super) fn beside<'b>(&self, say: &'b mut Say<'b>) -> Session<'b> {
        Session {
            settings: Rc::clone(&self.settings),
            locals: self.locals,
            signer: self.signer.clone(),
            servers: self.servers.clone(),
            security: self.security.clone(),
            line: self.line,
            say,
        }
    }

    /// What is configured for a name: that of the longest suffix; nothing where the script names a server.
    pub(super) fn route_of(&self, name: &Name) -> Option<&Route> {
        let routes = self.settings.routes.iter();
        let routes = routes.filter(|_| self.servers.is_none());
        let covering = routes.filter(|route| name.is_at_or_below(&route.suffix));
        covering.max_by_key(|route| route.suffix.label_count())
    }

    /// Uses the server and the key that are configured for a name, where the script names no server; a key of
    /// its own stays. What was in use before is for [`Self::leave`].
    pub(super) async fn enter(&mut self, name: &Name) -> Result<Option<Outside>, String> {
        let Some(Route { endpoint, key, .. }) = self.route_of(name).cloned() else {
            return Ok(None);
        };
        let (host, port) = (&endpoint.host, endpoint.port);
        let found = exchange::addresses(&self.settings, host, port).await;
        let found = found.map_err(|why| format!("couldn't get address for '{host}': {why}"))?;
        let signer = self.signer.clone();
        let signer = std::mem::replace(&mut self.signer, signer.or(Some(Signer::Shared(key))));
        Ok(Some(Outside {
            servers: self.servers.replace(found),
            signer,
            security: self.security.replace(endpoint.security),
        }))
    }

    /// Goes back to what was in use before.
    pub(super) fn leave(&mut self, outside: Option<Outside>) {
        if let Some(outside) = outside {
            self.servers = outside.servers;
            self.signer = outside.signer;
            self.security = outside.security;
        }
    }

    /// Says a line on standard error; where it is asked for, with the place in the script before it.
    pub(super) fn error(&mut self, line: &str) {
        let place = self.place();
        (self.say)(Stream::Error, &format!("{place}{line}\n"));
    }

    /// Says a line on standard error, with `-d` only.
    pub(super) fn debug(&mut self, line: &str) {
        if self.settings.debug > 0 {
            (self.say)(Stream::Error, &format!("{line}\n"));
        }
    }

    /// What errors begin with.
    pub(super) fn place(&self) -> String {
        let script = self.settings.script.as_ref();
        script.map_or_else(String::new, |script| format!("{script}:{}: ", self.line))
    }

    /// Says a text as it is.
    pub(super) fn text(&mut self, stream: Stream, text: &str) {
        (self.say)(stream, text);
    }

    /// Says that a server could not be talked to.
    pub(super) fn cannot_reach(&mut self, server: SocketAddr, why: &str) {
        let server = address_words(server);
        self.error(&format!("; Communication with {server} failed: {why}"));
    }

    /// A new id.
    pub(super) fn id() -> Result<u16, Fatal> {
        let mut octets = [0; 2];
        getrandom::fill(&mut octets).map_err(Fatal::Random)?;
        Ok(u16::from_be_bytes(octets))
    }

    /// Signs an update, if there is something to sign with.
    pub(super) fn sign_update(&self, message: &mut Vec<u8>) -> Result<Option<RequestMac>, Fatal> {
        if let Some(Signer::Private(key)) = &self.signer {
            let now = (self.settings.clock)();
            key.sign_request(message, now)
                .map_err(|error| unsigned(&error))?;
        }
        self.sign_query(message)
    }

    /// Signs a query; a private key signs none.
    pub(super) fn sign_query(&self, message: &mut Vec<u8>) -> Result<Option<RequestMac>, Fatal> {
        let Some(key) = self.shared_key() else {
            return Ok(None);
        };
        let now = (self.settings.clock)();
        sign_request(message, key, now)
            .map(Some)
            .map_err(|error| unsigned(&error))
    }

    fn shared_key(&self) -> Option<&Key> {
        match &self.signer {
            Some(Signer::Shared(key)) => Some(key),
            Some(Signer::Private(_)) | None => None,
        }
    }

    /// Sends a request and reads what comes back; `mac` is what it was signed with.
    pub(super) async fn ask(
        &self,
        peer: SocketAddr,
        request: &[u8],
        stream: bool,
        opcode: Opcode,
        mac: Option<&RequestMac>,
    ) -> Result<Result<Answer, NoAnswer>, Fatal> {
        let way = (stream, self.security.as_ref());
        let exchange = exchange::exchange(&self.settings, &self.locals, peer, request, way).await?;
        let octets = match exchange {
            Ok(octets) => octets,
            Err(error) => return Ok(Err(NoAnswer::Transport(error))),
        };
        let id = request
            .first_chunk::<2>()
            .map_or(0, |id| u16::from_be_bytes(*id));
        let expected = Expected {
            id,
            opcode,
            key: self.shared_key().zip(mac),
        };
        let tsig = match read_reply(&octets, &expected, (self.settings.clock)()) {
            Reply::Authentic(_) => None,
            Reply::BadKey | Reply::BadSig | Reply::BadTrunc => Some(TsigTrouble::ErrorSet),
            Reply::BadTime { .. } | Reply::Forged(Forgery::Time { .. }) => {
                Some(TsigTrouble::ClockSkew)
            }
            Reply::Unsigned(_) => Some(TsigTrouble::Expected),
            Reply::Forged(_) => Some(TsigTrouble::VerifyFailure),
            Reply::Malformed(MalformedReason::Opcode { .. }) => return Ok(Err(NoAnswer::Opcode)),
            // A record of another class is no fault here.
            Reply::Malformed(MalformedReason::Class { .. }) if mac.is_none() => None,
            Reply::Malformed(_) => return Ok(Err(NoAnswer::Malformed)),
        };
        Ok(match MessageDump::read(&octets) {
            Ok(listing) => Ok(Answer { listing, tsig }),
            Err(_) => Err(NoAnswer::Malformed),
        })
    }
}

/// Why a message is not signed.
fn unsigned(error: &EncodeError) -> Fatal {
    match error {
        EncodeError::NoSignature => Fatal::NoSignature,
        EncodeError::TooLong { .. } | EncodeError::Length { .. } | EncodeError::NotWhole => {
            Fatal::TooLong
        }
    }
}
