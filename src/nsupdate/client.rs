//! Carries out the commands of a script.

use std::net::SocketAddr;
use std::rc::Rc;

use super::discovery::{NotFound, Target, find_target};
use super::durable;
use super::exchange;
use super::fatal::Fatal;
use super::help;
use super::session::{NoResponse, Response, Session};
use super::settings::{Output, Settings, Signer, Stream, format_address};
use super::show;
use crate::model::{Name, RecordIntent, RecordType};
use crate::script::{Command, Parser, ScriptError};
use crate::wire::{Class, ExtendedError, MessageDump, Opcode, Rcode, UpdateBuilder, WireRecord};

/// The continuation of a run after a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// The run continues with the next line.
    Next,
    /// The line is invalid: the run continues only if a person types the script.
    Wrong,
    /// The run ends.
    Quit,
}

/// A run of a script.
pub(crate) struct Client<'a> {
    pub(super) session: Session<'a>,
    parser: Parser,
    builder: UpdateBuilder,
    zone: Option<Name>,
    last_response: Option<MessageDump>,
    version: &'static str,
    failed: bool,
    sent: Vec<Sent>,
    kept: Vec<RecordIntent>,
}

/// The outcome of one message of a `send`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sent {
    /// The line of the `send` in the script, from 1.
    pub(crate) line: u64,
    /// The zone, if it was found.
    pub(crate) zone: Option<Name>,
    /// The last server that was tried.
    pub(crate) server: Option<SocketAddr>,
    pub(crate) rcode: Option<Rcode>,
    pub(crate) extended_error: Option<ExtendedError>,
    /// The error text, as printed; `None` if the update was done.
    pub(crate) cause: Option<String>,
}

impl<'a> Client<'a> {
    /// Returns a client for the start of a script; the command `version` prints `version`.
    pub(crate) fn new(
        settings: Settings,
        version: &'static str,
        output: &'a mut Output<'a>,
    ) -> Self {
        Self {
            parser: Parser::new(settings.localhost_only),
            session: Session::new(settings, output),
            builder: UpdateBuilder::default(),
            zone: None,
            last_response: None,
            version,
            failed: false,
            sent: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Takes the outcomes since the last call.
    pub(crate) fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// Takes the durable records since the last call, with the newest intent for each.
    pub(crate) fn take_kept(&mut self) -> Vec<RecordIntent> {
        std::mem::take(&mut self.kept)
    }

    /// Returns the script's name and line for the start of an error text; empty if not requested.
    pub(crate) fn place(&self) -> String {
        self.session.error_prefix()
    }

    /// Returns whether an update failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Carries out one line.
    ///
    /// # Errors
    /// [`Fatal`], which ends the run.
    pub(crate) async fn line(&mut self, line: &[u8]) -> Result<Turn, Fatal> {
        self.session.line += 1;
        let command = match self.parser.read(line) {
            Ok(command) => command,
            Err(error) => {
                self.report_script_error(&error);
                return Ok(Turn::Wrong);
            }
        };
        if let Command::Server { .. } | Command::Local { .. } | Command::Key(_) = command
            && self.session.settings.is_durable
        {
            self.session
                .print_error("with --durable, server and key are those of the configuration");
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
                    Err(reason) => {
                        let line = format!("couldn't get address for '{host}': {reason}");
                        self.session.print_error(&line);
                        return Ok(Turn::Wrong);
                    }
                }
            }
            Command::Local { address, port } => self.session.transport.set_local(address, port),
            Command::Zone(zone) => self.zone = Some(zone),
            Command::Key(key) => self.session.signer = Some(Signer::Shared(key)),
            Command::Lease(lease) => self.builder.lease = lease,
            Command::Prerequisite(record) => self.builder.prerequisites.push(record),
            Command::Update(record) => self.builder.updates.push(record),
            Command::Show => {
                let text = self.pending_text();
                self.session.print(Stream::Out, &text);
            }
            Command::Answer => {
                if let Some(response) = &self.last_response {
                    let text = format!("Answer:\n{}", show::message(response));
                    self.session.print(Stream::Out, &text);
                    self.fix_shown_class();
                }
            }
            Command::Debug => {
                let debug = &mut Rc::make_mut(&mut self.session.settings).debug;
                *debug = (*debug + 1).min(2);
            }
            Command::Version => {
                let line = format!("{}\n", self.version);
                self.session.print(Stream::Out, &line);
            }
            Command::Help => {
                let text = format!("{}:\n{}", self.version, help::COMMANDS);
                self.session.print(Stream::Out, &text);
            }
        }
        Ok(Turn::Next)
    }

