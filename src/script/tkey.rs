//! Parses the RDATA of TKEY (RFC 2930 section 2). No zone holds such a record: scripts add one to
//! see that the server refuses it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::error::ScriptError;
use crate::model::Name;

/// Parses `ALGORITHM INCEPTION EXPIRATION MODE ERROR SIZE [KEY] SIZE [OTHER]`; times are in
/// seconds.
pub(super) fn read(text: &str) -> Result<Vec<u8>, ScriptError> {
    let mut words = text.split_ascii_whitespace();
    let mut next = || {
        words
            .next()
            .ok_or(ScriptError::Rdata("unexpected end of input"))
    };
    let algorithm: Name = next()?.parse().map_err(|_| syntax_error())?;
    let mut octets = algorithm.as_wire().to_vec();
    for _ in ["inception", "expiration"] {
        let time: u32 = next()?.parse().map_err(|_| syntax_error())?;
        octets.extend(time.to_be_bytes());
    }
    for _ in ["mode", "error"] {
        let code: u16 = next()?.parse().map_err(|_| syntax_error())?;
        octets.extend(code.to_be_bytes());
    }
    for _ in ["key", "other"] {
        let size: u16 = next()?.parse().map_err(|_| syntax_error())?;
        let data = match size {
            0 => Vec::new(),
            _ => BASE64.decode(next()?).map_err(|_| syntax_error())?,
        };
        if data.len() != usize::from(size) {
            return Err(syntax_error());
        }
        octets.extend(size.to_be_bytes());
        octets.extend(data);
    }
    match words.next() {
        None => Ok(octets),
        Some(_) => Err(ScriptError::Rdata("extra input text")),
    }
}

fn syntax_error() -> ScriptError {
    ScriptError::Rdata("syntax error")
}
