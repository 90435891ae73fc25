//! The conversation with a primary: queries, transfers and UPDATEs, each one exchange over a
//! connection that is kept for the next one.
//!
//! It decides nothing about zones: it returns the response to each exchange, or whether the request may have arrived.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::primary::{Primary, Provisioning, SigningKeys};
use crate::deliver::error::Failure;
use crate::deliver::state::{StateStore, ZoneKey};
use crate::model::{CurrentZone, Name, RecordType, ZoneName};
use crate::plan::{Abilities, Batch, BatchError, Learnt, Lengths, Membership};
use crate::provision::Provisioner;
use crate::transport::{
    Congestion, Connection, DATAGRAM_OCTETS_MAX, Permit, RequestKind, TransportError, resolve_host,
};
use crate::wire::{
    self, Expected, Key, KeyList, Opcode, Progress, Rcode, Reply, RequestMac, TransferError,
    TransferReader,
};

/// The pause before the second attempt; it grows with each.
const PAUSE: Duration = Duration::from_millis(15);

/// Opens a session about the zone at or above a name, which takes a permit with its first exchange.
pub(crate) fn open<'a>(
    primary: &'a Primary,
    name: &Name,
    clock: fn() -> u64,
    deadline: Instant,
) -> Session<'a> {
    Session {
        primary,
        keys: primary.keys_of(name),
        clock,
        deadline,
        connection: None,
        connected_for: RequestKind::Update,
        permit: None,
        transfer_permit: None,
        memberships: HashMap::new(),
        overloads: 0,
        unanswered: None,
        abilities: primary.abilities.clone(),
        lessons: Vec::new(),
        lengths: Lengths::default(),
        accepted: None,
    }
}

/// The conversation about one intent.
pub(crate) struct Session<'a> {
    pub(crate) primary: &'a Primary,
    pub(crate) keys: &'a SigningKeys,
    pub(crate) deadline: Instant,
    pub(crate) clock: fn() -> u64,
    pub(crate) connection: Option<Connection>,
    /// The kind of requests whose endpoint the connection leads to.
    pub(crate) connected_for: RequestKind,
    pub(crate) permit: Option<Permit<'a>>,
    /// Only ever held beside `permit`: a session that held it and waited for a permit would wait
    /// for sessions that hold permits and wait for it.
    pub(crate) transfer_permit: Option<Permit<'a>>,
    /// The memberships of zones in the catalog, and when they were asked for.
    pub(crate) memberships: HashMap<ZoneName, (Membership, Instant)>,
    /// Requests lost by overload.
    pub(crate) overloads: u32,
    /// Why the last UPDATE was repeated over a new connection: the first one may have been applied, too.
    pub(crate) unanswered: Option<TransportError>,
    /// What the primary can do, by the configuration and by what was learnt.
    pub(crate) abilities: Abilities,
    /// What was learnt in this session, each in a zone.
    pub(crate) lessons: Vec<(ZoneName, Learnt)>,
    /// The lengths of the messages that a search has sent.
    pub(crate) lengths: Lengths,
    /// The accepted intents, which must be on the disk before an UPDATE is sent for them.
    pub(crate) accepted: Option<&'a dyn StateStore>,
}

/// The response to a transfer request.
pub(crate) enum Transfer {
    /// The whole zone.
    Zone(Box<CurrentZone>),
    /// The primary denied it in its first message.
    Denied(Reply),
}