    fn report_script_error(&mut self, error: &ScriptError) {
        if *error == ScriptError::Zone {
            // The following lines are not meant for the previous zone.
            self.zone = None;
        }
        if *error == ScriptError::Unexplained {
            return;
        }
        if let ScriptError::Address(_) = error {
            // nsupdate: prints this text without a line end.
            let prefix = self.session.error_prefix();
            self.session
                .print(Stream::Error, &format!("{prefix}{error}"));
        } else {
            self.session.print_error(&error.to_string());
        }
    }

    /// Fixes the class if the script names the zone. nsupdate: shows each message with that zone,
    /// and so knows its class from then on.
    fn fix_shown_class(&mut self) {
        if self.zone.is_some() {
            self.parser.fix_class();
        }
    }

    fn pending_text(&mut self) -> String {
        let zone = self.zone.clone();
        let zone = zone.map(|zone| (zone, self.parser.fix_class()));
        let builder = UpdateBuilder {
            zone,
            ..self.builder.clone()
        };
        format!("Outgoing update query:\n{}", show::pending(&builder))
    }

    /// Sends the pending update, and starts a new one.
    async fn send(&mut self) -> Result<(), Fatal> {
        self.last_response = None;
        let mut builder = std::mem::take(&mut self.builder);
        self.builder.lease = builder.lease;
        builder.extended_errors = self.session.settings.asks_why;
        if self.session.settings.is_durable {
            self.collect_durable(&builder);
            return Ok(());
        }
        self.send_now(builder).await
    }

    fn collect_durable(&mut self, builder: &UpdateBuilder) {
        self.parser.clear_class();
        match durable::intents(builder, self.zone.as_ref()) {
            Ok(intents) => {
                for new in intents {
                    let is_other = |it: &RecordIntent| {
                        (&it.owner, it.rtype, &it.rdata) != (&new.owner, new.rtype, &new.rdata)
                    };
                    self.kept.retain(is_other);
                    self.kept.push(new);
                }
            }
            Err(reason) => {
                self.report_failure(None, format!("{reason}; nothing of this batch is kept"));
            }
        }
    }

    async fn send_now(&mut self, mut builder: UpdateBuilder) -> Result<(), Fatal> {
        let script_zone = self.zone.clone();
        let class = self.parser.fix_class();
        if script_zone.is_none() && builder.is_empty() {
            return Ok(());
        }
        // Each message has its own class. nsupdate: so does a message that is not sent.
        self.parser.clear_class();
        if script_zone.is_none() && self.session.settings.splits_zones {
            return self.send_split(builder, class).await;
        }
        let Some(start) = script_zone.clone().or_else(|| start_name(&builder)) else {
            return Ok(());
        };
        let replaced = match self.session.use_route(&start).await {
            Ok(replaced) => replaced,
            Err(reason) => {
                self.report_failure(None, reason);
                return Ok(());
            }
        };
        if let (Some(zone), Some(servers)) = (&script_zone, self.session.servers.clone()) {
            builder.zone = Some((zone.clone(), class));
            self.update(&builder, &servers).await?;
        } else if let Some(target) = self
            .find_or_report(&start, class, script_zone.is_some())
            .await?
        {
            builder.zone = Some((script_zone.unwrap_or(target.zone), class));
            self.update(&builder, &target.servers).await?;
        }
        self.session.restore(replaced);
        Ok(())
    }

    /// Finds the zone of a name and its servers; reports a failure and returns `None`.
    async fn find_or_report(
        &mut self,
        start: &Name,
        class: Class,
        zone_given: bool,
    ) -> Result<Option<Target>, Fatal> {
        match find_target(&mut self.session, start, class, zone_given).await? {
            Ok(target) => Ok(Some(target)),
            Err(NotFound { zone, reason }) => {
                self.report_failure(zone, reason);
                Ok(None)
            }
        }
    }

    /// Reports and records that a message was not sent.
    pub(super) fn report_failure(&mut self, zone: Option<Name>, reason: String) {
        self.failed = true;
        self.session.print_error(&reason);
        self.sent.push(Sent {
            line: self.session.line,
            zone,
            cause: Some(reason),
            ..Sent::default()
        });
    }

