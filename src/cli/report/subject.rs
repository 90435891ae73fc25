//! The subjects of lines and messages.

use std::fmt::Display;

use serde_json::{Value, json};

use crate::cli::message::Message;
use crate::cli::output::Output;
use crate::cli::status::Status;
use crate::deliver::Primary;
use crate::diagnostic::{Diagnose, Diagnostic, ptr};
use crate::model::{Intent, excerpt_of_data};
use crate::payload::Command;
use crate::plan::Shown;
use crate::queue::Stays;
use crate::zonefile;

/// The end of a line about a zone that nsbridge did not read.
const BY_MEMORY: &str = ", by the memory: what others changed there is not seen";
const UNSEEN: &str = ", by the memory: what is there is not seen";

/// The most characters of the type and the data of a record in a message: as many as `MX 65535` and a name have.
const RECORD_CHARACTERS_MAX: usize = 21;

/// The subject of a line.
pub(super) struct Subject<'a> {
    pub(super) name: String,
    /// The value of a record.
    pub(super) value: Option<String>,
    /// `None` if the subject is not that of a command.
    pub(super) command: Option<&'a Command>,
    /// `None` if no route leads to one.
    pub(super) primary: Option<&'a Primary>,
    /// The state of its job.
    pub(super) stays: Option<Stays>,
}

impl<'a> Subject<'a> {
    pub(super) fn of(command: &'a Command, primary: Option<&'a Primary>) -> Self {
        let (name, value) = match &command.intent {
            Intent::Record(record) if record.follows_cnames => (record.owner.to_string(), None),
            Intent::Record(record) => {
                let rtype = zonefile::format_type(record.rtype);
                let rdata = zonefile::format_rdata(record.rtype, &record.rdata);
                (format!("{} {rtype}", record.owner), Some(rdata))
            }
            // In the letter case of the input.
            Intent::Ptr(ptr) => (
                format!("{} PTR", ptr.address),
                Some(ptr.hostname.to_string()),
            ),
            Intent::Zone(zone) => (zone.name.to_string(), None),
            Intent::ZoneAbsent(zone) => (zone.name.to_string(), None),
        };
        Self {
            name,
            value,
            command: Some(command),
            primary,
            stays: None,
        }
    }

    /// Returns the name with the value.
    pub(super) fn full(&self) -> String {
        let value = self.value.as_ref().map(|value| format!(" {value}"));
        format!("{}{}", self.name, value.unwrap_or_default())
    }

    /// Returns the name with the value as messages have it.
    pub(super) fn short(&self) -> String {
        shortened(&self.full())
    }

    /// Adds the subject, its command and its primary to an entry.
    pub(super) fn entry(&self, mut entry: Value) -> Value {
        entry["subject"] = json!(self.full());
        if let Some(command) = self.command {
            entry["place"] = json!(command.place);
            entry["command"] = json!(command.verb.to_string());
            entry["read"] = json!(self.primary.and_then(unread));
        }
        if let Some(primary) = self.primary {
            entry["primary"] = json!(primary.name);
            entry["address"] = json!(primary.endpoint.to_string());
        }
        entry
    }

