//! Keys that are tried in turn, as in a rollover, and which of them a server takes.
//!
//! A response leads to the next key if it refuses the request and another key may fare better. Nothing needs to prove
//! that: the response to the next key must be signed by that key all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::key::Key;
use super::message::Message;
use super::rcode::Rcode;
use super::reply::{BADKEY, BADSIG, BADTRUNC};
use super::tsig::{RequestMac, tsig_octets};
use crate::model::Name;

/// Keys in the order in which they are tried. Clones share what was seen of them.
#[derive(Clone, Debug)]
pub struct KeyList {
    keys: Arc<[Key]>,
    /// The key that signs the next request: the one that the last response counts for.
    present: Arc<AtomicUsize>,
}

impl From<Key> for KeyList {
    fn from(key: Key) -> Self {
        Self {
            keys: Arc::new([key]),
            present: Arc::default(),
        }
    }
}

impl KeyList {
    /// Builds a list. `None` if there is no key.
    pub fn new(keys: Vec<Key>) -> Option<Self> {
        (!keys.is_empty()).then(|| Self {
            keys: keys.into(),
            present: Arc::default(),
        })
    }

    /// Returns the keys in their order.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Returns the first key: the one that stays after a rollover.
    pub fn first(&self) -> &Key {
        &self.keys[0]
    }

    /// Returns the key that the last response counts for; at first the first one.
    pub fn present(&self) -> &Key {
        &self.keys[self.present.load(Ordering::Relaxed)]
    }

    /// Returns the name of [`Self::present`].
    pub fn name(&self) -> &Name {
        self.present().name()
    }

    /// Returns the octets that the longest TSIG of these keys adds to a message.
    pub fn tsig_octets(&self) -> usize {
        self.keys.iter().map(tsig_octets).max().unwrap_or_default()
    }

    /// Counts this key as the one that the last response counts for.
    pub(crate) fn prefer(&self, index: usize) {
        self.present.store(index, Ordering::Relaxed);
    }

    /// Returns the indices of all keys, beginning with the present one.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (present, number) = (self.present.load(Ordering::Relaxed), self.keys.len());
        (0..number).map(move |step| (present + step) % number)
    }
}

/// A request that is sent with each key in turn until the server takes one, or once without a key.
pub(crate) struct Trial<'k> {
    list: Option<&'k KeyList>,
    /// The keys that are left, the next one last.
    left: Vec<usize>,
    sent: usize,
    /// The response that counts, with the index of its key.
    best: Option<(Standing, usize, Vec<u8>, Option<RequestMac>)>,
}

/// One sending of the request.
pub(crate) struct Turn<'k> {
    /// The key that signs it; `None` if the request is not signed.
    pub(crate) key: Option<&'k Key>,
}

/// How far a response counts; a later variant counts more.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Standing {
    /// A refusal that anybody may have sent.
    Unsigned,
    /// The same, to the first key.
    UnsignedToFirst,
    /// A refusal that the key signs.
    Refused,
    /// Anything else: it is for the caller to judge.
    Final,
}

impl<'k> Trial<'k> {
    /// Begins with the key that the last response counts for; without a list, with no key.
    pub(crate) fn new(list: Option<&'k KeyList>) -> Self {
        let mut left: Vec<usize> = list.map_or(vec![0], |list| list.in_turn().collect());
        left.reverse();
        Self {
            list,
            left,
            sent: 0,
            best: None,
        }
    }

    /// Returns what signs the request next; `None` at the end.
    pub(crate) fn next_turn(&mut self) -> Option<Turn<'k>> {
        if let Some((Standing::Final, ..)) = self.best {
            return None;
        }
        self.sent = self.left.pop()?;
        let key = self.list.map(|list| &list.keys[self.sent]);
        Some(Turn { key })
    }

    /// Takes note of the response to the request with the last key, which had this MAC.
    pub(crate) fn note(&mut self, answer: Vec<u8>, mac: Option<RequestMac>) {
        let standing = match (self.list, &mac) {
            (Some(list), Some(mac)) if list.keys.len() > 1 => {
                standing(&answer, &list.keys[self.sent], mac, self.sent == 0)
            }
            _ => Standing::Final,
        };
        if self.best.as_ref().is_none_or(|best| standing > best.0) {
            self.best = Some((standing, self.sent, answer, mac));
        }
    }

    /// Returns the response that counts, with the key and the MAC of its request.
    ///
    /// # Panics
    /// If no response was noted.
    pub(crate) fn finish(self) -> (Vec<u8>, Option<(&'k Key, RequestMac)>) {
        let (_, index, answer, mac) = self.best.expect("the first key was tried");
        let key = self.list.map(|list| {
            list.prefer(index);
            &list.keys[index]
        });
        (answer, key.zip(mac))
    }
}

/// Judges the first message of a response to a signed request.
fn standing(answer: &[u8], key: &Key, mac: &RequestMac, is_first: bool) -> Standing {
    let unsigned = if is_first {
        Standing::UnsignedToFirst
    } else {
        Standing::Unsigned
    };
    let Ok(message) = Message::parse(answer) else {
        return Standing::Final;
    };
    let rcode = Rcode(message.rcode());
    match &message.tsig {
        None if [Rcode::REFUSED, Rcode::NOTAUTH].contains(&rcode) => unsigned,
        Some(tsig) if [BADKEY, BADSIG, BADTRUNC].contains(&tsig.error()) => unsigned,
        Some(tsig) if tsig.error() == 0 && rcode == Rcode::REFUSED => {
            match tsig.verify(&message, key, Some(mac)) {
                Ok(()) => Standing::Refused,
                Err(_) => Standing::Final,
            }
        }
        Some(_) | None => Standing::Final,
    }
}