    /// Sends an update to the servers in turn, until one responds.
    pub(super) async fn update(
        &mut self,
        builder: &UpdateBuilder,
        servers: &[SocketAddr],
    ) -> Result<(), Fatal> {
        let mut sent = Sent {
            line: self.session.line,
            zone: builder.zone.as_ref().map(|(zone, _)| zone.clone()),
            ..Sent::default()
        };
        for server in servers {
            let encoded = builder.encode(Session::new_id()?);
            let mut request = encoded.map_err(|_| Fatal::TooLong)?;
            let mac = self.session.sign_update(&mut request)?;
            let line = format!("Sending update to {}", format_address(*server));
            self.session.print_debug(&line);
            self.print_request(&request);
            sent.server = Some(*server);
            let stream = self.session.settings.tcp;
            let response =
                self.session
                    .exchange(*server, &request, stream, Opcode::Update, mac.as_ref());
            match response.await? {
                Ok(response) => {
                    self.record_response(response, sent);
                    return Ok(());
                }
                Err(NoResponse::Opcode) => return Err(Fatal::UpdateOpcode),
                Err(NoResponse::Malformed) => return Err(Fatal::Response("FORMERR")),
                Err(NoResponse::Transport(error)) => {
                    let reason = exchange::bind_text(&error);
                    self.session.report_unreachable(*server, &reason);
                    sent.cause = Some(reason);
                }
            }
        }
        self.failed = true;
        self.sent.push(sent);
        Ok(())
    }

    /// Prints and records the response to an update.
    fn record_response(&mut self, response: Response, mut sent: Sent) {
        let dump = response.dump;
        if let Some(problem) = response.tsig_problem {
            let text = format!("TSIG error with server: {}", problem.text());
            self.session.print_error(&format!("; {text}"));
            sent.cause = Some(text);
        }
        let debug = self.session.settings.debug > 0;
        if dump.rcode != Rcode::NOERROR {
            let error = dump.tsig.as_ref().map_or(0, |tsig| tsig.error);
            let error = match error {
                0 => String::new(),
                code => format!("({})", show::tsig_error(code)),
            };
            let explanation = dump.extended_error.as_ref();
            let explanation = explanation.filter(|_| self.session.settings.asks_why);
            let explanation = explanation.map_or_else(String::new, |it| format!(" ({it})"));
            let line = format!("update failed: {}{error}{explanation}", dump.rcode);
            if !debug {
                self.session.print_error(&line);
            }
            sent.cause = Some(line);
        }
        if debug {
            self.fix_shown_class();
            let text = format!("\nReply from update query:\n{}", show::message(&dump));
            self.session.print(Stream::Error, &text);
        }
        self.failed |= sent.cause.is_some();
        sent.rcode = Some(dump.rcode);
        sent.extended_error.clone_from(&dump.extended_error);
        self.sent.push(sent);
        self.last_response = Some(dump);
    }

    /// Prints a request, with `-d` only; the zone only if the script names it.
    fn print_request(&mut self, request: &[u8]) {
        if self.session.settings.debug == 0 {
            return;
        }
        // A request that was just encoded can be read.
        if let Ok(mut dump) = MessageDump::read(request) {
            if self.zone.is_none() {
                dump.question = None;
            }
            let text = format!("Outgoing update query:\n{}", show::message(&dump));
            self.session.print(Stream::Out, &text);
        }
    }
}

/// Returns the name at which the search for the zone starts: that of the first update, else that of
/// the first prerequisite.
fn start_name(builder: &UpdateBuilder) -> Option<Name> {
    let first = builder.updates.first().map(start_name_of);
    // BIND: only an update of DS starts in the parent zone.
    first.or_else(|| Some(builder.prerequisites.first()?.owner.clone()))
}

/// Returns the name at which the search for the zone of a record starts: its owner name, or for DS,
/// which belongs in the parent zone, the parent of its owner name.
pub(super) fn start_name_of(record: &WireRecord) -> Name {
    let above = record.owner.parent();
    let is_in_parent = record.rtype == RecordType::DS;
    above
        .filter(|_| is_in_parent)
        .unwrap_or_else(|| record.owner.clone())
}
