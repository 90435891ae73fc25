//! Parses names and mailboxes as Plesk writes them.

use std::borrow::Cow;

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
    /// IDNA has no ASCII form for the Unicode text.
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

/// Parses an absolute name, with or without its final dot. Converts Unicode to its ASCII form.
///
/// Only names with characters outside ASCII go through IDNA (UTS 46, non-transitional), so that
/// underscores, wildcards and whatever else the DNS allows stay unchanged.
///
/// # Errors
/// [`HostError`].
pub(super) fn parse_name(text: &str) -> Result<Name, HostError> {
    let text = text.trim_ascii();
    let ascii = if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        let ascii = idna::domain_to_ascii(text).map_err(|_| HostError::NoAsciiForm)?;
        Cow::Owned(ascii)
    };
    let is_blank = |octet: u8| octet <= b' ' || octet == 0x7f;
    if ascii.bytes().any(is_blank) {
        return Err(HostError::Blank);
    }
    Ok(ascii.parse()?)
}

/// Converts a mailbox `user@domain` to an RNAME: the user is the first label, dots included (RFC
/// 1035 sections 5.1 and 8).
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
    let domain = parse_name(domain).map_err(MailboxError::Domain)?;
    if domain.is_root() {
        return Err(MailboxError::RootDomain);
    }
    domain.child(local.as_bytes()).map_err(MailboxError::Name)
}
