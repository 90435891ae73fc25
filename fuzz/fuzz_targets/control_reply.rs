//! Fuzzes the reader of replies on BIND's control channel. The input is the octets of a frame, or
//! the part of a frame that its signature covers. The reader must refuse a frame that is not signed
//! with the key, and a signed frame with a changed octet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::provision::rndc::isccc::{read_reply, seal};
use nsbridge_fuzz::key;

/// The serial number of the command, equal to that of the reply in the seeds.
const SERIAL: u32 = 2_820_406_697;

fuzz_target!(|octets: &[u8]| {
    let key = key();
    assert!(read_reply(octets, &key, SERIAL).is_err());
    // The reader gets the frame without its length field.
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
