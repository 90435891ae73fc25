//! Findings about the creation of zones, gained without creating one.

use std::fmt;
use std::net::SocketAddr;

use crate::model::ZoneName;

/// A finding about one subject.
#[derive(Debug)]
pub struct Finding<E> {
    /// The subject.
    pub subject: Subject,
    /// The verdict about it.
    pub verdict: Verdict<E>,
}

/// A subject of a check. Each depends on those before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// The control channel, API or program, and the key or password for it.
    Channel,
    /// The permission to create zones over it.
    Creation,
    /// The first contents of a new zone.
    Contents,
}

/// The verdict about a subject.
#[derive(Debug)]
pub enum Verdict<E> {
    /// The subject is as it must be.
    Good,
    /// The subject is not as it must be.
    Bad {
        /// The reason.
        error: E,
        /// The configuration that repairs it.
        remedy: Option<Remedy>,
    },
    /// Only a creation shows the verdict.
    Open(Gap),
    /// The subject was not checked, because this one is not as it must be.
    Untried(Subject),
}

/// The reason why a verdict is open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Gap {
    /// The server has to reach this host.
    Fetching {
        /// The address from which the server fetches.
        from: SocketAddr,
    },
    /// The template's `initial-file` was not read.
    InitialFile,
    /// Another program puts zone files in place.
    Files,
    /// The program was only asked whether a zone exists.
    Program,
    /// The API was only read.
    Api,
    /// A zone of this name exists: a check created it and was killed.
    Leftover {
        /// The zone.
        zone: ZoneName,
    },
}

/// Lines that repair a server's configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remedy {
    /// The file that needs them, such as `named.conf`.
    pub place: &'static str,
    /// The lines.
    pub lines: Vec<String>,
}

/// The kind of a server, if known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Software {
    /// BIND.
    Bind,
    /// `PowerDNS`.
    PowerDns,
    /// Knot DNS.
    Knot,
    /// Any other, or not known.
    Unknown,
}

impl<E> Finding<E> {
    /// Turns verdicts into findings.
    pub(super) fn each<const N: usize>(verdicts: [(Subject, Verdict<E>); N]) -> Vec<Self> {
        let finding = |(subject, verdict)| Self { subject, verdict };
        verdicts.map(finding).into()
    }

    /// Converts the error type.
    pub(super) fn map<F>(self, into: impl FnOnce(E) -> F) -> Finding<F> {
        let verdict = match self.verdict {
            Verdict::Good => Verdict::Good,
            Verdict::Bad { error, remedy } => Verdict::Bad {
                error: into(error),
                remedy,
            },
            Verdict::Open(gap) => Verdict::Open(gap),
            Verdict::Untried(subject) => Verdict::Untried(subject),
        };
        Finding {
            subject: self.subject,
            verdict,
        }
    }
}

impl Gap {
    /// Returns what the operator can do to close the gap.
    pub fn hint(&self) -> String {
        match self {
            Self::Fetching { .. } | Self::InitialFile | Self::Program | Self::Api => {
                "`nsbridge check --create` makes a zone and removes it again".to_owned()
            }
            Self::Files => "see that ZONE.db is put into the server's `directory` before a zone \
                            is made"
                .to_owned(),
            Self::Leftover { .. } => {
                "`nsbridge check --create` removes what an earlier one left".to_owned()
            }
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetching { from } => write!(
                f,
                "whether the server reaches {from} over UDP and TCP shows only when it fetches a \
                 new zone"
            ),
            Self::InitialFile => f.write_str(
                "whether the template's `initial-file` is there shows only when a zone is made",
            ),
            Self::Files => f.write_str("whether a new zone's file is put in place is not known"),
            Self::Program => f.write_str(
                "the program was only asked whether a zone exists; whether it makes one is not \
                 known",
            ),
            Self::Api => f.write_str(
                "the API was only asked for what is there; whether a zone can be made shows only \
                 when one is made",
            ),
            Self::Leftover { zone } => write!(f, "the zone `{zone}` is there already"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Channel => "control channel",
            Self::Creation => "zone creation",
            Self::Contents => "first contents of new zones",
        })
    }
}
