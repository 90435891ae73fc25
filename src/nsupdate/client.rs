//! The commands, one after the other.

use std::net::SocketAddr;
use std::rc::Rc;

use super::discovery::{NotFound, Target, find_target};
use super::durable;
use super::exchange;
use super::fatal::Fatal;
use super::help;
use super::session::{Answer, NoAnswer, Session};
use super::settings::{Say, Settings, Signer, Stream, address_words};
use super::show;
use crate::model::{Name, RecordIntent, RecordType};
use crate::script::{Command, Parser, ScriptError};
use crate::wire::{Class, ExtendedError, MessageDump, Opcode, Rcode, UpdateBuilder, WireRecord};

/// How a run goes on after a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turn {
    /// With the next line.
    Next,
    /// With the next line if a person can write another one: this one was wrong.
    Wrong,
    /// Not at all.
    Quit,
}

/// A run.
pub struct Client<'a> {
    pub(super) session: Session<'a>,
    parser: Parser,
    draft: UpdateBuilder,
    zone: Option<Name>,
    answer: Option<MessageDump>,
    version: &'static str,
    failed: bool,
    sent: Vec<Sent>,
    kept: Vec<RecordIntent>,
}

/// What became of one message of one `send`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sent {
    /// The line of the script that asked for it, from 1.
    pub line: u64,
    /// The zone, where it was found.
    pub zone: Option<Name>,
    /// The server that was asked last.
    pub server: Option<SocketAddr>,
    /// What the server answered.
    pub rcode: Option<Rcode>,
    /// The server's explanation, if it gives one.
    pub extended_error: Option<ExtendedError>,
    /// What failed, as it was said; none where it was done.
    pub cause: Option<String>,
}

