//! One batch over several zones: a message for each, in the order in which the batch comes to them.
//!
//! The messages stand alone: what one server refuses keeps no other from being asked. A prerequisite
//! guards the updates of its own zone, and no others; one that would guard nothing is refused.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::client::{Client, start_of_entry};
use super::fatal::Fatal;
use crate::model::Name;
use crate::wire::{Class, Draft};

/// The part of a batch that lies in one zone.
struct Part {
    zone: Name,
    servers: Vec<SocketAddr>,
    draft: Draft,
}

impl Client<'_> {
    /// Sends a batch, each part to its zone. Where a zone is not found nothing is sent.
    pub(super) async fn send_split(&mut self, draft: Draft, class: Class) -> Result<(), Fatal> {
        let mut parts: Vec<Part> = Vec::new();
        // The parts of names that were looked for: scripts name the same one many times.
        let mut known: HashMap<Name, usize> = HashMap::new();
        let prerequisites = draft.prerequisites.into_iter().map(|it| (it, true));
        let updates = draft.updates.into_iter().map(|it| (it, false));
        for (entry, is_prerequisite) in prerequisites.chain(updates) {
            let start = start_of_entry(&entry);
            if !known.contains_key(&start) {
                let Some((zone, servers)) = self.find_by_route(&start, class).await? else {
                    return Ok(());
                };
                known.insert(start.clone(), part_of(&mut parts, zone, servers));
            }
            let draft = &mut parts[known[&start]].draft;
            if is_prerequisite {
                draft.prerequisites.push(entry);
            } else {
                draft.updates.push(entry);
            }
        }
        let guards_nothing = |part: &&Part| parts.len() > 1 && part.draft.updates.is_empty();
        if let Some(part) = parts.iter().find(guards_nothing) {
            let zone = part.zone.clone();
            let why = format!(
                "no update lies in {zone}, whose prerequisites guard no other zone; nothing was sent"
            );
            self.fail(Some(zone), why);
            return Ok(());
        }
        for mut part in parts {
            part.draft.zone = Some((part.zone.clone(), class));
            part.draft.lease = draft.lease;
            part.draft.asks_why = draft.asks_why;
            match self.session.enter(&part.zone).await {
                Ok(outside) => {
                    self.update(&part.draft, &part.servers).await?;
                    self.session.leave(outside);
                }
                Err(why) => self.fail(Some(part.zone), why),
            }
        }
        Ok(())
    }

    /// The zone of a name, by the server that is configured for it; none where that fails, which is said.
    async fn find_by_route(
        &mut self,
        start: &Name,
        class: Class,
    ) -> Result<Option<(Name, Vec<SocketAddr>)>, Fatal> {
        let outside = match self.session.enter(start).await {
            Ok(outside) => outside,
            Err(why) => {
                self.fail(None, why);
                return Ok(None);
            }
        };
        let found = self.find(start, class, false).await;
        self.session.leave(outside);
        found
    }
}

/// The index of the part of a zone, which may be a new one.
fn part_of(parts: &mut Vec<Part>, zone: Name, servers: Vec<SocketAddr>) -> usize {
    let mut there = parts.iter();
    let there = there.position(|part| part.zone == zone && part.servers == servers);
    there.unwrap_or_else(|| {
        parts.push(Part {
            zone,
            servers,
            draft: Draft::default(),
        });
        parts.len() - 1
    })
}
