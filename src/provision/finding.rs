//! Findings about the creation of zones, gained without creating one.

use std::net::SocketAddr;

use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, provision as entries};
use crate::model::ZoneName;

/// The findings about the control channel, API or program, then about the creation of zones over it and, over
/// BIND's control channel alone, about the first contents of new zones. Each needs those before it to be good, so
/// the first error is the last finding. A gap leaves a finding open.
pub type Findings<E> = Vec<Result<Option<Gap>, E>>;

/// The reason why only a creation shows whether something is as it must be.
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

displayed!(Gap);

impl Diagnose for Gap {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Fetching { from } => case!(entries::FETCH_UNTRIED, from),
            Self::InitialFile => case!(entries::INITIAL_FILE_UNTRIED),
            Self::Files => case!(entries::ZONE_FILE_UNTRIED),
            Self::Program => case!(entries::PROGRAM_UNTRIED),
            Self::Api => case!(entries::API_UNTRIED),
            Self::Leftover { zone } => case!(entries::CHECK_ZONE_LEFT, zone),
        }
    }
}