impl<'a> Client<'a> {
    /// A run at its start; `version` is what `version` prints.
    pub fn new(settings: Settings, version: &'static str, say: &'a mut Say<'a>) -> Self {
        Self {
            parser: Parser::new(settings.localhost_only),
            session: Session::new(settings, say),
            draft: UpdateBuilder::default(),
            zone: None,
            answer: None,
            version,
            failed: false,
            sent: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// What became of the messages since this was last asked.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// What was asked for since this was last asked and is to be kept, the newest word on each record.
    pub fn take_kept(&mut self) -> Vec<RecordIntent> {
        std::mem::take(&mut self.kept)
    }

    /// What errors begin with, where it is asked for.
    pub fn place(&self) -> String {
        self.session.place()
    }

    /// Whether an update was not done.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Carries out one line.
    ///
    /// # Errors
    /// [`Fatal`], after which the run is over.
    pub async fn line(&mut self, line: &[u8]) -> Result<Turn, Fatal> {
        self.session.line += 1;
        let command = match self.parser.read(line) {
            Ok(command) => command,
            Err(error) => {
                self.say_wrong(&error);
                return Ok(Turn::Wrong);
            }
        };
        if let Command::Server { .. } | Command::Local { .. } | Command::Key(_) = command
            && self.session.settings.is_durable
        {
            self.session
                .error("with --durable, server and key are those of the configuration");
            return Ok(Turn::Wrong);
        }
        match command {
            Command::Nothing => {}
            Command::Quit => return Ok(Turn::Quit),
            Command::Send => self.send().await?,
            Command::Server { host, port } => {
                let port = port.unwrap_or(self.session.settings.port);
                match exchange::addresses(&self.session.settings, &host, port).await {
                    Ok(found) => self.session.servers = Some(found),
                    Err(why) => {
                        let line = format!("couldn't get address for '{host}': {why}");
                        self.session.error(&line);
                        return Ok(Turn::Wrong);
                    }
                }
            }
            Command::Local { address, port } => self.session.locals.set(address, port),
            Command::Zone(zone) => self.zone = Some(zone),
            Command::Key(key) => self.session.signer = Some(Signer::Shared(key)),
            Command::Lease(lease) => self.draft.lease = lease,
            Command::Prerequisite(entry) => self.draft.prerequisites.push(entry),
            Command::Update(entry) => self.draft.updates.push(entry),
            Command::Show => {
                let text = self.pending();
                self.session.text(Stream::Out, &text);
            }
            Command::Answer => {
                if let Some(answer) = &self.answer {
                    let text = format!("Answer:\n{}", show::message(answer));
                    self.session.text(Stream::Out, &text);
                    self.settle_shown_class();
                }
            }
            Command::Debug => {
                let debug = &mut Rc::make_mut(&mut self.session.settings).debug;
                *debug = (*debug + 1).min(2);
            }
            Command::Version => {
                let line = format!("{}\n", self.version);
                self.session.text(Stream::Out, &line);
            }
            Command::Help => {
                let text = format!("{}:\n{}", self.version, help::COMMANDS);
                self.session.text(Stream::Out, &text);
            }
        }
        Ok(Turn::Next)
    }

    fn say_wrong(&mut self, error: &ScriptError) {
        if *error == ScriptError::Zone {
            // What follows is not meant for the zone before.
            self.zone = None;
        }
        if *error == ScriptError::Unexplained {
            return;
        }
        if let ScriptError::Address(_) = error {
            // nsupdate forgets the end of this line.
            let place = self.session.place();
            self.session.text(Stream::Error, &format!("{place}{error}"));
        } else {
            self.session.error(&error.to_string());
        }
    }

    /// As for nsupdate, which shows each message with the zone that the script names, and so has to know the
    /// zone's class from then on.
    fn settle_shown_class(&mut self) {
        if self.zone.is_some() {
            self.parser.settle_class();
        }
    }

    fn pending(&mut self) -> String {
        let zone = self.zone.clone();
        let zone = zone.map(|zone| (zone, self.parser.settle_class()));
        let draft = UpdateBuilder {
            zone,
            ..self.draft.clone()
        };
        format!("Outgoing update query:\n{}", show::draft(&draft))
    }

    /// Sends what is pending, and begins anew.
    async fn send(&mut self) -> Result<(), Fatal> {
        self.answer = None;
        let mut draft = std::mem::take(&mut self.draft);
        self.draft.lease = draft.lease;
        draft.extended_errors = self.session.settings.asks_why;
        if self.session.settings.is_durable {
            self.keep(&draft);
            return Ok(());
        }
        self.send_draft(draft).await
    }

    fn keep(&mut self, draft: &UpdateBuilder) {
        self.parser.forget_class();
        match durable::intents(draft, self.zone.as_ref()) {
            Ok(intents) => {
                for new in intents {
                    let is_other = |it: &RecordIntent| {
                        (&it.owner, it.rtype, &it.rdata) != (&new.owner, new.rtype, &new.rdata)
                    };
                    self.kept.retain(is_other);
                    self.kept.push(new);
                }
            }
            Err(why) => self.fail(None, format!("{why}; nothing of this batch is kept")),
        }
    }

    async fn send_draft(&mut self, mut draft: UpdateBuilder) -> Result<(), Fatal> {
        let given = self.zone.clone();
        let class = self.parser.settle_class();
        if given.is_none() && draft.is_empty() {
            return Ok(());
        }
        // The class is that of one message; as for nsupdate, one that is not sent has it, too.
        self.parser.forget_class();
        if given.is_none() && self.session.settings.splits_zones {
            return self.send_split(draft, class).await;
        }
        let Some(start) = given.clone().or_else(|| start_of(&draft)) else {
            return Ok(());
        };
        let outside = match self.session.enter(&start).await {
            Ok(outside) => outside,
            Err(why) => {
                self.fail(None, why);
                return Ok(());
            }
        };
        if let (Some(zone), Some(servers)) = (&given, self.session.servers.clone()) {
            draft.zone = Some((zone.clone(), class));
            self.update(&draft, &servers).await?;
        } else if let Some(target) = self.find(&start, class, given.is_some()).await? {
            draft.zone = Some((given.unwrap_or(target.zone), class));
            self.update(&draft, &target.servers).await?;
        }
        self.session.leave(outside);
        Ok(())
    }

    /// The zone of a name and the servers for it; none where that fails, which is said.
    async fn find(
        &mut self,
        start: &Name,
        class: Class,
        zone_given: bool,
    ) -> Result<Option<Target>, Fatal> {
        match find_target(&mut self.session, start, class, zone_given).await? {
            Ok(target) => Ok(Some(target)),
            Err(NotFound { zone, why }) => {
                self.fail(zone, why);
                Ok(None)
            }
        }
    }

    /// Says why something that was asked for is not done.
    pub(super) fn fail(&mut self, zone: Option<Name>, why: String) {
        self.failed = true;
        self.session.error(&why);
        self.sent.push(Sent {
            line: self.session.line,
            zone,
            server: None,
            rcode: None,
            extended_error: None,
            cause: Some(why),
        });
    }

    /// Sends an update to the first of the servers that answers.
    pub(super) async fn update(
        &mut self,
        draft: &UpdateBuilder,
        servers: &[SocketAddr],
    ) -> Result<(), Fatal> {
        let mut sent = Sent {
            line: self.session.line,
            zone: draft.zone.as_ref().map(|(zone, _)| zone.clone()),
            server: None,
            rcode: None,
            extended_error: None,
            cause: None,
        };
        for server in servers {
            let encoded = draft.encode(Session::id()?);
            let mut request = encoded.map_err(|_| Fatal::TooLong)?;
            let mac = self.session.sign_update(&mut request)?;
            let line = format!("Sending update to {}", address_words(*server));
            self.session.debug(&line);
            self.say_request(&request);
            sent.server = Some(*server);
            let stream = self.session.settings.tcp;
            let answer = self
                .session
                .ask(*server, &request, stream, Opcode::Update, mac.as_ref());
            match answer.await? {
                Ok(answer) => {
                    self.take(answer, sent);
                    return Ok(());
                }
                Err(NoAnswer::Opcode) => return Err(Fatal::UpdateOpcode),
                Err(NoAnswer::Malformed) => return Err(Fatal::Answer("FORMERR")),
                Err(NoAnswer::Transport(error)) => {
                    let why = exchange::words(&error);
                    self.session.cannot_reach(*server, &why);
                    sent.cause = Some(why);
                }
            }
        }
        self.failed = true;
        self.sent.push(sent);
        Ok(())
    }

    /// Says what the server answered.
    fn take(&mut self, Answer { listing, tsig }: Answer, mut sent: Sent) {
        if let Some(trouble) = tsig {
            let words = format!("TSIG error with server: {}", trouble.words());
            self.session.error(&format!("; {words}"));
            sent.cause = Some(words);
        }
        let debug = self.session.settings.debug > 0;
        if listing.rcode != Rcode::NOERROR {
            let error = listing.tsig.as_ref().map_or(0, |tsig| tsig.error);
            let error = match error {
                0 => String::new(),
                code => format!("({})", show::tsig_error(code)),
            };
            let explanation = listing.extended_error.as_ref();
            let explanation = explanation.filter(|_| self.session.settings.asks_why);
            let explanation = explanation.map_or_else(String::new, |it| format!(" ({it})"));
            let line = format!("update failed: {}{error}{explanation}", listing.rcode);
            if !debug {
                self.session.error(&line);
            }
            sent.cause = Some(line);
        }
        if debug {
            self.settle_shown_class();
            let text = format!("\nReply from update query:\n{}", show::message(&listing));
            self.session.text(Stream::Error, &text);
        }
        self.failed |= sent.cause.is_some();
        sent.rcode = Some(listing.rcode);
        sent.extended_error.clone_from(&listing.extended_error);
        self.sent.push(sent);
        self.answer = Some(listing);
    }

    /// With `-d`, says what is sent: the zone only where the script names it.
    fn say_request(&mut self, request: &[u8]) {
        if self.session.settings.debug == 0 {
            return;
        }
        // It was made a moment ago, so it can be read.
        if let Ok(mut listing) = MessageDump::read(request) {
            if self.zone.is_none() {
                listing.question = None;
            }
            let text = format!("Outgoing update query:\n{}", show::message(&listing));
            self.session.text(Stream::Out, &text);
        }
    }
}

/// Where to look for the zone: at the first update's owner, else at the first prerequisite's.
fn start_of(draft: &UpdateBuilder) -> Option<Name> {
    let first = draft.updates.first().or(draft.prerequisites.first())?;
    Some(start_of_entry(first))
}

/// Where to look for the zone of a record: at its owner; at the name above a DS record, which stands in the
/// parent's zone.
pub(super) fn start_of_entry(entry: &WireRecord) -> Name {
    let above = entry.owner.parent();
    let is_in_parent = entry.rtype == RecordType::DS;
    above
        .filter(|_| is_in_parent)
        .unwrap_or_else(|| entry.owner.clone())
}
