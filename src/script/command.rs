//! The commands of a script.

use std::net::IpAddr;

use crate::model::Name;
use crate::wire::{Key, Lease, WireRecord};

/// A command. A line that only changes how later lines are parsed gives `Nothing`.
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
        /// Port; `None` for the port of the command line.
        port: Option<u16>,
    },
    /// `local ADDRESS [PORT]`.
    Local {
        /// Source address of requests.
        address: IpAddr,
        /// Source port; 0 is any.
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
