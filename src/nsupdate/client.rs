//! The commands, one after the other.

use std::net::SocketAddr;

use super::discovery::find_zone;
use super::exchange;
use super::fatal::Fatal;
use super::help;
use super::session::{Answer, NoAnswer, Session};
use super::settings::{Say, Settings, Signer, Stream, address_words};
use super::show;
use crate::model::{Name, RecordType};
use crate::script::{Command, Parser, ScriptError};
use crate::wire::{Draft, Listing, Opcode, Rcode};

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
    session: Session<'a>,
    parser: Parser,
    draft: Draft,
    zone: Option<Name>,
    answer: Option<Listing>,
    version: &'static str,
    failed: bool,
}

impl<'a> Client<'a> {
    /// A run at its start; `version` is what `version` prints.
    pub fn new(settings: Settings, version: &'static str, say: &'a mut Say<'a>) -> Self {
        Self {
            parser: Parser::new(settings.localhost_only),
            session: Session::new(settings, say),
            draft: Draft::default(),
            zone: None,
            answer: None,
            version,
            failed: false,
        }
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
        let command = match self.parser.read(line) {
            Ok(command) => command,
            Err(error) => {
                self.say_wrong(&error);
                return Ok(Turn::Wrong);
            }
        };
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
                }
            }
            Command::Debug => {
                let debug = &mut self.session.settings.debug;
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
        if *error == ScriptError::Unexplained {
            return;
        }
        if let ScriptError::Address(_) = error {
            // nsupdate forgets the end of this line.
            self.session.text(Stream::Error, &error.to_string());
        } else {
            self.session.error(&error.to_string());
        }
    }

    fn pending(&mut self) -> String {
        let class = self.parser.settle_class();
        let zone = self.zone.clone().map(|zone| (zone, class));
        let draft = Draft {
            zone,
            ..self.draft.clone()
        };
        format!("Outgoing update query:\n{}", show::draft(&draft))
    }

    /// Sends what is pending, and begins anew.
    async fn send(&mut self) -> Result<(), Fatal> {
        self.answer = None;
        let draft = std::mem::take(&mut self.draft);
        self.draft.lease = draft.lease;
        self.send_draft(draft).await
    }

    async fn send_draft(&mut self, mut draft: Draft) -> Result<(), Fatal> {
        let given = self.zone.clone();
        let class = self.parser.settle_class();
        if given.is_none() && draft.is_empty() {
            return Ok(());
        }
        // The class is that of one message; as for nsupdate, one that is not sent has it, too.
        self.parser.forget_class();
        if let (Some(zone), Some(servers)) = (&given, self.session.servers.clone()) {
            draft.zone = Some((zone.clone(), class));
            return self.update(&draft, &servers).await;
        }
        let Some(start) = given.clone().or_else(|| start_of(&draft)) else {
            return Ok(());
        };
        let found = find_zone(&mut self.session, &start, class, given.is_some()).await?;
        let Some(found) = found else {
            self.failed = true;
            return Ok(());
        };
        let servers = match self.session.servers {
            Some(_) => found.servers,
            None => match self.primary_addresses(&found.primary).await {
                Some(servers) => servers,
                None => return Ok(()),
            },
        };
        draft.zone = Some((given.unwrap_or(found.zone), class));
        self.update(&draft, &servers).await
    }

    async fn primary_addresses(&mut self, primary: &Name) -> Option<Vec<SocketAddr>> {
        let host = primary.to_text_without_dot();
        let port = self.session.settings.port;
        match exchange::addresses(&self.session.settings, &host, port).await {
            Ok(found) => Some(found),
            Err(why) => {
                let line = format!("couldn't get address for '{host}': {why}");
                self.session.error(&line);
                self.failed = true;
                None
            }
        }
    }

    /// Sends an update to the first of the servers that answers.
    async fn update(&mut self, draft: &Draft, servers: &[SocketAddr]) -> Result<(), Fatal> {
        for server in servers {
            let encoded = draft.encode(Session::id()?);
            let mut request = encoded.map_err(|_| Fatal::TooLong)?;
            let mac = self.session.sign_update(&mut request)?;
            let line = format!("Sending update to {}", address_words(*server));
            self.session.debug(&line);
            self.say_request(&request);
            let stream = self.session.settings.tcp;
            let answer = self
                .session
                .ask(*server, &request, stream, Opcode::Update, mac.as_ref());
            match answer.await? {
                Ok(answer) => {
                    self.take(answer);
                    return Ok(());
                }
                Err(NoAnswer::Opcode) => return Err(Fatal::UpdateOpcode),
                Err(NoAnswer::Malformed) => return Err(Fatal::Answer("FORMERR")),
                Err(NoAnswer::Transport(error)) => {
                    let why = exchange::words(&error);
                    self.session.cannot_reach(*server, &why);
                }
            }
        }
        self.failed = true;
        Ok(())
    }

    /// Says what the server answered.
    fn take(&mut self, Answer { listing, tsig }: Answer) {
        if let Some(trouble) = tsig {
            let line = format!("; TSIG error with server: {}", trouble.words());
            self.session.error(&line);
            self.failed = true;
        }
        let debug = self.session.settings.debug > 0;
        if listing.rcode != Rcode::NOERROR {
            self.failed = true;
            if !debug {
                let error = listing.tsig.as_ref().map_or(0, |tsig| tsig.error);
                let error = match error {
                    0 => String::new(),
                    code => format!("({})", show::tsig_error(code)),
                };
                let line = format!("update failed: {}{error}", listing.rcode);
                self.session.error(&line);
            }
        }
        if debug {
            let text = format!("\nReply from update query:\n{}", show::message(&listing));
            self.session.text(Stream::Error, &text);
        }
        self.answer = Some(listing);
    }

    /// With `-d`, says what is sent: the zone only where the script names it.
    fn say_request(&mut self, request: &[u8]) {
        if self.session.settings.debug == 0 {
            return;
        }
        // It was made a moment ago, so it can be read.
        if let Ok(mut listing) = Listing::read(request) {
            if self.zone.is_none() {
                listing.question = None;
            }
            let text = format!("Outgoing update query:\n{}", show::message(&listing));
            self.session.text(Stream::Out, &text);
        }
    }
}

/// Where to look for the zone: at the first update's owner, else at the first prerequisite's; at the name
/// above a DS record, which stands in the parent's zone.
fn start_of(draft: &Draft) -> Option<Name> {
    let first = draft.updates.first().or(draft.prerequisites.first())?;
    let above = first.owner.parent();
    let is_in_parent = first.rtype == RecordType::DS;
    above
        .filter(|_| is_in_parent)
        .or_else(|| Some(first.owner.clone()))
}
