//! A reply on BIND's control channel: the octets of a frame, and of what a frame signs. Nothing that is not signed with
//! the key is looked into, and of what is signed no octet can be changed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::provision::rndc::isccc::{read_reply, seal};
use nsbridge_fuzz::key;

/// The number of the command that is answered: that of the reply in the seeds.
const SERIAL: u32 = 2_820_406_697;

fuzz_target!(|octets: &[u8]| {
    let key = key();
    assert!(read_reply(octets, &key, SERIAL).is_err());
    // The length field is read with the frame.
    let frame = seal(&key, octets)[4..].to_vec();
    if read_reply(&frame, &key, SERIAL).is_err() {
        return;
    }
    assert!(read_reply(&frame, &key, SERIAL + 1).is_err());
    for at in 0..frame.len() {
        let mut changed = frame.clone();
        changed[at] ^= 1;
        assert!(read_reply(&changed, &key, SERIAL).is_err(), "octet {at}");
    }
});
