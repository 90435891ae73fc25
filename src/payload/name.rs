//! Parses names and mailboxes as Plesk writes them.

use crate::model::{Name, NameError};

/// A reason why a text is no domain name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HostError {
    /// The text breaks the rules of RFC 1035.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The text has a blank or a control character that is not escaped.
    #[error("the name has a blank or control character in it")]
    Blank,
    /// The text has a character outside ASCII.
    #[error("U+{:04X} is not ASCII; Plesk sends such a name as `xn--…`", u32::from(*character))]
    NotAscii {
        /// The first such character.
        character: char,
    },
    /// IDNA has no ASCII form for the domain of a mailbox.
    #[error("the name has no ASCII form (UTS 46)")]
    NoAsciiForm,
}

/// A reason why a text is no mailbox.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MailboxError {
    /// No `@` divides the text into user and domain.
    #[error("the mailbox has no `@`")]
    NoAt,
    /// The user is not 1 to 63 printable ASCII characters and therefore is no label.
    #[error("the part before the `@` is not 1 to 63 printable ASCII characters")]
    Local,
    /// The domain is the root.
    #[error("the part after the `@` is the root")]
    RootDomain,
    /// The domain is no domain name.
    #[error("the part after the `@` is no name: {0}")]
    Domain(#[source] HostError),
    /// User and domain together are too long for a name.
    #[error("the mailbox as a name: {0}")]
    Name(#[source] NameError),
}

/// Parses an absolute name, with or without its final dot.
///
/// A name is taken as sent. Plesk sends A-labels; IDNA would map other characters, so that a customer could name the
/// zone of another one by full-width letters, ideographic full stops or soft hyphens.
///
/// # Errors
/// [`HostError`].
pub(super) fn parse_name(text: &str) -> Result<Name, HostError> {
    let text = text.trim_ascii();
    require_ascii(text)?;
    let is_blank = |octet: u8| octet <= b' ' || octet == 0x7f;
    if text.bytes().any(is_blank) {
        return Err(HostError::Blank);
    }
    Ok(text.parse()?)
}

/// Refuses a text with names if it has a character outside ASCII.
///
/// # Errors
/// [`HostError::NotAscii`].
pub(super) fn require_ascii(text: &str) -> Result<(), HostError> {
    match text.chars().find(|character| !character.is_ascii()) {
        Some(character) => Err(HostError::NotAscii { character }),
        None => Ok(()),
    }
}

/// Converts a mailbox `user@domain` to an RNAME: the user is the first label, dots included (RFC
/// 1035 sections 5.1 and 8). Converts a Unicode domain to its ASCII form (UTS 46, non-transitional): Plesk does not.
///
/// # Errors
/// [`MailboxError`].
pub(super) fn parse_mailbox(text: &str) -> Result<Name, MailboxError> {
    let (local, domain) = text
        .trim_ascii()
        .rsplit_once('@')
        .ok_or(MailboxError::NoAt)?;
    if !(1..=63).contains(&local.len()) || !local.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(MailboxError::Local);
    }
    let domain = if domain.is_ascii() {
        parse_name(domain)
    } else {
        let ascii = idna::domain_to_ascii(domain.trim_ascii());
        ascii.map_or(Err(HostError::NoAsciiForm), |ascii| parse_name(&ascii))
    };
    let domain = domain.map_err(MailboxError::Domain)?;
    if domain.is_root() {
        return Err(MailboxError::RootDomain);
    }
    domain.child(local.as_bytes()).map_err(MailboxError::Name)
}
