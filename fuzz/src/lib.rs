//! What the targets that read signed messages share.

use nsbridge::model::{Name, Secret};
use nsbridge::wire::{Algorithm, Hash, Key};

/// The time of all signatures, in Unix seconds: that of the messages in the seeds.
pub const NOW: u64 = 1_700_000_000;

/// A key of the name and algorithm that the messages in the seeds are signed with. Its secret is another one:
/// so no message that the fuzzer has is authentic, and one that is taken for it is found.
///
/// # Panics
/// Never: the key is a fixed one.
pub fn key() -> Key {
    let name: Name = "key.example.".parse().expect("a name");
    let secret = Secret::new(b"no message of the fuzzer has it!".to_vec());
    Key::new(name, Algorithm::new(Hash::Sha256), secret).expect("a key of 32 octets")
}
