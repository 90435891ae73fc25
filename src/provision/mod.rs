//! Provisioning: creates and deletes zones on a primary.
//!
//! No standard protocol creates a primary zone: RFC 2136 only changes existing zones, and RFC 9432
//! creates secondaries. So each kind of server has a provisioner of its own. A provisioner must
//! never decide what a zone contains. It must repair whatever a killed process left unfinished,
//! because the intent of that process comes again.

pub mod command;
mod finding;
pub mod powerdns;
pub mod rndc;
mod silence;
mod status;

pub use command::{Command, CommandError};
pub use finding::{Findings, Gap, Remedy};
pub use powerdns::{PowerDns, PowerDnsError};
pub use rndc::{Frozen, Rndc, RndcError};
pub use status::{Created, Creator, Deleted, KeyPlace, Rekeyed, RemovalScope, ZoneStatus};

use std::fmt;

use tokio::time::Instant;

use crate::diagnostic::{Class, Diagnose, Diagnostic, Software};
use crate::model::{InitialZone, ZoneName};

/// The reason why a zone could not be created or deleted, by provisioner.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// From BIND's control channel.
    #[error(transparent)]
    Rndc(#[from] RndcError),
    /// From a program.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// From PowerDNS's HTTP API.
    #[error(transparent)]
    PowerDns(#[from] PowerDnsError),
}

impl Diagnose for ProvisionError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Rndc(error) => error.diagnostic(),
            Self::Command(error) => error.diagnostic(),
            Self::PowerDns(error) => error.diagnostic(),
        }
    }
}

impl ProvisionError {
    /// Returns whether it is certain that no zone was created.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::Rndc(error) => error.made_nothing(),
            Self::Command(error) => error.made_nothing(),
            Self::PowerDns(error) => error.made_nothing(),
        }
    }

    /// Returns whether the zone may be created with other contents.
    pub fn is_of_contents(&self) -> bool {
        matches!(
            self,
            Self::Rndc(RndcError::ContentsRefused { .. })
                | Self::Command(CommandError::Refused { .. })
        )
    }

    /// Returns whether the server has the zone, and not as a primary zone.
    pub fn is_no_primary(&self) -> bool {
        matches!(
            self,
            Self::Rndc(RndcError::ForeignZone { .. })
                | Self::PowerDns(PowerDnsError::ForeignZone { .. })
        )
    }

    /// Returns whether a retry may succeed without any action of the operator.
    pub fn is_transient(&self) -> bool {
        self.diagnostic().class() == Class::Transient
    }
}

/// A way to create and delete zones on one primary.
pub enum Provisioner {
    /// BIND's control channel.
    Rndc(Box<Rndc>),
    /// A program.
    Command(Command),
    /// PowerDNS's HTTP API.
    PowerDns(PowerDns),
}

/// The access to a provisioner.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// BIND's control channel.
    ControlChannel,
    /// PowerDNS's HTTP API.
    Api,
    /// A program.
    Program,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ControlChannel => "control channel",
            Self::Api => "API",
            Self::Program => "program",
        })
    }
}

impl Provisioner {
    /// Returns the access to it.
    pub fn access(&self) -> Access {
        match self {
            Self::Rndc(_) => Access::ControlChannel,
            Self::Command(_) => Access::Program,
            Self::PowerDns(_) => Access::Api,
        }
    }

