//! One batch over several zones: a message for each, in the order in which the batch comes to them.
//!
//! Where servers are configured, that of a name is the one that is updated, whatever zone it has the name in; so one
//! zone may have a message for each of several servers. The messages stand alone: what one server refuses keeps no
//! other from being asked. A prerequisite guards the updates of its own message, and no others; one that would guard
//! nothing is refused.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt as _;
use futures_util::stream;

use super::client::{Client, start_of_entry};
use super::discovery::{NotFound, Target, find_target};
use super::fatal::Fatal;
use super::session::Session;
use super::settings::Stream;
use crate::model::Name;
use crate::wire::{Class, UpdateBuilder};

/// How many names are looked for at once: enough to wait for them together, few enough for any server.
const LOOK_UPS_MAX: usize = 16;

/// The part of a batch that goes to one server, into one zone.
struct Part {
    /// The first name of the part, whose server and key are those of all.
    start: Name,
    /// The primary that is configured for them.
    primary: Option<String>,
    target: Target,
    draft: UpdateBuilder,
}

/// What came of the search for a name, with what was said on the way.
struct Looked {
    said: Vec<(Stream, String)>,
    found: Result<Result<Target, NotFound>, Fatal>,
}

impl Client<'_> {
    /// Sends a batch, each part to its zone. Where a zone is not found nothing is sent.
    pub(super) async fn send_split(
        &mut self,
        draft: UpdateBuilder,
        class: Class,
    ) -> Result<(), Fatal> {
        let prerequisites = draft.prerequisites.into_iter().map(|it| (it, true));
        let updates = draft.updates.into_iter().map(|it| (it, false));
        let entries: Vec<_> = prerequisites.chain(updates).collect();
        // Scripts name the same name many times.
        let mut seen = HashSet::new();
        let names = entries.iter().map(|(entry, _)| start_of_entry(entry));
        let names: Vec<Name> = names.filter(|name| seen.insert(name.clone())).collect();
        let mut parts: Vec<Part> = Vec::new();
        let mut known: HashMap<Name, usize> = HashMap::new();
        for (name, Looked { said, found }) in look_up(&self.session, names, class).await {
            for (stream, text) in said {
                self.session.text(stream, &text);
            }
            match found? {
                Ok(target) => {
                    let index = part_of(&mut parts, &self.session, &name, target);
                    known.insert(name, index);
                }
                Err(NotFound { zone, why }) => {
                    self.fail(zone, why);
                    return Ok(());
                }
            }
        }
        for (entry, is_prerequisite) in entries {
            let draft = &mut parts[known[&start_of_entry(&entry)]].draft;
            if is_prerequisite {
                draft.prerequisites.push(entry);
            } else {
                draft.updates.push(entry);
            }
        }
        if let Some(part) = guards_nothing(&parts) {
            let (zone, why) = (part.target.zone.clone(), useless(part, &parts));
            self.fail(Some(zone), why);
            return Ok(());
        }
        for Part {
            start,
            target,
            draft: mut part,
            ..
        } in parts
        {
            part.zone = Some((target.zone.clone(), class));
            part.lease = draft.lease;
            part.extended_errors = draft.extended_errors;
            match self.session.enter(&start).await {
                Ok(outside) => {
                    self.update(&part, &target.servers).await?;
                    self.session.leave(outside);
                }
                Err(why) => self.fail(Some(target.zone), why),
            }
        }
        Ok(())
    }
}

/// A part whose prerequisites guard no update.
fn guards_nothing(parts: &[Part]) -> Option<&Part> {
    let mut parts = parts.iter().filter(|_| parts.len() > 1);
    parts.find(|part| part.draft.updates.is_empty())
}

/// Why such a part is not sent.
fn useless(part: &Part, parts: &[Part]) -> String {
    let zone = &part.target.zone;
    let is_twin = |other: &Part| other.target.zone == *zone && other.primary != part.primary;
    let on_primary = match &part.primary {
        Some(primary) if parts.iter().any(is_twin) => format!(" on {primary}"),
        Some(_) | None => String::new(),
    };
    format!(
        "no update lies in {zone}{on_primary}, whose prerequisites guard no other zone; nothing was sent"
    )
}

/// Looks for the zones of names side by side, each by the server that is configured for it, and gives what came of
/// it in the order of the names, up to the first that has none.
async fn look_up(session: &Session<'_>, names: Vec<Name>, class: Class) -> Vec<(Name, Looked)> {
    let searches = names.into_iter().map(|name| async move {
        let looked = look_up_one(session, &name, class).await;
        (name, looked)
    });
    // Where the script names the port to send from, there is one.
    let at_once = if session.locals.has_port() {
        1
    } else {
        LOOK_UPS_MAX
    };
    let mut searches = stream::iter(searches).buffered(at_once);
    let mut done = Vec::new();
    while let Some((name, looked)) = searches.next().await {
        let is_found = matches!(looked.found, Ok(Ok(_)));
        done.push((name, looked));
        if !is_found {
            break;
        }
    }
    done
}

async fn look_up_one(session: &Session<'_>, name: &Name, class: Class) -> Looked {
    let mut said = Vec::new();
    let mut say = |stream, text: &str| said.push((stream, text.to_owned()));
    let mut session = session.beside(&mut say);
    let found = match session.enter(name).await {
        Ok(_) => find_target(&mut session, name, class, false).await,
        Err(why) => Ok(Err(NotFound { zone: None, why })),
    };
    Looked { said, found }
}

/// The index of the part of a name, which may be a new one.
fn part_of(parts: &mut Vec<Part>, session: &Session<'_>, name: &Name, target: Target) -> usize {
    let primary = session.route_of(name).map(|route| route.primary.clone());
    let is_same = |part: &Part| {
        let (ours, new) = (&part.target, &target);
        part.primary == primary && ours.zone == new.zone && ours.servers == new.servers
    };
    parts.iter().position(is_same).unwrap_or_else(|| {
        parts.push(Part {
            start: name.clone(),
            primary,
            target,
            draft: UpdateBuilder::default(),
        });
        parts.len() - 1
    })
}
