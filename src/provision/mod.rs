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
mod status;

pub use command::{Command, CommandError};
pub use finding::{Finding, Gap, Remedy, Software, Subject, Verdict};
pub use powerdns::{PowerDns, PowerDnsError};
pub use rndc::{Rndc, RndcError};
pub use status::{Created, Creator, Deleted, RemovalScope, ZoneStatus};

use tokio::time::Instant;

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

impl ProvisionError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Rndc(error) => error.hint(),
            Self::Command(error) => error.hint(),
            Self::PowerDns(error) => error.hint(),
        }
    }

    /// Returns whether it is certain that no zone was created.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::Rndc(error) => error.made_nothing(),
            Self::Command(error) => error.made_nothing(),
            Self::PowerDns(error) => error.made_nothing(),
        }
    }

    /// Returns whether a retry may succeed without any action of the operator.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rndc(error) => error.is_transient(),
            Self::Command(error) => error.is_transient(),
            Self::PowerDns(error) => error.is_transient(),
        }
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

impl Provisioner {
    /// Returns whether the name of a zone can be written in a command; any name can in an API call.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub fn permit_name(&self, zone: &ZoneName) -> Result<(), ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.permit_name(zone)?),
            Self::Command(command) => Ok(command.permit_name(zone)?),
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
    pub async fn check(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Vec<Finding<ProvisionError>> {
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

fn converted<E: Into<ProvisionError>>(findings: Vec<Finding<E>>) -> Vec<Finding<ProvisionError>> {
    let findings = findings.into_iter();
    findings.map(|finding| finding.map(E::into)).collect()
}
