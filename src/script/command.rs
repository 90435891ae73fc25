//! What a line of a script asks for.

use std::net::IpAddr;

use crate::model::Name;
use crate::wire::{Key, Lease, WireRecord};

/// A command. What only changes how later lines are read is done by the parser, and is `Nothing`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// A comment, or a setting of the parser.
    Nothing,
    /// `send`, or a blank line.
    Send,
    /// `quit`.
    Quit,
    /// `server NAME [PORT]`.
    Server {
        /// Host name or address.
        host: String,
        /// Port; the one of the command line where there is none.
        port: Option<u16>,
    },
    /// `local ADDRESS [PORT]`.
    Local {
        /// Where requests come from.
        address: IpAddr,
        /// Port; 0 is any.
        port: u16,
    },
    /// `zone NAME`.
    Zone(Name),
    /// `key [ALGORITHM:]NAME SECRET`.
    Key(Key),
    /// `lease SECONDS [SECONDS]`, or `lease none`.
    Lease(Option<Lease>),
    /// A prerequisite (RFC 2136 section 2.4).
    Prerequisite(WireRecord),
    /// An update (RFC 2136 section 2.5).
    Update(WireRecord),
    /// `show`.
    Show,
    /// `answer`.
    Answer,
    /// `debug`.
    Debug,
    /// `version`.
    Version,
    /// `help`.
    Help,
}
