//! Provisioning: a zone exists on a primary or does not.
//!
//! No standard protocol makes a primary zone (RFC 2136 only changes what is there, RFC 9432 makes
//! secondaries), so each kind of server has its own way here. A provisioner makes and removes
//! zones; it must never decide what a zone holds, and it must repair whatever a killed process
//! left half made, because the intent behind it comes again.

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

/// Why a zone could not be made or removed, by the way that was taken.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// BIND's control channel.
    #[error(transparent)]
    Rndc(#[from] RndcError),
    /// A program.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// PowerDNS's HTTP API.
    #[error(transparent)]
    PowerDns(#[from] PowerDnsError),
}

impl ProvisionError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Rndc(error) => error.hint(),
            Self::Command(error) => error.hint(),
            Self::PowerDns(error) => error.hint(),
        }
    }

    /// Whether it is certain that no zone was made.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::Rndc(error) => error.made_nothing(),
            Self::Command(error) => error.made_nothing(),
            Self::PowerDns(error) => error.made_nothing(),
        }
    }

    /// Whether the same attempt may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rndc(error) => error.is_transient(),
            Self::Command(error) => error.is_transient(),
            Self::PowerDns(error) => error.is_transient(),
        }
    }
}

/// How zones are made on one primary, and removed.
pub enum Provisioner {
    /// BIND's control channel.
    Rndc(Box<Rndc>),
    /// A program.
    Command(Command),
    /// PowerDNS's HTTP API.
    PowerDns(PowerDns),
}

impl Provisioner {
    /// Makes the zone exist, from whatever state an earlier attempt left.
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

    /// What the primary has under the name at this moment. Changes nothing.
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

    /// The same, where the zone is to be removed under this claim. Changes nothing.
    ///
    /// # Errors
    /// [`ProvisionError`], also where [`Self::delete`] would fail because of what is there.
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

    /// Finds out whether this zone, which must be nobody's, could be made. No zone is left behind.
    pub async fn check(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Vec<Finding<ProvisionError>> {
        match self {
            Self::Rndc(rndc) => all_from(rndc.check(zone, deadline).await),
            Self::Command(command) => all_from(command.check(&zone.name, deadline).await),
            Self::PowerDns(powerdns) => all_from(powerdns.check(&zone.name, deadline).await),
        }
    }

    /// The kind of server that it is for.
    pub fn software(&self) -> Software {
        match self {
            Self::Rndc(_) => Software::Bind,
            Self::PowerDns(_) => Software::PowerDns,
            Self::Command(_) => Software::Unknown,
        }
    }

    /// Whether every zone that it makes bears the mark of who made it.
    pub fn marks_zones(&self) -> bool {
        match self {
            Self::Rndc(rndc) => rndc.marks_zones(),
            Self::PowerDns(_) => true,
            Self::Command(_) => false,
        }
    }

    /// Waits while another process is in the middle of making the zone.
    ///
    /// # Errors
    /// [`ProvisionError`].
    pub async fn settle(&self, zone: &ZoneName, deadline: Instant) -> Result<(), ProvisionError> {
        match self {
            Self::Rndc(rndc) => Ok(rndc.settle(zone, deadline).await?),
            // A program that is called for a zone while it makes it sees to that itself.
            Self::Command(_) => Ok(()),
            Self::PowerDns(server) => Ok(server.settle(zone, deadline).await?),
        }
    }

    /// Waits while another instance is in the middle of making the zone. Changes nothing of another's.
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

    /// Whether the mark of a zone can be changed: not where it is the name of the zone's file.
    pub fn can_change_marks(&self) -> bool {
        matches!(self, Self::PowerDns(_))
    }

    /// Gives a zone that bears the mark of an instance this one's, where marks can be changed, and lets its keys
    /// in.
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

    /// Makes the zone not exist, as far as it is covered by the claim.
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

fn all_from<E: Into<ProvisionError>>(findings: Vec<Finding<E>>) -> Vec<Finding<ProvisionError>> {
    let findings = findings.into_iter();
    findings.map(|finding| finding.map(E::into)).collect()
}
