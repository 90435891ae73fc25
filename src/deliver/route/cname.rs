//! Follows CNAMEs from one name to the next (RFC 1034 section 3.6.2).
//!
//! A wildcard may synthesize a CNAME (RFC 4592), which looks like one of the name's own. It leads
//! all unused names to one target, so it is not followed until a failed prerequisite proves that
//! the name has a CNAME of its own.

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::ask;
use crate::model::{Name, Record, RecordIntent, RecordType};
use crate::wire::Response;

/// Longest chain of CNAMEs that is followed.
const CHAIN_MAX: usize = 8;

/// The way from a name along its CNAMEs.
pub(crate) struct Chain {
    asked: Name,
    rtype: RecordType,
    /// The name that was reached.
    pub(crate) at: Name,
    steps: usize,
}

impl Chain {
    /// Begins at the owner name of records of a type.
    pub(crate) fn new(asked: Name, rtype: RecordType) -> Self {
        Self {
            at: asked.clone(),
            asked,
            rtype,
            steps: 0,
        }
    }

    /// Begins at the owner name of a record.
    pub(crate) fn of(record: &RecordIntent) -> Self {
        Self::new(record.owner.clone(), record.rtype)
    }

    /// Goes on to the target of a CNAME.
    ///
    /// # Errors
    /// [`Failure::CnameChainTooLong`].
    pub(crate) fn follow(&mut self, target: Name) -> Result<(), Failure> {
        self.steps += 1;
        if self.steps > CHAIN_MAX {
            return Err(Failure::CnameChainTooLong {
                owner: self.asked.clone(),
                rtype: self.rtype,
                limit: CHAIN_MAX,
            });
        }
        self.at = target;
        Ok(())
    }
}

/// How a step at a name ended.
pub(crate) enum Reached<T> {
    /// With a result.
    Here(T),
    /// At a CNAME, whose target may be on another primary.
    Cname(Name),
}

/// The CNAMEs that are followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Follow {
    /// CNAMEs that no wildcard seems to synthesize.
    NotSynthesized,
    All,
}

/// A name without a CNAME that is to be followed.
pub(crate) struct Here {
    /// The response to the query.
    pub(crate) response: Response,
    /// The SOA of the zone that the name is in.
    pub(crate) soa: Option<Record>,
    /// A wildcard seems to synthesize a CNAME at the name.
    pub(crate) has_synthesized_cname: bool,
}

/// Queries a name for records of a type and for a CNAME. `None` if the primary serves no zone for
/// the name.
pub(crate) async fn look(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
    follow: Follow,
) -> Result<Reached<Option<Here>>, Failure> {
    let Some(response) = ask(session, owner, rtype).await? else {
        return Ok(Reached::Here(None));
    };
    let target = response.cname_target(owner);
    if let Some(target) = &target
        && (follow == Follow::All || !is_synthesized(session, owner, target).await?)
    {
        return Ok(Reached::Cname(target.clone()));
    }
    let has_synthesized_cname = target.is_some();
    Ok(Reached::Here(Some(Here {
        response,
        soa: soa_of(session, owner, has_synthesized_cname).await?,
        has_synthesized_cname,
    })))
}

/// Returns whether a wildcard synthesizes the CNAME: the wildcard then has the same target. A CNAME of the
/// name's own with that target looks like it, too.
async fn is_synthesized(
    session: &mut Session<'_>,
    owner: &Name,
    cname: &Name,
) -> Result<bool, Failure> {
    let Some(Ok(wildcard)) = owner.parent().map(|parent| parent.child(b"*")) else {
        return Ok(false);
    };
    let response = ask(session, &wildcard, RecordType::CNAME).await?;
    Ok(response.is_some_and(|response| response.cname_target(&wildcard).as_ref() == Some(cname)))
}

/// Returns the SOA of the zone that a name is in, which may have a synthesized CNAME.
async fn soa_of(
    session: &mut Session<'_>,
    owner: &Name,
    has_synthesized_cname: bool,
) -> Result<Option<Record>, Failure> {
    let mut name = Some(owner.clone());
    if has_synthesized_cname {
        // The name itself is answered with the SOA of the CNAME target; the apex answers for itself.
        name = owner.parent();
    }
    while let Some(here) = name {
        let Some(response) = ask(session, &here, RecordType::SOA).await? else {
            return Ok(None);
        };
        let soa = response.enclosing_soa(owner);
        if soa.is_some() || !has_synthesized_cname {
            return Ok(soa.cloned());
        }
        name = here.parent();
    }
    Ok(None)
}
