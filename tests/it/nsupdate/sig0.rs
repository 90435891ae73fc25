//! SIG(0) (RFC 2931): updates that are signed with a private key. BIND 9.18 does not check such signatures any
//! more, so what is sent is checked with openssl, ours and that of the installed nsupdate alike; BIND 9.20
//! does, where Docker can run it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::message;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_pair::{Pair, ZONE, run_ours};
use crate::support::process::{self, Said};
use crate::support::scripted::Scripted;
use crate::support::server::Server as _;

/// Name and number of each algorithm, its digest for openssl, and what stands before the public key in what openssl reads (RFC 5280 section 4.1), in hexadecimal.
const ALGORITHMS: [(&str, u8, &str, Option<&str>); 5] = [
    (
        "ECDSAP256SHA256",
        13,
        "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
        Some("sha256"),
    ),
    (
        "ECDSAP384SHA384",
        14,
        "3076301006072a8648ce3d020106052b8104002203620004",
        Some("sha384"),
    ),
    ("ED25519", 15, "302a300506032b6570032100", None),
    ("RSASHA256", 8, RSA_BEFORE, Some("sha256")),
    ("RSASHA512", 10, RSA_BEFORE, Some("sha512")),
];
/// Of a key of 2048 bits; its exponent, 65537, comes after the modulus.
const RSA_BEFORE: &str = "30820122300d06092a864886f70d01010105000382010f003082010a0282010100";
/// The name of all keys.
const NAME: &str = "signer.example.com";

/// A pair of files by dnssec-keygen.
struct KeyPair {
    directory: TempDir,
    stem: PathBuf,
}

impl KeyPair {
    #[track_caller]
    fn new(options: &[&str]) -> Self {
        let directory = TempDir::with_prefix("nsbridge-sig0-").expect("a temporary directory");
        let place = directory.path().to_string_lossy().into_owned();
        let call = [&["-q", "-K", &*place], options, &[NAME]].concat();
        let stem = process::run_ok("dnssec-keygen", &call);
        let stem = directory.path().join(stem.trim());
        Self { directory, stem }
    }

    #[track_caller]
    fn of(algorithm: &str) -> Self {
        let size: &[&str] = if algorithm.starts_with("RSA") {
            &["-b", "2048"]
        } else {
            &[]
        };
        Self::new(&[&["-T", "KEY", "-n", "HOST", "-a", algorithm], size].concat())
    }

    fn file(&self, end: &str) -> String {
        format!("{}.{end}", self.stem.display())
    }

    #[track_caller]
    fn text(&self, end: &str) -> String {
        std::fs::read_to_string(self.file(end)).unwrap()
    }

    /// Flags, protocol, algorithm and public key of the KEY record.
    fn public(&self) -> Vec<u8> {
        let text = self.text("key");
        let (_, data) = text.split_once(" KEY ").expect("a KEY record");
        let words: Vec<&str> = data.split_whitespace().collect();
        let numbers: Vec<u16> = words[..3].iter().map(|it| it.parse().unwrap()).collect();
        let mut octets = numbers[0].to_be_bytes().to_vec();
        octets.extend(numbers[1..].iter().map(|it| it.to_be_bytes()[1]));
        octets.extend(BASE64.decode(words[3..].concat()).unwrap());
        octets
    }

    /// Whether openssl finds that the signature is of this key.
    #[track_caller]
    fn has_signed(
        &self,
        before: &str,
        digest: Option<&str>,
        data: &[u8],
        signature: &[u8],
    ) -> bool {
        let mut key = octets_of(before);
        let public = &self.public()[4..];
        if before == RSA_BEFORE {
            // One octet of length and three of exponent (RFC 3110 section 2).
            key.extend_from_slice(&public[4..]);
            key.extend_from_slice(&[2, 3, 1, 0, 1]);
        } else {
            key.extend_from_slice(public);
        }
        let signature = if key.len() < 130 && digest.is_some() {
            der_of_ecdsa(signature)
        } else {
            signature.to_vec()
        };
        let put = |name: &str, octets: &[u8]| {
            let path = self.directory.path().join(name);
            std::fs::write(&path, octets).unwrap();
            path.to_string_lossy().into_owned()
        };
        let (key, data) = (put("key.der", &key), put("data", data));
        let signature = put("signature", &signature);
        let mut call = vec!["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"];
        call.extend(["-inkey", &key, "-in", &data, "-sigfile", &signature]);
        if let Some(digest) = digest {
            call.extend(["-digest", digest]);
        }
        let said = process::run("openssl", &call, b"");
        assert!(
            said.stdout().contains("Signature Verif"),
            "{}{}",
            said.stdout(),
            said.stderr()
        );
        said.status == Some(0)
    }
}

