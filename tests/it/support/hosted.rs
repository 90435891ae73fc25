//! A service that takes signed UPDATEs of zones that it hosts: a primary in memory that does what RFC 2136 says,
//! except for the [`Habits`] that it is given.
//!
//! It listens at four addresses. At the first it takes UPDATEs, and what its habits leave there; two others answer
//! the queries and the transfers that it does not; at the last one, which only the test knows, everybody sees
//! every zone as it is, by `dig`.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tempfile::TempDir;

use crate::support::datagrams::Datagrams;
use crate::support::dig::Asker;
use crate::support::habits::{
    CNAME, FORMERR, Habits, NOTAUTH, NOTIMP, NXDOMAIN, REFUSED, SILENT, SOA, Transfers,
    is_at_or_below,
};
use crate::support::keys::Key;
use crate::support::message::{
    self, Entry, answer, is_transfer, is_update, question, sign, signer, update_sections,
    with_tsig_error,
};
use crate::support::scripted::Scripted;

const BADKEY: u8 = 17;
const ANY: u16 = 255;

/// The key of all zones.
const KEY: &str = "hosted";
/// The key for transfers from the address for them.
const TRANSFER_KEY: &str = "transfers";
/// What each zone holds from the beginning beside its SOA, and the TTL.
pub(crate) const NAME_SERVERS: [&str; 2] = ["ns1.host.test.", "ns2.host.test."];

/// The messages that came in at the address for UPDATEs and at those for queries and transfers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Received {
    pub(crate) updates: usize,
    /// Those among them that were refused, whatever the code; a prerequisite that fails is no refusal.
    pub(crate) refused: usize,
    pub(crate) queries: usize,
    pub(crate) transfers: usize,
    /// Queries and transfers, and what asks for the software.
    pub(crate) questions: usize,
    /// The size of the longest datagram.
    pub(crate) datagram_octets_max: usize,
}

/// An address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Address {
    Updates,
    Queries,
    Transfers,
    /// Only the test knows it.
    Witness,
}

/// A service that runs; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Hosted {
    state: Arc<Mutex<State>>,
    peers: BTreeMap<&'static str, Scripted>,
    /// The address for UPDATEs, if it is by UDP alone.
    by_udp: Option<Datagrams>,
    directory: TempDir,
}

impl Hosted {
    /// Hosts these zones, with these records in the first one, each with a TTL of an hour.
    pub(crate) fn start(zones: &[&str], there: &[Vec<u8>], habits: Habits) -> Self {
        let directory = TempDir::with_prefix("nsbridge-hosted-").expect("a temporary directory");
        let of_zones = zones.iter().map(|zone| format!("{KEY}-{zone}"));
        let names = [KEY, TRANSFER_KEY].map(str::to_owned).into_iter();
        let keys = names.chain(of_zones);
        let keys = keys.map(|name| Key::with_algorithm(&name, habits.algorithm));
        let keys: Vec<Key> = keys
            .inspect(|key| drop(key.write(directory.path())))
            .collect();
        let mut contents: BTreeMap<String, Vec<Version>> = zones
            .iter()
            .map(|zone| (absolute(zone), first(zone)))
            .collect();
        if let Some(versions) = contents.get_mut(&absolute(zones[0])) {
            let there = there.iter().map(|octets| Entry::of(octets));
            versions[0].records.extend(there);
        }
        let is_by_udp = habits.is_by_udp;
        let state = Arc::new(Mutex::new(State {
            zones: contents,
            keys,
            habits,
            received: Received::default(),
            taken: VecDeque::new(),
        }));
        let addresses = [
            ("updates", Address::Updates),
            ("queries", Address::Queries),
            ("transfers", Address::Transfers),
            ("witness", Address::Witness),
        ];
        let peers = addresses.map(|(name, address)| {
            let state = Arc::clone(&state);
            let peer = Scripted::start(move |conversation| {
                while let Some(request) = conversation.read() {
                    let response = state.lock().unwrap().respond(address, &request);
                    if !response.is_empty() {
                        conversation.write(&response);
                    }
                }
            });
            (name, peer)
        });
        let by_udp = is_by_udp.then(|| {
            let state = Arc::clone(&state);
            Datagrams::start(move |request| state.lock().unwrap().respond_by_udp(request))
        });
        Self {
            state,
            peers: peers.into(),
            by_udp,
            directory,
        }
    }

    /// The port of an address: `updates`, `queries` or `transfers`.
    pub(crate) fn port(&self, address: &str) -> u16 {
        match &self.by_udp {
            Some(peer) if address == "updates" => peer.port(),
            Some(_) | None => self.peers[address].port(),
        }
    }

    /// The key of all zones.
    pub(crate) fn key(&self) -> Key {
        self.state.lock().unwrap().keys[0].clone()
    }