impl Session<'_> {
    /// Returns the key of a zone on this primary in the state.
    pub(crate) fn zone_key(&self, zone: &ZoneName) -> ZoneKey {
        ZoneKey {
            primary: self.primary.name.clone(),
            zone: zone.clone(),
        }
    }

    /// Opens a connection, if the primary has any, and returns its address. The connection is not kept: the first exchange
    /// opens one of its own, so that its failure does not pass for that of a connection that was
    /// idle for too long.
    pub(crate) async fn try_connecting(&mut self) -> Result<SocketAddr, Failure> {
        self.take_permit().await?;
        let deadline = self.exchange_deadline();
        let endpoint = &self.primary.endpoint;
        if self.primary.is_by_udp(RequestKind::Update) {
            let addresses = resolve_host(&endpoint.host, endpoint.port, deadline).await?;
            let no_address = || TransportError::NoAddress {
                host: endpoint.host.clone(),
            };
            return Ok(*addresses.first().ok_or_else(no_address)?);
        }
        match Connection::open(endpoint, deadline).await {
            Ok(connection) => Ok(connection.peer()),
            Err(error) => Err(self.explained(RequestKind::Update, error).await.into()),
        }
    }

    /// Sends a query, signed with the key for updates.
    pub(crate) async fn query(&mut self, name: &Name, rtype: RecordType) -> Result<Reply, Failure> {
        self.query_with(name, rtype, Some(&self.keys.update)).await
    }

    /// Sends a query. The response to one without a key is not authenticated.
    pub(crate) async fn query_with(
        &mut self,
        name: &Name,
        rtype: RecordType,
        key: Option<&KeyList>,
    ) -> Result<Reply, Failure> {
        if !self.abilities.answers_queries() {
            return Err(Failure::NothingShown);
        }
        let is_by_udp = self.primary.is_by_udp(RequestKind::Query);
        // Not every server takes EDNS: only a response that did not fit is asked for with it.
        for advertised in [None, u16::try_from(DATAGRAM_OCTETS_MAX).ok()] {
            let id = random_id()?;
            let mut message = wire::encode_query(name, rtype, id);
            if let Some(octets) = advertised {
                wire::advertise_octets(&mut message, octets);
            }
            let (answer, signed) = self.exchange(&message, key, RequestKind::Query).await?;
            let reply = self.read(&answer, id, Opcode::Query, signed.as_ref());
            let Reply::Authentic(response) = &reply else {
                return Ok(reply);
            };
            let is_known = [Rcode::NOERROR, Rcode::NXDOMAIN].contains(&response.rcode);
            let is_whole = !response.truncated && (advertised.is_none() || is_known);
            if is_whole || !is_by_udp {
                return Ok(reply);
            }
        }
        let owner = name.clone();
        Err(Failure::AnswerTruncated { owner, rtype })
    }

    /// Returns whether the primary increments a serial once for all waiting UPDATEs of a zone, so that two UPDATEs may
    /// have one serial as their prerequisite. Knot: does so, and is recognized by how it refuses a query for a zone
    /// that it does not have: unsigned, since it looks at no key then.
    pub(crate) async fn joins_updates(&mut self) -> Result<bool, Failure> {
        match &self.primary.provisioning {
            Some(Provisioning::Catalog { .. }) => return Ok(true),
            Some(Provisioning::Provisioner(Provisioner::Rndc(_) | Provisioner::PowerDns(_))) => {
                return Ok(false);
            }
            Some(Provisioning::Provisioner(Provisioner::Command(_))) | None => {}
        }
        let known = &self.primary.pool.joins_updates;
        if let Some(joins) = known.get() {
            return Ok(joins);
        }
        self.take_permit().await?;
        // While this session waited for a permit, another one may have found it out.
        if let Some(joins) = known.get() {
            return Ok(joins);
        }
        // No server has a zone for this name (RFC 6761 section 6.4).
        let name = "nsbridge-check.invalid.".parse();
        let name: Name = name.expect("the name is well-formed");
        let key = self.keys.update.present().clone().into();
        let reply = self.query_with(&name, RecordType::SOA, Some(&key)).await?;
        let joins = reply == Reply::Unsigned(Rcode::REFUSED);
        known.set(Some(joins));
        Ok(joins)
    }

    /// Sends a batch as an UPDATE, and again after SERVFAIL, with which a primary changes nothing.
    ///
    /// # Errors
    /// [`Failure::ResponseLost`] if the response is lost: the batch may have been applied.
    pub(crate) async fn update(&mut self, batch: &Batch, key: &KeyList) -> Result<Reply, Failure> {
        self.repeat(batch, key, false).await
    }

    /// Sends a batch as [`Self::update`], and if `is_patient` again for some more seconds after SERVFAIL.
    ///
    /// # Errors
    /// Those of [`Self::update`].
    pub(crate) async fn repeat(
        &mut self,
        batch: &Batch,
        key: &KeyList,
        is_patient: bool,
    ) -> Result<Reply, Failure> {
        let congestion = &self.primary.pool.congestion;
        let mut pauses = Congestion::pauses(is_patient);
        let mut attempts = 0;
        self.unanswered = None;
        loop {
            self.take_permit().await?;
            let started = Instant::now();
            let reply = self.update_once(batch, key).await?;
            attempts += 1;
            if !is_servfail(&reply) {
                if attempts > 1 {
                    congestion.on_recovery();
                }
                return Ok(reply);
            }
            let is_recovering = congestion.is_recovering();
            // One zone with a problem of its own must not slow all others down.
            if attempts == 1 || is_recovering {
                congestion.permits.on_overload(started, Instant::now());
            }
            let Some((pause, is_for_load)) = pauses.next() else {
                let exhausted = Failure::UpdatesExhausted { attempts };
                return if is_recovering {
                    Err(exhausted)
                } else {
                    Ok(reply)
                };
            };
            if Instant::now() + pause >= self.deadline || is_for_load && !is_recovering {
                return Ok(reply);
            }
            self.release_permits();
            tokio::time::sleep(pause).await;
        }
    }

    /// Makes one attempt of [`Self::update`].
    pub(crate) async fn update_once(
        &mut self,
        batch: &Batch,
        key: &KeyList,
    ) -> Result<Reply, Failure> {
        let limit = self.primary.update_octets(key).max;
        let octets = batch.octets();
        if octets > limit {
            let owner = batch.owner().clone();
            return Err(BatchError::OwnerTooLarge {
                owner,
                octets,
                limit,
            }
            .into());
        }
        let id = random_id()?;
        let message = wire::encode_update(batch, id)?;
        if let Some(accepted) = self.accepted {
            accepted.durable().await?;
        }
        let exchanged = self.exchange(&message, Some(key), RequestKind::Update);
        let (answer, signed) = exchanged.await?;
        Ok(self.read(&answer, id, Opcode::Update, signed.as_ref()))
    }

    /// Returns whether a primary that answers no queries said by its response to an UPDATE that it does not have the zone.
    pub(crate) fn is_gone(&self, failure: &Failure) -> bool {
        failure.is_absence() && !self.abilities.answers_queries()
    }

    /// Returns the failure of a record whose zone the primary does not have by [`Self::is_gone`].
    pub(crate) fn without_zone(&self, failure: Failure, owner: Name) -> Failure {
        if self.is_gone(&failure) {
            Failure::ZoneUnknown { owner }
        } else {
            failure
        }
    }

    /// Requests a zone by AXFR (RFC 5936).
    pub(crate) async fn transfer(
        &mut self,
        zone: &ZoneName,
        key: &KeyList,
    ) -> Result<Transfer, Failure> {
        if !self.abilities.answers_queries() {
            return Err(Failure::NothingShown);
        }
        if self.primary.is_by_udp(RequestKind::Transfer) {
            return Err(Failure::TransferByUdp);
        }
        let id = random_id()?;
        let message = wire::encode_query(zone.apex(), RecordType::AXFR, id);
        self.take_transfer_permit().await?;
        let transfers = &self.primary.pool.congestion.transfers;
        let started = Instant::now();
        let begun = self
            .exchange(&message, Some(key), RequestKind::Transfer)
            .await;
        // Held until the transfer ends, in whatever way.
        let _permit = self.transfer_permit.take();
        let (mut answer, signed) = begun?;
        let signed = signed.map(|(key, mac)| (key.clone(), mac));
        let mut reader = TransferReader::new(zone, id, signed);
        loop {
            match reader.push(&answer, (self.clock)()) {
                Ok(Progress::Complete) => break,
                Ok(Progress::More) => {}
                Err(TransferError::Denied(reply)) => {
                    if is_servfail(&reply) {
                        transfers.on_overload(started, Instant::now());
                    }
                    return Ok(Transfer::Denied(reply));
                }
                Err(error) => {
                    self.connection = None;
                    return Err(error.into());
                }
            }
            let deadline = self.exchange_deadline();
            let connection = self
                .connection
                .as_mut()
                .expect("the first message came over it");
            answer = match connection.receive(deadline).await {
                Ok(octets) => octets,
                Err(error) => {
                    self.connection = None;
                    return Err(Failure::TransferCut { source: error });
                }
            };
        }
        transfers.on_response(Instant::now());
        Ok(Transfer::Zone(Box::new(reader.finish()?)))
    }

    /// Waits until the pace of the primary allows another UPDATE.
    ///
    /// # Errors
    /// [`Failure::UpdatesLimited`] if that takes longer than there is time.
    pub(crate) async fn wait_for_turn(&self) -> Result<(), Failure> {
        if let Some(turn) = self.primary.pool.pace.take_turn(Instant::now()) {
            if turn >= self.deadline {
                return Err(Failure::UpdatesLimited);
            }
            tokio::time::sleep_until(turn).await;
        }
        Ok(())
    }

    /// Pauses before each attempt but the first.
    ///
    /// # Errors
    /// [`Failure::DeadlinePassed`].
    pub(crate) async fn pause(&self, attempt: u32) -> Result<(), Failure> {
        if attempt > 0 {
            tokio::time::sleep(PAUSE * attempt).await;
        }
        if Instant::now() >= self.deadline {
            return Err(Failure::DeadlinePassed);
        }
        Ok(())
    }

    /// Waits for a permit, unless the session has one.
    pub(crate) async fn take_permit(&mut self) -> Result<(), Failure> {
        if self.permit.is_none() {
            let permits = &self.primary.pool.congestion.permits;
            let permit = timeout_at(self.deadline, permits.take()).await;
            self.permit = Some(permit.map_err(|_| Failure::DeadlinePassed)?);
        }
        Ok(())
    }

    /// Waits for a permit, and then for a transfer permit, unless the session has them.
    pub(crate) async fn take_transfer_permit(&mut self) -> Result<(), Failure> {
        self.take_permit().await?;
        if self.transfer_permit.is_none() {
            let transfers = &self.primary.pool.congestion.transfers;
            let permit = timeout_at(self.deadline, transfers.take()).await;
            self.transfer_permit = Some(permit.map_err(|_| Failure::DeadlinePassed)?);
        }
        Ok(())
    }

    /// Gives the connection and the permit to other sessions until the next exchange. Called before a wait for the
    /// disk, so that the other zones of a batch are read meanwhile, and many reservations share one write.
    pub(crate) fn yield_permit(&mut self) {
        self.yield_connection();
        self.permit = None;
    }

    pub(crate) fn yield_connection(&mut self) {
        let pool = &self.primary.pool;
        let mut idle = pool.idle.borrow_mut();
        // An overloaded primary may have no connection left for other clients.
        let has_room = idle.len() < pool.congestion.permits.limit();
        let connection = self.connection.take().filter(|_| has_room);
        idle.extend(connection.map(|it| (self.connected_for, it)));
    }

    /// Closes the idle connections, so that the next exchange opens a new one.
    pub(crate) fn drop_connections(&mut self) {
        self.connection = None;
        self.primary.pool.idle.borrow_mut().clear();
    }

    /// Gives the connection back for the next session. The connection of a session that is not
    /// released, because its exchange did not end cleanly, is closed.
    pub(crate) fn release(mut self) {
        self.yield_permit();
    }

    fn read(
        &mut self,
        answer: &[u8],
        id: u16,
        opcode: Opcode,
        signed: Option<&(&Key, RequestMac)>,
    ) -> Reply {
        let key = signed.map(|(key, mac)| (*key, mac));
        let expected = Expected { id, opcode, key };
        let reply = wire::read_reply(answer, &expected, (self.clock)());
        if matches!(reply, Reply::Malformed(_) | Reply::Forged(_)) {
            self.connection = None;
        }
        reply
    }
}

fn is_servfail(reply: &Reply) -> bool {
    matches!(reply, Reply::Authentic(response) if response.rcode == Rcode::SERVFAIL)
}

pub(crate) fn random_id() -> Result<u16, Failure> {
    let mut octets = [0; 2];
    getrandom::fill(&mut octets).map_err(Failure::Random)?;
    Ok(u16::from_be_bytes(octets))
}
