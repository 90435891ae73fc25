//! What can be found out about the making of zones without making one.

use std::fmt;
use std::net::SocketAddr;

use crate::model::ZoneName;

/// What was found out about one subject.
#[derive(Debug)]
pub struct Finding<E> {
    /// What was looked at.
    pub subject: Subject,
    /// How it is.
    pub verdict: Verdict<E>,
}

/// What is looked at. Each presupposes those before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// The way to what makes zones, and the key or password for it.
    Channel,
    /// Whether zones may be made over it.
    Creation,
    /// Whether a new zone gets its first contents.
    Contents,
}

/// How something is.
#[derive(Debug)]
pub enum Verdict<E> {
    /// As it must be.
    Good,
    /// Not as it must be.
    Bad {
        /// Why.
        error: E,
        /// What to write where.
        remedy: Option<Remedy>,
    },
    /// Only a creation tells.
    Open(Gap),
    /// Not tried, since this is not as it must be.
    Untried(Subject),
}

/// Why something is not known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Gap {
    /// The server has to reach this host.
    Fetching {
        /// The address that it will be told.
        from: SocketAddr,
    },
    /// The file that a template starts from was not looked at.
    InitialFile,
    /// Something else puts zone files in place.
    Files,
    /// A program was asked for nothing but whether a zone is there.
    Program,
    /// An API was asked for nothing but what is there.
    Api,
    /// A zone of this name is there: a check made it and was killed.
    Leftover {
        /// The zone.
        zone: ZoneName,
    },
}

/// Lines that repair a server's configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remedy {
    /// Where they belong, such as `named.conf`.
    pub place: &'static str,
    /// The lines.
    pub lines: Vec<String>,
}

/// A kind of server, by what is known of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Software {
    /// BIND.
    Bind,
    /// `PowerDNS`.
    PowerDns,
    /// Knot DNS.
    Knot,
    /// Nothing tells.
    Unknown,
}

impl<E> Finding<E> {
    /// What was found out about these subjects.
    pub(super) fn each<const N: usize>(found: [(Subject, Verdict<E>); N]) -> Vec<Self> {
        let finding = |(subject, verdict)| Self { subject, verdict };
        found.map(finding).into()
    }

    /// The same with another error type.
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
    /// What a person can do to know it.
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