    /// The file of the key of all zones.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.file_of_key(KEY)
    }

    /// The file of a key: `hosted`, `transfers`, or `hosted-ZONE`.
    pub(crate) fn file_of_key(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.key"))
    }

    /// Asks what it has, by no habit.
    pub(crate) fn witness(&self) -> Asker {
        let key: &Path = &self.file_of_key(KEY);
        Asker::at(self.port("witness"), key)
    }

    /// Ends a zone, as on the service's own pages.
    pub(crate) fn remove(&self, zone: &str) {
        self.state.lock().unwrap().zones.remove(&absolute(zone));
    }

    /// What came in.
    pub(crate) fn received(&self) -> Received {
        self.state.lock().unwrap().received
    }

    /// Changes what it does from now on.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.state.lock().unwrap().habits);
    }
}

/// What happens to a zone over time.
#[derive(Debug)]
struct Version {
    since: Instant,
    records: Vec<Entry>,
}

#[derive(Debug)]
struct State {
    zones: BTreeMap<String, Vec<Version>>,
    keys: Vec<Key>,
    habits: Habits,
    received: Received,
    /// When UPDATEs came in.
    taken: VecDeque<Instant>,
}

impl State {
    /// Answers a datagram, with the flag TC if the response is longer than the client takes.
    fn respond_by_udp(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        let longest = &mut self.received.datagram_octets_max;
        *longest = (*longest).max(request.len());
        let mut response = self.respond(Address::Updates, request);
        if response.is_empty() {
            return None;
        }
        let additionals = usize::from(request[11]) - usize::from(signer(request).is_some());
        let octets_max = if additionals == 0 { 512 } else { 1_232 };
        if response.len() > octets_max {
            response = answer(request, 0, &[]);
            response[2] |= 2;
            response = match self.key_of(request) {
                Some(key) => sign(response, request, &key),
                None => response,
            };
        }
        if is_update(request) && self.habits.lost_responses > 0 {
            self.habits.lost_responses -= 1;
            return None;
        }
        Some(response)
    }

    /// The key that a request names, if it is known.
    fn key_of(&self, request: &[u8]) -> Option<Key> {
        let signer = signer(request)?;
        self.keys.iter().find(|key| key.name() == signer).cloned()
    }

    fn respond(&mut self, address: Address, request: &[u8]) -> Vec<u8> {
        let key = self.key_of(request);
        if signer(request).is_some() && key.is_none() {
            return with_tsig_error(answer(request, NOTAUTH, &[]), request, BADKEY);
        }
        if !is_update(request) && address != Address::Witness {
            self.received.questions += 1;
            if (self.habits.no_queries, address) == (Some(SILENT), Address::Updates) {
                return Vec::new();
            }
        }
        let response = match () {
            () if is_update(request) => {
                let rcode = self.update(address, request);
                let is_refused = [FORMERR, NOTIMP, REFUSED].contains(&rcode);
                self.received.refused += usize::from(is_refused);
                let response = answer(request, rcode, &[]);
                if is_refused && self.habits.refuses_unsigned {
                    return response;
                }
                response
            }
            () if message::is_version_query(request) => self.version(request),
            () if is_transfer(request) => self.transfer(address, request),
            () => self.query(address, request),
        };
        match key {
            Some(key) => sign(response, request, &key),
            None => response,
        }
    }

    /// Answers the question for its version.
    fn version(&self, request: &[u8]) -> Vec<u8> {
        let Some(version) = self.habits.version else {
            return answer(request, REFUSED, &[]);
        };
        let octets = u8::try_from(version.len()).expect("a short version");
        let text = [&[octets], version.as_bytes()].concat();
        let mut record = message::record("version.bind", 16, &text);
        // The class CHAOS.
        let class_at = "version.bind".len() + 2 + 2;
        record[class_at..class_at + 2].copy_from_slice(&[0, 3]);
        answer(request, 0, &[record])
    }

    /// Answers a query with the RRset, the CNAME or the SOA of the zone.
    fn query(&mut self, address: Address, request: &[u8]) -> Vec<u8> {
        let (name, rtype) = question(request);
        if address != Address::Witness && !message::is_version_query(request) {
            self.received.queries += 1;
        }
        match (self.habits.no_queries, address) {
            (Some(rcode), Address::Updates) => return answer(request, rcode, &[]),
            (_, Address::Transfers) => return answer(request, REFUSED, &[]),
            _ => {}
        }
        let Some((zone, records)) = self.shown(&name, address) else {
            return answer(request, REFUSED, &[]);
        };
        if !self.is_allowed(address, &zone, request) {
            return answer(request, REFUSED, &[]);
        }
        let at_name = records.iter().filter(|it| it.owner == name);
        let found = at_name.filter(|it| [rtype, CNAME].contains(&it.rtype) || rtype == ANY);
        let found: Vec<_> = found.map(Entry::octets).collect();
        if !found.is_empty() {
            return answer(request, 0, &found);
        }
        let is_there = records.iter().any(|it| is_at_or_below(&it.owner, &name));
        let soa = records.iter().find(|it| it.rtype == SOA);
        let soa = soa.expect("a zone has an SOA").octets();
        let mut negative = answer(request, if is_there { 0 } else { NXDOMAIN }, &[soa]);
        // The one record is the authority section's.
        negative.swap(7, 9);
        negative
    }

