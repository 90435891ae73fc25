//! The key and the time of the targets that read signed messages.

use nsbridge::model::{Name, Secret};
use nsbridge::wire::{Algorithm, Hash, Key};

/// The time of all signatures, in Unix seconds: the time of the messages in the seeds.
pub const NOW: u64 = 1_700_000_000;

/// Returns a key with the name and algorithm of the key that signed the seeds, but with another
/// secret. No message of the fuzzer is authentic by it, so an accepted message is a fault.
///
/// # Panics
/// Never: the key is constant.
pub fn key() -> Key {
    let name: Name = "key.example.".parse().expect("a name");
    let secret = Secret::new(b"no message of the fuzzer has it!".to_vec());
    Key::new(name, Algorithm::new(Hash::Sha256), secret).expect("a key of 32 octets")
}
