//! Checks whether zones could be created over the control channel, without creating one.
//!
//! An `addzone` of a primary with a missing file exercises everything that a creation needs (the
//! channel, the view, `allow-new-zones`, the template) and fails at the file, so that the server
//! has no zone afterwards. Only a template whose `initial-file` cannot be replaced creates a zone;
//! the check deletes it at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::command::{Target, Word, grants};
use super::control::{CommandResult, Control, Server};
use super::error::RndcError;
use super::responder::Responder;
use super::settle::remove_seed;
use crate::model::InitialZone;
use crate::provision::finding::{Findings, Gap, Remedy};
use crate::transport::look_up;

/// Longest wait for the address for first contents while another process holds it.
const LISTEN_TIME_MAX: Duration = Duration::from_secs(5);

/// A check of one server.
pub(super) struct Probe<'a> {
    pub(super) server: &'a Server,
    pub(super) target: &'a Target<'a>,
    /// The zone that would be created.
    pub(super) zone: &'a InitialZone,
    pub(super) update_keys: &'a [Word],
    pub(super) way: ProbeWay<'a>,
}

/// The way in which zones are created.
#[derive(Clone, Copy)]
pub(super) enum ProbeWay<'a> {
    Template(&'a Word),
    Seed(&'a Responder),
    File,
}

impl Probe<'_> {
    /// Checks the channel, the creation and the first contents.
    pub(super) async fn run(&self, deadline: Instant) -> Findings<RndcError> {
        let mut control = match Control::open(self.server, deadline).await {
            Ok(control) => control,
            Err(error) => return vec![Err(error)],
        };
        let creation = match self.try_creation(&mut control, deadline).await {
            Ok(creation) => creation,
            Err(error) => return vec![Ok(None), Err(error)],
        };
        let leftover = (creation == Creation::Occupied).then(|| Gap::Leftover {
            zone: self.target.zone().clone(),
        });
        let contents = self.contents(&control, creation, deadline).await;
        vec![Ok(None), Ok(leftover), contents]
    }

    async fn try_creation(
        &self,
        control: &mut Control<'_>,
        deadline: Instant,
    ) -> Result<Creation, RndcError> {
        let random = getrandom::u64().map_err(RndcError::Randomness)?;
        let file = format!("nsbridge-check-{random:016x}.none");
        let command = match self.way {
            ProbeWay::Template(name) => self.target.addzone_template_from(name, &file),
            ProbeWay::Seed(_) | ProbeWay::File => {
                self.target.addzone_primary(&file, self.update_keys)
            }
        };
        let answer = control.addzone(self.target, &command, deadline).await?;
        match (answer.result, self.way) {
            (CommandResult::FileNotFound, _) => Ok(Creation::Allowed),
            (CommandResult::Success, _) => {
                remove_seed(control, self.target, deadline).await?;
                Ok(Creation::Done)
            }
            (CommandResult::AlreadyExists, _) => Ok(Creation::Occupied),
            (CommandResult::Failure, ProbeWay::Template(name)) => Err(RndcError::TemplateRefused {
                server: self.server.to_string(),
                zone: self.target.zone().clone(),
                template: name.as_str().to_owned(),
            }),
            (
                CommandResult::Failure
                | CommandResult::NotFound
                | CommandResult::NotLoaded
                | CommandResult::PermissionDenied
                | CommandResult::Unexpected,
                _,
            ) => Err(control.addzone_error(self.target, &answer)),
        }
    }

    async fn contents(
        &self,
        control: &Control<'_>,
        creation: Creation,
        deadline: Instant,
    ) -> Result<Option<Gap>, RndcError> {
        let responder = match self.way {
            ProbeWay::File => return Ok(Some(Gap::Files)),
            ProbeWay::Template(_) if creation == Creation::Done => return Ok(None),
            ProbeWay::Template(_) => return Ok(Some(Gap::InitialFile)),
            ProbeWay::Seed(responder) => responder,
        };
        let until = deadline.min(Instant::now() + LISTEN_TIME_MAX);
        let local = control.local_addr()?.ip();
        let served = responder.serve(self.zone, local, until).await?;
        let from = served.address();
        Ok(Some(Gap::Fetching { from }))
    }
}

/// The settings that lines of named.conf are made of.
pub(super) struct Lines<'a> {
    pub(super) server: &'a Server,
    pub(super) view: Option<&'a Word>,
    pub(super) update_keys: &'a [Word],
}

impl Lines<'_> {
    /// Returns the lines of named.conf without which a check fails with this error.
    pub(super) async fn remedy(&self, error: &RndcError, deadline: Instant) -> Option<Remedy> {
        let lines = if let RndcError::Unreachable { .. } | RndcError::Unanswered { .. } = error {
            self.controls(deadline).await?
        } else if let RndcError::NewZonesOff { .. } = error {
            self.new_zones()
        } else if let RndcError::TemplateRefused { template, .. } = error {
            self.template(template)
        } else {
            return None;
        };
        let place = "named.conf";
        Some(Remedy { place, lines })
    }

    /// Returns the `controls` that this host needs.
    async fn controls(&self, deadline: Instant) -> Option<Vec<String>> {
        let (server, here) = self.addresses(deadline).await?;
        let (port, key) = (self.server.port, self.server.keys.first());
        let name = key.name().to_text_without_dot();
        Some(vec![
            "// in place of the statement that is there, if it differs:".to_owned(),
            format!(
                "key \"{name}\" {{ algorithm {}; secret \"<that of this host's key file>\"; }};",
                key.algorithm()
            ),
            "// beside the other lines of `controls`, in place of one with this address and port:"
                .to_owned(),
            format!(
                "controls {{ inet {server} port {port} allow {{ {here}; }} keys {{ \"{name}\"; }}; }};"
            ),
        ])
    }

    fn new_zones(&self) -> Vec<String> {
        let block = match self.view {
            Some(view) => format!("view \"{}\" {{", view.as_str()),
            None => "options {".to_owned(),
        };
        vec![block, "  allow-new-zones yes;".to_owned(), "};".to_owned()]
    }

    fn template(&self, name: &str) -> Vec<String> {
        let grant = format!("  update-policy {{ {} }};", grants(self.update_keys));
        let first = format!("template {name} {{");
        let lines = [
            &first,
            "  type primary;",
            "  file \"$name.db\";",
            "  initial-file \"/etc/bind/initial.db\";",
            "  check-names ignore;",
            "  check-integrity no;",
            &grant,
            "};",
        ];
        lines.map(str::to_owned).to_vec()
    }

    /// Returns the server's address and this host's address towards it. Sends nothing.
    async fn addresses(&self, deadline: Instant) -> Option<(IpAddr, IpAddr)> {
        let lookup = look_up(&self.server.host, self.server.port);
        let server = timeout_at(deadline, lookup).await.ok()?.ok()?;
        let server = *server.first()?;
        let any: IpAddr = match server {
            std::net::SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            std::net::SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).await.ok()?;
        socket.connect(server).await.ok()?;
        Some((server.ip(), socket.local_addr().ok()?.ip()))
    }
}

/// The outcome of an `addzone` without contents.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Creation {
    /// Only the contents were missing.
    Allowed,
    /// A zone was created, and deleted again.
    Done,
    /// A zone of this name exists.
    Occupied,
}