    /// Answers with a whole zone in one message.
    fn transfer(&mut self, address: Address, request: &[u8]) -> Vec<u8> {
        if address != Address::Witness {
            self.received.transfers += 1;
        }
        let is_here = match self.habits.transfers {
            Transfers::Here => address == Address::Updates,
            Transfers::Elsewhere => {
                address == Address::Transfers && signer(request).as_deref() == Some(TRANSFER_KEY)
            }
            Transfers::Nowhere => false,
        };
        let (name, _) = question(request);
        let found = self.shown(&name, address).filter(|(zone, _)| *zone == name);
        let is_allowed = self.is_allowed(address, &name, request);
        match found {
            None => answer(request, NOTAUTH, &[]),
            Some((_, records)) if address == Address::Witness || is_here && is_allowed => {
                let (soa, others): (Vec<_>, Vec<_>) =
                    records.iter().partition(|it| it.rtype == SOA);
                let all = soa.iter().chain(&others).chain(&soa);
                let message = answer(request, 0, &all.map(|it| it.octets()).collect::<Vec<_>>());
                assert!(message.len() < 65_000, "a zone fits into a message");
                message
            }
            Some(_) => answer(request, REFUSED, &[]),
        }
    }

    /// Carries an UPDATE out, or not, by RFC 2136 section 3, and returns the response code.
    fn update(&mut self, address: Address, request: &[u8]) -> u8 {
        if address != Address::Updates {
            return REFUSED;
        }
        self.received.updates += 1;
        let (zone, _) = question(request);
        if !self.zones.contains_key(&zone) {
            return NOTAUTH;
        }
        if signer(request).is_none()
            || !self.is_allowed(address, &zone, request)
            || !self.is_in_time()
            || self.habits.updates_refused.contains(&self.received.updates)
        {
            return REFUSED;
        }
        let habits = &self.habits;
        let versions = self.zones.get_mut(&zone).expect("it is there");
        let newest = versions.last().expect("each zone has a version");
        let [prerequisites, changes] = update_sections(request);
        if let Err(rcode) = habits.check(&newest.records, &prerequisites) {
            return rcode;
        }
        if let Err(rcode) = habits.admit(&zone, prerequisites.len(), &changes) {
            return rcode;
        }
        let mut records = newest.records.clone();
        habits.apply(&zone, &mut records, changes);
        if records != newest.records {
            versions.push(Version {
                since: Instant::now(),
                records,
            });
        }
        0
    }

    /// Whether the key of a request is for a zone. Unsigned questions are those of everybody.
    fn is_allowed(&self, address: Address, zone: &str, request: &[u8]) -> bool {
        let own = format!("{KEY}-{}", zone.trim_end_matches('.'));
        match signer(request) {
            Some(key) if key == TRANSFER_KEY => address == Address::Transfers,
            Some(key) if self.habits.has_key_of_zone && address != Address::Witness => key == own,
            Some(key) => key == KEY,
            None => !is_transfer(request),
        }
    }

    fn is_in_time(&mut self) -> bool {
        let Some((count, time)) = self.habits.updates_max else {
            return true;
        };
        self.taken.retain(|taken| taken.elapsed() < time);
        if self.taken.len() >= count {
            return false;
        }
        self.taken.push_back(Instant::now());
        true
    }

    /// The zone that a name is in, as it is seen at an address.
    fn shown(&self, name: &str, address: Address) -> Option<(String, Vec<Entry>)> {
        let zones = self.zones.iter();
        let zones = zones.filter(|(zone, _)| is_at_or_below(name, zone));
        let (zone, versions) = zones.max_by_key(|(zone, _)| zone.len())?;
        let is_shown = |version: &&Version| {
            address == Address::Witness || version.since.elapsed() >= self.habits.shown_after
        };
        let seen = versions.iter().rev().find(is_shown).or(versions.first())?;
        Some((zone.clone(), seen.records.clone()))
    }
}

/// What a zone begins with.
fn first(zone: &str) -> Vec<Version> {
    let ns = NAME_SERVERS.map(|host| message::record(zone, 2, &message::name(host)));
    let records = [message::soa(zone, 1)].into_iter().chain(ns);
    vec![Version {
        since: Instant::now(),
        records: records.map(|octets| Entry::of(&octets)).collect(),
    }]
}

fn absolute(zone: &str) -> String {
    format!("{}.", zone.trim_end_matches('.'))
}