    /// Returns whether the name of a zone can be written in a command; any name can in an API call.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub fn check_name(&self, zone: &ZoneName) -> Result<(), ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.check_name(zone)?),
            Self::Command(command) => Ok(command.check_name(zone)?),
            Self::PowerDns(_) => Ok(()),
        }
    }

    /// Creates the zone, whatever state an earlier attempt left.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn create(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Result<Created, ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.create(zone, deadline).await?),
            Self::Command(command) => Ok(command.create(zone, deadline).await?),
            Self::PowerDns(server) => Ok(server.create(zone, deadline).await?),
        }
    }

    /// Returns the current status of the zone. Changes nothing.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn status(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<ZoneStatus, ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.status(zone, deadline).await?),
            Self::Command(command) => Ok(command.status(zone, deadline).await?),
            Self::PowerDns(server) => Ok(server.status(zone, deadline).await?),
        }
    }

    /// Returns the current status of a zone that [`Self::delete`] would get with `scope`. Changes
    /// nothing.
    ///
    /// # Errors
    /// [`ProvisionError`], also if [`Self::delete`] would fail because of the zone's state.
    pub async fn status_to_delete(
        &self,
        zone: &ZoneName,
        scope: RemovalScope,
        deadline: Instant,
    ) -> Result<ZoneStatus, ProvisionError> {
        match self {
            Self::Rndc(_) | Self::Command(_) => self.status(zone, deadline).await,
            Self::PowerDns(server) => Ok(server.status_to_delete(zone, scope, deadline).await?),
        }
    }

    /// Checks whether this zone, which must not exist, could be created. Leaves no zone behind.
    pub async fn check(&self, zone: &InitialZone, deadline: Instant) -> Findings<ProvisionError> {
        match self {
            Self::Rndc(rndc) => converted(rndc.check(zone, deadline).await),
            Self::Command(command) => converted(command.check(&zone.name, deadline).await),
            Self::PowerDns(powerdns) => converted(powerdns.check(&zone.name, deadline).await),
        }
    }

    /// Returns the kind of server.
    pub fn software(&self) -> Software {
        match self {
            Self::Rndc(_) => Software::Bind,
            Self::PowerDns(_) => Software::PowerDns,
            Self::Command(_) => Software::Unknown,
        }
    }

    /// Returns whether every zone that it creates bears the mark of its instance.
    pub fn marks_zones(&self) -> bool {
        match self {
            Self::Rndc(rndc) => rndc.marks_zones(),
            Self::PowerDns(_) => true,
            Self::Command(_) => false,
        }
    }

    /// Returns why the server refuses every update of a zone that is there, if that is its frozen state. `None` if
    /// the server does not show it.
    ///
    /// # Errors
    /// [`ProvisionError`], also for a zone that is no primary.
    pub async fn refusal(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<Option<Frozen>, ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.refusal(zone, deadline).await?),
            Self::PowerDns(server) => {
                server.require_primary(zone, deadline).await?;
                Ok(None)
            }
            Self::Command(_) => Ok(None),
        }
    }

    /// Waits while another process creates the zone, and finishes or removes the zone if that
    /// process was killed.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn settle(&self, zone: &ZoneName, deadline: Instant) -> Result<(), ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.settle(zone, deadline).await?),
            // A program must cope by itself with a second call during a creation.
            Self::Command(_) => Ok(()),
            Self::PowerDns(server) => Ok(server.settle(zone, deadline).await?),
        }
    }

    /// Waits while another instance creates the zone. Changes nothing of another instance.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn await_creation(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<(), ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.await_creation(zone, deadline).await?),
            Self::Command(_) => Ok(()),
            Self::PowerDns(server) => Ok(server.settle(zone, deadline).await?),
        }
    }

    /// Returns whether the mark of a zone can be changed; it cannot if it is in the zone's file
    /// name.
    pub fn can_change_marks(&self) -> bool {
        matches!(self, Self::PowerDns(_))
    }

    /// Replaces an instance's mark on a zone by this instance's, and permits this instance's keys.
    /// Does nothing if marks cannot be changed.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn take_over(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<(), ProvisionError> {
        match self {
            Self::Rndc(_) | Self::Command(_) => Ok(()),
            Self::PowerDns(server) => Ok(server.take_over(zone, deadline).await?),
        }
    }

    /// Lets the first key of each list update and transfer the zone; if `retires`, the others of the lists no more. Keeps
    /// everything else.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn rekey(
        &self,
        zone: &ZoneName,
        retires: bool,
        deadline: Instant,
    ) -> Result<Rekeyed, ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.rekey(zone, retires, deadline).await?),
            Self::PowerDns(server) => Ok(server.rekey(zone, retires, deadline).await?),
            Self::Command(_) => Ok(Rekeyed::Elsewhere(KeyPlace::Server)),
        }
    }

    /// Deletes the zone if `scope` covers it.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn delete(
        &self,
        zone: &ZoneName,
        scope: RemovalScope,
        deadline: Instant,
    ) -> Result<Deleted, ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.delete(zone, scope, deadline).await?),
            Self::Command(command) => Ok(command.delete(zone, scope, deadline).await?),
            Self::PowerDns(server) => Ok(server.delete(zone, scope, deadline).await?),
        }
    }
}

fn converted<E: Into<ProvisionError>>(findings: Findings<E>) -> Findings<ProvisionError> {
    let findings = findings.into_iter();
    findings.map(|finding| finding.map_err(E::into)).collect()
}
