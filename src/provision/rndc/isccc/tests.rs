//! Tests of the control protocol: with fixed vectors for requests, and a reply of a named 9.18.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::model::Secret;

const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const REQUEST_SHA256: &str = "\
    000000c900000001055f61757468020000006304687368610100000059a3674a48574e36633934483434542f\
    673935474f304764494b4a467159365659414b78505978655a4f7777773d0000000000000000000000000000\
    000000000000000000000000000000000000000000000000000000000000055f6374726c0200000033045f73\
    6572010000000131045f74696d010000000a31373030303030303030045f657870010000000a313730303030\
    30303630055f64617461020000000e047479706501000000046e756c6c";
const REQUEST_MD5: &str = "\
    0000008600000001055f61757468020000002004686d643501000000167747656448794f546b396849706b51\
    6f615635514151055f6374726c0200000033045f736572010000000131045f74696d010000000a3137303030\
    3030303030045f657870010000000a31373030303030303630055f64617461020000000e0474797065010000\
    00046e756c6c";
const REPLY_SECRET: &str = "TlFtff8IQep03E6dskPJ5G3WBpdrSaUhlaf0KIufqI0=";
const REPLY: &str = "\
    0000015400000001055f61757468020000006304687368610100000059a3636e746e4d4b5a3769432b767232\
    436d475a54756e424c386d6d476d5868704d2b2f5876412f71346730593d0000000000000000000000000000\
    000000000000000000000000000000000000000000000000000000000000055f6374726c020000005c045f73\
    6572010000000a32383230343036363937045f74696d010000000a31373935343035333036045f6578700100\
    00000a31373935343035333636045f72706c010000000131065f6e6f6e636501000000093738373336363033\
    33055f646174610200000070047479706501000000147a6f6e65737461747573206e6f70652e746573740672\
    6573756c74010000000232330365727201000000096e6f7420666f756e64047465787401000000286e6f206d\
    61746368696e67207a6f6e6520276e6f70652e746573742720696e20616e792076696577";
const REPLY_SERIAL: u32 = 2_820_406_697;

fn key(algorithm: &str, secret: &str) -> Key {
    Key::new(
        "rndc".parse().unwrap(),
        algorithm.parse().unwrap(),
        Secret::new(STANDARD.decode(secret).unwrap()),
    )
    .unwrap()
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Returns a signed frame with the fields of a reply.
fn reply(key: &Key, ctrl: &[(&str, &str)], data: &[(&str, &str)]) -> Vec<u8> {
    let table = |fields: &[(&str, &str)]| {
        let mut table = Vec::new();
        for (key, value) in fields {
            push_entry(&mut table, key, KIND_OCTETS, value.as_bytes());
        }
        table
    };
    let mut body = Vec::new();
    push_entry(&mut body, "_ctrl", KIND_TABLE, &table(ctrl));
    push_entry(&mut body, "_data", KIND_TABLE, &table(data));
    seal(key, &body)[4..].to_vec()
}

#[test]
fn a_request_is_signed_as_by_bind() {
    let mut ctrl = Vec::new();
    push_entry(&mut ctrl, "_ser", KIND_OCTETS, b"1");
    push_entry(&mut ctrl, "_tim", KIND_OCTETS, b"1700000000");
    push_entry(&mut ctrl, "_exp", KIND_OCTETS, b"1700000060");
    let mut data = Vec::new();
    push_entry(&mut data, "type", KIND_OCTETS, b"null");
    let mut body = Vec::new();
    push_entry(&mut body, "_ctrl", KIND_TABLE, &ctrl);
    push_entry(&mut body, "_data", KIND_TABLE, &data);
    assert_eq!(
        seal(&key("hmac-sha256", SECRET), &body),
        octets(REQUEST_SHA256)
    );
    assert_eq!(seal(&key("hmac-md5", SECRET), &body), octets(REQUEST_MD5));
}

#[test]
fn a_request_carries_serial_time_and_nonce_and_no_expiry() {
    let key = key("hmac-sha512", SECRET);
    let frame = encode_request(&key, "null", 7, 1_700_000_000, b"99");
    assert_eq!(frame[..4], length_field(frame.len() - 4));
    let (_, signed) = split_entry(&frame[8..]).unwrap();
    let ctrl = find(signed, "_ctrl", KIND_TABLE).unwrap().unwrap();
    let field = |name| find(ctrl, name, KIND_OCTETS).unwrap();
    assert_eq!(field("_ser"), Some(&b"7"[..]));
    assert_eq!(field("_tim"), Some(&b"1700000000"[..]));
    assert_eq!(field("_nonce"), Some(&b"99"[..]));
    assert_eq!(field("_exp"), None);
    let first = encode_request(&key, "null", 7, 1_700_000_000, b"");
    assert!(!first.windows(6).any(|octets| octets == b"_nonce"));
}

#[test]
fn a_reply_of_a_running_named_is_read() {
    let key = key("hmac-sha256", REPLY_SECRET);
    let read = read_reply(&octets(REPLY)[4..], &key, REPLY_SERIAL);
    let expected = Reply {
        nonce: b"787366033".to_vec(),
        success: false,
        err: "not found".to_owned(),
        text: "no matching zone 'nope.test' in any view".to_owned(),
    };
    assert_eq!(read, Ok(expected));
}

#[test]
fn a_changed_octet_anywhere_is_an_error() {
    let key = key("hmac-sha256", REPLY_SECRET);
    let frame = octets(REPLY)[4..].to_vec();
    for at in 0..frame.len() {
        let mut changed = frame.clone();
        changed[at] ^= 1;
        assert!(
            read_reply(&changed, &key, REPLY_SERIAL).is_err(),
            "octet {at}"
        );
    }
    for end in 0..frame.len() {
        assert!(read_reply(&frame[..end], &key, REPLY_SERIAL).is_err());
    }
}

#[test]
fn a_signed_reply_must_be_a_reply_to_this_command() {
    for algorithm in [
        "hmac-md5",
        "hmac-sha1",
        "hmac-sha224",
        "hmac-sha256",
        "hmac-sha384",
        "hmac-sha512",
    ] {
        let key = key(algorithm, SECRET);
        let ctrl = [("_ser", "5"), ("_rpl", "1"), ("_nonce", "6")];
        let data = [("type", "null"), ("result", "0")];
        let good = reply(&key, &ctrl, &data);
        assert!(read_reply(&good, &key, 5).unwrap().success);
        assert_eq!(read_reply(&good, &key, 6), Err(ReplyError::Serial));
        let request = reply(&key, &[("_ser", "5"), ("_nonce", "6")], &data);
        assert_eq!(read_reply(&request, &key, 5), Err(ReplyError::NotAReply));
        let without_result = reply(&key, &ctrl, &[]);
        assert_eq!(
            read_reply(&without_result, &key, 5),
            Err(ReplyError::Missing("result"))
        );
    }
}

proptest! {
    #[test]
    fn foreign_octets_never_panic(frame in proptest::collection::vec(any::<u8>(), 0..200)) {
        let key = key("hmac-sha256", SECRET);
        let mut versioned = VERSION.to_be_bytes().to_vec();
        versioned.extend_from_slice(&frame);
        prop_assert!(read_reply(&frame, &key, 1).is_err());
        prop_assert!(read_reply(&versioned, &key, 1).is_err());
        let _ = find(&frame, "_ctrl", KIND_TABLE);
    }
}