#[test]
fn nsupdate_signs_updates_with_private_keys_as_the_original_does() {
    let named = Named::builder().zone(Zone::dynamic(ZONE, "")).start();
    for (algorithm, number, before, digest) in ALGORITHMS {
        let (key, other) = (KeyPair::of(algorithm), KeyPair::of(algorithm));
        let (theirs, ours) = (
            sent(&named, &key, crate::support::nsupdate_pair::run_theirs),
            sent(&named, &key, run_ours),
        );
        for message in [&theirs, &ours] {
            let (unsigned, data, signature) = cut(message);
            let signed = [data, &unsigned[..]].concat();
            assert!(
                key.has_signed(before, digest, &signed, signature),
                "{algorithm}"
            );
            assert!(!other.has_signed(before, digest, &signed, signature));
            // No type, no labels, no TTL (RFC 2931 section 3); good for five minutes before and after.
            assert_eq!(data[..8], [0, 0, number, 0, 0, 0, 0, 0]);
            let time = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().unwrap());
            assert_eq!(time(8) - time(12), 600);
            assert_eq!(data[18..], message::name(NAME));
        }
        // The tag of the key, which dnssec-keygen puts into the name of its files.
        assert_eq!(cut(&ours).1[16..18], cut(&theirs).1[16..18]);
        assert_eq!(ours.len(), theirs.len());
    }
}

#[test]
fn nsupdate_shows_and_uses_private_keys_as_the_original_does() {
    let keys = ALGORITHMS.map(|(algorithm, ..)| KeyPair::of(algorithm));
    let records: String = keys.iter().map(|key| key.text("key")).collect();
    for release in Release::stable() {
        let make = || {
            let policy = format!("grant {NAME} zonesub ANY;");
            Named::of(release).zone(Zone::with_policy(ZONE, &records, &policy))
        };
        let pair = Pair::of(&make, vec![ZONE]);
        // BIND 9.18 refuses what is signed so (CVE-2024-1975).
        let status = Some(if release == Release::Installed { 2 } else { 0 });
        let script = "server 127.0.0.1 {port}\nadd NAME.example.com 60 TXT a\nsend\n";
        for (index, key) in keys.iter().enumerate() {
            for end in ["private", "key"] {
                let script = script.replace("NAME", &format!("{end}{index}"));
                let said = pair.same(&["-d", "-k", &key.file(end)], &script);
                assert_eq!(said.status, status);
                let shown = ";; SIG0 PSEUDOSECTION:\n.\t\t\t0\tANY\tSIG\t0 ";
                assert!(said.stdout().contains(shown), "{}", said.stdout());
            }
            // Nothing to do is nothing wrong.
            let said = pair.same(&["-k", &key.file("private")], "");
            assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
            // The zone has the key of this name, and it is another one.
            let other = KeyPair::of(ALGORITHMS[index].0);
            let script = script.replace("NAME", "other");
            let said = pair.same(&["-k", &other.file("private")], &script);
            assert_eq!(said.status, Some(2));
        }
        let name = "private0.example.com";
        let is_there = !dig::short(pair.ours(), name, "TXT").is_empty();
        assert_eq!(status == Some(0), is_there);
    }
}

