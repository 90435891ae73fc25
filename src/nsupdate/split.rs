//! Sends one batch to several zones: one message for each, in the order in which the batch first
//! names them.
//!
//! If servers are configured, the updates of a name go to the server of that name, whatever its
//! zone; so one zone may get a message at each of several servers. The messages are independent: a
//! refusal by one server does not stop the others. A prerequisite applies only to the updates of
//! its own message; a batch with a prerequisite that would apply to none is rejected.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt as _;
use futures_util::stream;

use super::client::{Client, start_name_of};
use super::discovery::{NotFound, Target, find_target};
use super::fatal::Fatal;
use super::session::Session;
use super::settings::Stream;
use crate::model::Name;
use crate::wire::{Class, UpdateBuilder};

/// Most concurrent searches: enough to share the waiting time, few enough for any server.
const LOOK_UPS_MAX: usize = 16;

/// The part of a batch for one zone at one server.
struct Part {
    /// The first name of the part; its route is that of all names of the part.
    first_name: Name,
    /// The primary of the route, if there is one.
    primary: Option<String>,
    target: Target,
    builder: UpdateBuilder,
}

/// The result of the search for a name, with the output on the way.
struct LookUp {
    output: Vec<(Stream, String)>,
    result: Result<Result<Target, NotFound>, Fatal>,
}

impl Client<'_> {
    /// Sends a batch, each part to its zone. Sends nothing if a zone is not found.
    pub(super) async fn send_split(
        &mut self,
        builder: UpdateBuilder,
        class: Class,
    ) -> Result<(), Fatal> {
        let prerequisites = builder.prerequisites.into_iter().map(|it| (it, true));
        let updates = builder.updates.into_iter().map(|it| (it, false));
        let records: Vec<_> = prerequisites.chain(updates).collect();
        // Scripts use one name many times.
        let mut seen = HashSet::new();
        let names = records.iter().map(|(record, _)| start_name_of(record));
        let names: Vec<Name> = names.filter(|name| seen.insert(name.clone())).collect();
        let mut parts: Vec<Part> = Vec::new();
        let mut known: HashMap<Name, usize> = HashMap::new();
        for (name, LookUp { output, result }) in look_up(&self.session, names, class).await {
            for (stream, text) in output {
                self.session.print(stream, &text);
            }
            match result? {
                Ok(target) => {
                    let index = part_index(&mut parts, &self.session, &name, target);
                    known.insert(name, index);
                }
                Err(NotFound { zone, reason }) => {
                    self.report_failure(zone, reason);
                    return Ok(());
                }
            }
        }
        for (record, is_prerequisite) in records {
            let builder = &mut parts[known[&start_name_of(&record)]].builder;
            if is_prerequisite {
                builder.prerequisites.push(record);
            } else {
                builder.updates.push(record);
            }
        }
        if let Some(part) = part_without_updates(&parts) {
            let (zone, reason) = (part.target.zone.clone(), no_updates_text(part, &parts));
            self.report_failure(Some(zone), reason);
            return Ok(());
        }
        for Part {
            first_name,
            target,
            builder: mut part,
            ..
        } in parts
        {
            part.zone = Some((target.zone.clone(), class));
            part.lease = builder.lease;
            part.extended_errors = builder.extended_errors;
            match self.session.use_route(&first_name).await {
                Ok(replaced) => {
                    self.update(&part, &target.servers).await?;
                    self.session.restore(replaced);
                }
                Err(reason) => self.report_failure(Some(target.zone), reason),
            }
        }
        Ok(())
    }
}

/// Returns a part that has prerequisites only, if the batch has several parts.
fn part_without_updates(parts: &[Part]) -> Option<&Part> {
    let mut parts = parts.iter().filter(|_| parts.len() > 1);
    parts.find(|part| part.builder.updates.is_empty())
}

/// Returns the reason why a part without updates is not sent.
fn no_updates_text(part: &Part, parts: &[Part]) -> String {
    let zone = &part.target.zone;
    let is_on_other_primary =
        |other: &Part| other.target.zone == *zone && other.primary != part.primary;
    let on_primary = match &part.primary {
        Some(primary) if parts.iter().any(is_on_other_primary) => format!(" on {primary}"),
        Some(_) | None => String::new(),
    };
    format!(
        "no update lies in {zone}{on_primary}, whose prerequisites guard no other zone; nothing was sent"
    )
}

/// Finds the zones of names concurrently, each at the server of its route. Returns the results in
/// the order of the names, up to the first that is not found.
async fn look_up(session: &Session<'_>, names: Vec<Name>, class: Class) -> Vec<(Name, LookUp)> {
    let searches = names.into_iter().map(|name| async move {
        let look_up = look_up_one(session, &name, class).await;
        (name, look_up)
    });
    // A fixed source port allows only one exchange at a time.
    let concurrency = if session.transport.has_port() {
        1
    } else {
        LOOK_UPS_MAX
    };
    let mut searches = stream::iter(searches).buffered(concurrency);
    let mut done = Vec::new();
    while let Some((name, look_up)) = searches.next().await {
        let is_found = matches!(look_up.result, Ok(Ok(_)));
        done.push((name, look_up));
        if !is_found {
            break;
        }
    }
    done
}

async fn look_up_one(session: &Session<'_>, name: &Name, class: Class) -> LookUp {
    let mut output = Vec::new();
    let mut print = |stream, text: &str| output.push((stream, text.to_owned()));
    let mut session = session.fork(&mut print);
    let result = match session.use_route(name).await {
        Ok(_) => find_target(&mut session, name, class, false).await,
        Err(reason) => Ok(Err(NotFound { zone: None, reason })),
    };
    LookUp { output, result }
}

/// Returns the index of the part for a name; adds the part if it does not exist.
fn part_index(parts: &mut Vec<Part>, session: &Session<'_>, name: &Name, target: Target) -> usize {
    let primary = session.route_of(name).map(|route| route.primary.clone());
    let is_same = |part: &Part| {
        let (known, new) = (&part.target, &target);
        part.primary == primary && known.zone == new.zone && known.servers == new.servers
    };
    parts.iter().position(is_same).unwrap_or_else(|| {
        parts.push(Part {
            first_name: name.clone(),
            primary,
            target,
            builder: UpdateBuilder::default(),
        });
        parts.len() - 1
    })
}
