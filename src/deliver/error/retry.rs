//! Tells whether a retry can help after a failure, and what is at fault.

use super::failure::Failure;
use crate::diagnostic::{Class, Diagnose as _};
use crate::model::{Name, ZoneName};
use crate::transport::TransportError;
use crate::wire::Rcode;

/// Whether a retry can help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// The failure may end by itself.
    Transient,
    /// A primary or the policy refused: an operator must act.
    Permanent,
}

impl From<Class> for Retry {
    fn from(class: Class) -> Self {
        match class {
            Class::Transient | Class::Unkept => Self::Transient,
            Class::Permanent | Class::Input | Class::Setup | Class::Remark | Class::Context => {
                Self::Permanent
            }
        }
    }
}

impl Failure {
    /// Returns whether a retry can help.
    pub fn retry(&self) -> Retry {
        self.diagnostic().class().into()
    }

    /// Names the primary and the name that CNAMEs have led to, which is not the primary that was asked first.
    pub(crate) fn behind_cname(self, owner: &Name, primary: &str) -> Self {
        if matches!(self, Self::DeadlinePassed) {
            return self;
        }
        Self::BehindCname {
            owner: owner.clone(),
            primary: primary.to_owned(),
            source: Box::new(self),
        }
    }

    /// Sets the command that creates a signed zone again; the default retries the job of the zone's name.
    pub(crate) fn forced_by(mut self, with: impl FnOnce(&ZoneName) -> String) -> Self {
        if let Self::SignedZoneGone { zone, command } = &mut self {
            *command = with(zone);
        }
        self
    }

    /// Gives up waiting for a zone of another instance.
    pub(crate) fn without_awaiting(self) -> Self {
        if let Self::AwaitedZone { zone, instance } = self {
            return Self::OthersZone { zone, instance };
        }
        self
    }

    /// Waits for a zone of another instance, which may give it up.
    pub(crate) fn awaiting(self) -> Self {
        let mut cause = &self;
        if let Self::Catalog { source, .. } = cause {
            cause = source;
        }
        if let Self::OthersZone { zone, instance } = cause {
            let (zone, instance) = (zone.clone(), instance.clone());
            return Self::AwaitedZone { zone, instance };
        }
        self
    }

    /// Returns whether the primary refuses a question, which may mean that it has no zone for the name. Knot: then
    /// refuses it without a signature, since it looks at no key.
    pub(crate) fn is_refused_question(&self) -> bool {
        matches!(
            self,
            Self::QuestionRefused { .. }
                | Self::Unsigned {
                    rcode: Rcode::REFUSED,
                    ..
                }
        )
    }

    /// Returns whether anybody may have sent the response.
    pub(crate) fn is_unsigned(&self) -> bool {
        matches!(self, Self::Unsigned { .. } | Self::BadKey { .. })
    }

    /// Returns whether the primary may have refused an UPDATE for its key.
    pub(crate) fn is_of_key(&self) -> bool {
        matches!(
            self,
            Self::UpdateRefused { .. }
                | Self::BadKey { .. }
                | Self::BadSig { .. }
                | Self::Unsigned {
                    rcode: Rcode::REFUSED | Rcode::NOTAUTH,
                    ..
                }
        )
    }

    /// Returns whether the primary failed on an UPDATE.
    pub(crate) fn is_server_failure(&self) -> bool {
        matches!(self, Self::ServerFailure { .. })
    }

    /// Returns whether the primary is overloaded, so that the failure is not about the request.
    pub fn is_load(&self) -> bool {
        if let Self::Catalog { source, .. } | Self::BehindCname { source, .. } = self {
            return source.is_load();
        }
        matches!(
            self,
            Self::Overloaded { .. }
                | Self::UpdatesExhausted { .. }
                | Self::UpdatesLimited
                | Self::TransfersExhausted { .. }
        )
    }

    /// Returns whether the state failed: the primary is not at fault.
    pub fn is_of_state(&self) -> bool {
        if let Self::Catalog { source, .. } | Self::BehindCname { source, .. } = self {
            return source.is_of_state();
        }
        matches!(self, Self::State)
    }

    /// Returns whether the state of the zone on the primary may be the cause.
    pub(crate) fn is_of_zone(&self) -> bool {
        matches!(
            self,
            Self::UpdateRefused { .. } | Self::ServerFailure { .. } | Self::ZoneNotLoaded { .. }
        )
    }

    /// Returns whether a zone is refused since another party has it or the one above it, or for its name.
    pub(crate) fn is_of_owner(&self) -> bool {
        matches!(
            self,
            Self::OthersZone { .. }
                | Self::UnownedZone { .. }
                | Self::ZoneOfOneLabel { .. }
                | Self::BelowReverseZone { .. }
                | Self::BelowOthersZone { .. }
                | Self::BelowUnownedZone { .. }
        )
    }

    /// Returns whether the primary said with a signature that it does not have the zone of an UPDATE (RFC 2136 section
    /// 3.1.1).
    pub(crate) fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::UpdateRefused {
                rcode: Rcode::NOTAUTH | Rcode::NOTZONE,
                ..
            }
        )
    }

    /// Returns whether the primary is unreachable, so that deliveries to its other zones fail, too.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Transport(error) if !is_certificate(error))
    }

    /// Returns whether a connection to the primary timed out, so that the next attempt would take as long.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Transport(error) if error.is_timeout())
    }

    /// Returns whether the primary is unreachable, or another one that a CNAME leads to.
    pub fn is_of_unreachable(&self) -> bool {
        if let Self::BehindCname { source, .. } = self {
            return source.is_unreachable();
        }
        self.is_unreachable()
    }
}

/// Returns whether the certificate is at fault, which no retry repairs.
fn is_certificate(error: &TransportError) -> bool {
    matches!(error, TransportError::Tls { .. })
}