#[test]
fn nsupdate_sends_nothing_where_it_cannot_sign_with_a_private_key() {
    let named = Named::builder().zone(Zone::dynamic(ZONE, "")).start();
    let host = ["-T", "KEY", "-n", "HOST", "-a"];
    let rsa = |algorithm, bits| KeyPair::new(&[&host[..], &[algorithm, "-b", bits]].concat());
    let (alone, mixed) = (KeyPair::of("ED25519"), KeyPair::of("ECDSAP256SHA256"));
    std::fs::remove_file(alone.file("key")).unwrap();
    std::fs::copy(
        KeyPair::of("ECDSAP256SHA256").file("key"),
        mixed.file("key"),
    )
    .unwrap();
    let cases = [
        (
            KeyPair::of("ED448"),
            "ED448 keys are not supported for SIG(0)",
        ),
        (
            rsa("RSASHA1", "2048"),
            "RSASHA1 keys are not supported for SIG(0)",
        ),
        (
            rsa("RSASHA256", "1024"),
            "an RSA key of 1024 bits is not supported for SIG(0), only 2048 to 4096",
        ),
        (
            KeyPair::new(&["-n", "ZONE", "-a", "ED25519"]),
            "the `.key` file has no KEY record",
        ),
        (alone, "the `.key` file is missing"),
        (mixed, "the private key does not fit the public one"),
    ];
    let script = "server 127.0.0.1 {port}\nzone example.com\nadd a.example.com 60 TXT a\nsend\n";
    for (key, why) in cases {
        let said = run_ours(&named, &["-k", &key.file("private")], script);
        let text = format!(
            "could not read key from {}.{{private,key}}: {why}\n",
            key.stem.display()
        );
        assert_eq!((said.status, said.stderr()), (Some(1), text));
        assert_eq!(said.stdout(), "");
    }
    assert_eq!(named.updates_received(), 0);
}

/// The update that a program sends when it signs with a key.
#[track_caller]
fn sent(named: &Named, key: &KeyPair, run: fn(&Named, &[&str], &str) -> Said) -> Vec<u8> {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&messages);
    let peer = Scripted::start(move |conversation| {
        while let Some(request) = conversation.read() {
            seen.lock().unwrap().push(request.clone());
            conversation.write(&message::answer(&request, 0, &[]));
        }
    });
    let script = format!(
        "server 127.0.0.1 {}\nzone example.com\nadd a.example.com 60 TXT a\nsend\n",
        peer.port()
    );
    let said = run(named, &["-v", "-k", &key.file("private")], &script);
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    let messages = messages.lock().unwrap();
    assert_eq!(messages.len(), 1);
    messages[0].clone()
}

/// The message as it was before it was signed, the data of its signature, and the signature.
fn cut(message: &[u8]) -> (Vec<u8>, &[u8], &[u8]) {
    // Owner, type, class and TTL of the last record: `. SIG ANY 0`.
    let start = [0, 0, 24, 0, 255, 0, 0, 0, 0];
    let places = message.windows(start.len());
    let at = places
        .into_iter()
        .rposition(|it| it == start)
        .expect("a SIG record");
    let mut unsigned = message[..at].to_vec();
    assert_eq!(unsigned[10..12], [0, 1]);
    unsigned[11] = 0;
    let data = &message[at + start.len() + 2..];
    let (data, signature) = data.split_at(18 + message::name(NAME).len());
    (unsigned, data, signature)
}

/// Two integers, as openssl wants them; each is as long as the other in DNS (RFC 6605 section 4).
fn der_of_ecdsa(signature: &[u8]) -> Vec<u8> {
    let mut integers = Vec::new();
    for half in signature.chunks(signature.len() / 2) {
        let zeros = half.iter().take_while(|octet| **octet == 0).count();
        let mut number = half[zeros..].to_vec();
        if number.first().is_some_and(|octet| *octet >= 0x80) {
            number.insert(0, 0);
        }
        integers.extend([2, u8::try_from(number.len()).unwrap()]);
        integers.append(&mut number);
    }
    let mut sequence = vec![0x30, u8::try_from(integers.len()).unwrap()];
    sequence.append(&mut integers);
    sequence
}

fn octets_of(hex: &str) -> Vec<u8> {
    let digits = hex
        .as_bytes()
        .chunks(2)
        .map(|it| std::str::from_utf8(it).unwrap());
    digits
        .map(|it| u8::from_str_radix(it, 16).unwrap())
        .collect()
}
