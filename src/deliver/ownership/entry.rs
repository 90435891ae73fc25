//! Changes the entry of a zone in the catalog: its claim, and its member node.

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::ownership::authorize::authorize_member;
use crate::deliver::ownership::catalog::Form;
use crate::deliver::policy::UnownedZones;
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Catalog, Provisioning, Session};
use crate::deliver::transaction::{self, Next, Transaction};
use crate::model::{Serial, ZoneName};
use crate::plan::{EntryChange, Membership, Terms};
use crate::wire::KeyList;

impl Catalog {
    /// Changes the entry of a zone. Returns its membership before.
    ///
    /// # Errors
    /// [`Failure`] if the catalog cannot be read or changed.
    pub(crate) async fn change(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        change: EntryChange,
    ) -> Result<Membership, Failure> {
        self.change_if(session, zone, change, &|_| Ok(())).await
    }

    /// Claims a zone by a change, if it is this instance's or `unowned` allows it. Returns its membership before.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::change`]; [`Failure::OthersZone`] and [`Failure::UnownedZone`].
    pub(crate) async fn claim(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        change: EntryChange,
        unowned: UnownedZones,
    ) -> Result<Membership, Failure> {
        let authorize = |it: &Membership| authorize_member(it, zone, unowned);
        self.change_if(session, zone, change, &authorize).await
    }

    /// Changes the entry of a zone if its membership is authorized. Returns its membership before.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::change`], and what `authorize` returns.
    pub(crate) async fn change_if(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        change: EntryChange,
        authorize: &dyn Fn(&Membership) -> Result<(), Failure>,
    ) -> Result<Membership, Failure> {
        let mut changing = Changing {
            catalog: self,
            session,
            zone,
            change,
            authorize,
            lost: None,
        };
        transaction::run(&mut changing).await
    }

    /// Tells the consumers of this catalog that a zone of this instance is about to be listed in another one. Does nothing
    /// if the zone is not listed here, or changed meanwhile.
    ///
    /// # Errors
    /// [`Failure`], as [`Self::change`].
    pub(crate) async fn announce(
        &self,
        session: &mut Session<'_>,
        zone: &ZoneName,
        other: &ZoneName,
    ) -> Result<(), Failure> {
        let Membership::Ours(member) = self.membership(session, zone).await? else {
            return Ok(());
        };
        if !member.is_listed() {
            return Ok(());
        }
        let serial = self.move_serial(session).await?;
        let announcement = self.name.announce(&member, other);
        let reply = session.update(&announcement, &self.key).await?;
        if is_applied(reply, self.zone(), self.key.name())? {
            let joins_updates = session.joins_updates().await.unwrap_or(true);
            self.count_change(serial, joins_updates);
        }
        Ok(())
    }
}

/// The transaction that changes the entry of a zone.
struct Changing<'c, 'a> {
    catalog: &'c Catalog,
    session: &'c mut Session<'a>,
    zone: &'c ZoneName,
    change: EntryChange,
    /// Refuses the zones of some parties.
    authorize: &'c dyn Fn(&Membership) -> Result<(), Failure>,
    /// The membership that an UPDATE was decided from whose response was lost.
    lost: Option<Membership>,
}

/// A change of an entry that was sent.
struct Change {
    before: Membership,
    becomes: Membership,
    /// The serial that the catalog had.
    serial: Serial,
}

/// Returns a label that no zone has.
fn new_label() -> Result<String, Failure> {
    let random = || getrandom::u64().map_err(Failure::Random);
    Ok(format!("{:016x}{:016x}", random()?, random()?))
}

impl<'a> Transaction<'a> for Changing<'_, 'a> {
    type Outcome = Membership;
    type Change = Change;
    const ATTEMPTS_MAX: u32 = 20;

    fn session(&mut self) -> &mut Session<'a> {
        self.session
    }

    fn key(&mut self) -> KeyList {
        self.catalog.key.clone()
    }

    async fn decide(&mut self) -> Result<Next<Membership, Self::Change>, Failure> {
        let membership = self.catalog.membership(self.session, self.zone).await?;
        let lost = self.lost.take();
        (self.authorize)(&membership)?;
        let provisioning = self.session.primary.provisioning.as_ref();
        let terms = Terms {
            instance: &self.catalog.instance,
            new_label: new_label()?,
            group: provisioning.and_then(Provisioning::group),
        };
        let Some((claim, node)) = terms.entry(self.change, &membership) else {
            return Ok(Next::Done(lost.unwrap_or(membership)));
        };
        let before = membership.member();
        let name = &self.catalog.name;
        let batch = name.update(self.zone, before, claim.as_ref(), node);
        let becomes = membership.after(self.zone, claim, node, terms.instance);
        if self.catalog.form(self.session).await? == Form::Empty {
            if self.catalog.last_serial.get().is_some() {
                let catalog = self.catalog.zone().clone();
                return Err(Failure::CatalogLost { catalog });
            }
            self.catalog.begin(self.session).await?;
        }
        let serial = self.catalog.move_serial(self.session).await?;
        Ok(Next::Send {
            batches: vec![batch],
            change: Change {
                before: membership,
                becomes,
                serial,
            },
        })
    }

    async fn settle(
        &mut self,
        change: Change,
        _messages: usize,
    ) -> Result<Option<Membership>, Failure> {
        let joins_updates = self.session.joins_updates().await.unwrap_or(true);
        self.catalog.count_change(change.serial, joins_updates);
        let becomes = (change.becomes, Instant::now());
        self.session.memberships.insert(self.zone.clone(), becomes);
        Ok(Some(change.before))
    }

    async fn not_applied(&mut self) {
        self.session.memberships.remove(self.zone);
        self.catalog.is_complete.set(false);
    }

    fn response_lost(&mut self, change: Change) {
        self.lost = Some(change.before);
    }

    fn in_context(&self, failure: Failure) -> Failure {
        self.catalog.in_context(failure)
    }
}