    /// Returns the end of a line that warns if nsbridge did not read the zone.
    pub(super) fn by_memory(&self) -> &'static str {
        let intent = self.command.map(|command| &command.intent);
        match (intent, self.primary.map(|it| it.abilities.shown)) {
            (Some(_), Some(Shown::Nothing)) => UNSEEN,
            (Some(Intent::Zone(_) | Intent::ZoneAbsent(_)), Some(Shown::RrSets)) => BY_MEMORY,
            _ => "",
        }
    }

    pub(super) fn on(&self) -> String {
        self.primary
            .map(|primary| on(&primary.name, &primary.endpoint))
            .unwrap_or_default()
    }

    /// Returns the primary of a failure; `None` if CNAMEs led to another one, which the failure names.
    fn primary_of(&self, failure: &Diagnostic) -> Option<&'a Primary> {
        self.primary.filter(|_| *failure.entry != ptr::BEHIND_CNAME)
    }

    /// Returns the name of the primary where a failure happened, and what happened there.
    pub(super) fn place_of<'f>(&self, failure: &'f Diagnostic) -> (Option<String>, &'f Diagnostic) {
        match (self.primary_of(failure), &failure.cause) {
            (None, Some(cause)) => (failure.data.get("primary").cloned(), cause),
            (primary, _) => (primary.map(|it| it.name.clone()), failure),
        }
    }

    /// Returns the subject with its primary, as messages name them: beside a record, the address has no room.
    pub(super) fn place(&self, failure: &Diagnostic) -> String {
        let name = self.short();
        match self.primary_of(failure) {
            None => name,
            Some(primary) if self.value.is_some() => format!("{name} on {}", primary.name),
            Some(_) => format!("{name}{}", self.on()),
        }
    }

    /// Returns the message of a part that is left out. Beside a record, the address of the primary has no room, nor has
    /// the subject but its name.
    pub(super) fn left_out(&self, part: &Diagnostic) -> Message {
        let record = ["values", "rdata", "records"];
        if !record.iter().any(|it| part.data.contains_key(*it)) {
            return Message::of(part).about(self.short() + &self.on());
        }
        let owner = self.name.split(' ').next().unwrap_or_default();
        let on = self.primary.map(|primary| format!(" on {}", primary.name));
        Message::of(part).about(format!("{owner}{}", on.unwrap_or_default()))
    }

    /// Returns the diagnostic of a failure, about the software of the primary where it happened.
    pub(super) fn diagnose(&self, failure: &impl Diagnose) -> Diagnostic {
        let diagnostic = failure.diagnostic();
        match self.primary_of(&diagnostic) {
            Some(primary) => diagnostic.at(primary.software()),
            None => diagnostic,
        }
    }

    /// Returns the word for the state of the job.
    pub(super) fn job_state(&self) -> Option<&'static str> {
        self.stays.map(|stays| match stays {
            Stays::Waiting { .. } => "kept",
            Stays::Held { .. } => "held",
        })
    }

    /// Adds the state of the job to a message.
    pub(super) fn with_job(&self, message: Message) -> Message {
        match (self.stays, self.job_state()) {
            (Some(Stays::Waiting { id, .. } | Stays::Held { id }), Some(state)) => {
                message.and(format!("job {id} {state}"))
            }
            (None, _) | (_, None) => message,
        }
    }

    /// Returns the message of a failure.
    pub(super) fn message(&self, failure: &Diagnostic) -> Message {
        let message = Message::of(failure).with_hint(failure.advice());
        self.with_job(message.about(self.place(failure)))
    }

    /// Prints a failure, and returns its status.
    pub(super) fn fail(&self, failure: &impl Diagnose, output: &mut Output) -> Status {
        let failure = self.diagnose(failure);
        output.entry(self.failure_entry(&failure));
        output.message(&self.message(&failure));
        failure.class().into()
    }

    /// Returns the entry of a failure.
    pub(super) fn failure_entry(&self, failure: &Diagnostic) -> Value {
        let (state, job, seconds) = match self.stays {
            Some(Stays::Waiting { id, seconds }) => (Some("waiting"), Some(id.0), Some(seconds)),
            Some(Stays::Held { id }) => (Some("held"), Some(id.0), None),
            None => (None, None, None),
        };
        self.entry(json!({
            "result": "failed", "kind": Status::from(failure.class()).kind(), "code": failure.code(),
            "cause": failure.to_string(), "hint": failure.advice(), "job": job, "state": state,
            "next-attempt-seconds": seconds,
        }))
    }
}

/// Returns the word for what stands in place of the zones of a primary that are not read.
pub(in crate::cli) fn unread(primary: &Primary) -> Option<&'static str> {
    let abilities = &primary.abilities;
    (!abilities.shows_zones()).then(|| abilities.shown.word())
}

/// Shortens the data of a record for messages, unless they are an address or a name: others can be of any length.
pub(in crate::cli) fn shortened(record: &str) -> String {
    let mut words = record.splitn(3, ' ');
    let (Some(owner), Some(rtype), Some(data)) = (words.next(), words.next(), words.next()) else {
        return record.to_owned();
    };
    if zonefile::parse_type(rtype).is_none() {
        return record.to_owned();
    }
    let room = RECORD_CHARACTERS_MAX.saturating_sub(rtype.len() + 1);
    format!("{owner} {rtype} {}", excerpt_of_data(data, room))
}

/// Returns the end of a subject that names its primary.
pub(super) fn on(name: &str, endpoint: &impl Display) -> String {
    format!(" on {name} ({endpoint})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_any_length_are_shortened_and_names_are_not() {
        let caa = "a.example. CAA 0 issue \"ca.example.net; account=1\"";
        assert_eq!(shortened(caa), "a.example. CAA 0 issue \"ca.ex...");
        let srv = "_x._tcp.a.example. SRV 10 20 5060 sip.example.net.";
        assert_eq!(shortened(srv), "_x._tcp.a.example. SRV 10 20 5060 sip...");
        for whole in [
            "example.com.",
            "a.example. TXT \"short\"",
            "192.0.2.7 PTR a.host.with.a.long.name.example.",
            "a.example. MX 10 a.host.with.a.long.name.example.",
            "a few words that are no record",
        ] {
            assert_eq!(shortened(whole), whole);
        }
    }
}
