//! The question for the version of a server, `version.bind` of class CHAOS (RFC 4892 section 1), for the words of
//! messages, and to forget what was learnt of another version. Its answer bears no signature, so nothing else may depend on
//! it.

use super::encode::encode_query;
use crate::diagnostic::Software;
use crate::model::{Name, RecordType};
use crate::plan::HEADER_OCTETS;

/// The octets of the question: name, type and class.
const QUESTION_OCTETS: usize = 14 + 4;
/// The class CHAOS (RFC 1035 section 3.2.4).
const CLASS_CHAOS: u16 = 3;

/// Encodes the question for the version of a server.
pub fn encode_version_query(id: u16) -> Vec<u8> {
    let name: Name = "version.bind.".parse().expect("the name is well-formed");
    let mut message = encode_query(&name, RecordType::TXT, id);
    let class = message.len() - 2;
    message[class..].copy_from_slice(&CLASS_CHAOS.to_be_bytes());
    message
}

/// The most characters of a version that are kept.
const VERSION_CHARS_MAX: usize = 80;

/// Returns what tells a version in a response to [`encode_version_query`] from others; empty if it names none.
pub fn version_of(response: &[u8]) -> String {
    let has_answer = response.get(6..8).is_some_and(|count| count != [0, 0]);
    let answer = response.get(HEADER_OCTETS + QUESTION_OCTETS..);
    let answer = answer.filter(|_| has_answer).unwrap_or_default();
    let text = String::from_utf8_lossy(answer);
    let plain = text
        .chars()
        .filter(|it| it.is_ascii_graphic() || *it == ' ');
    plain.take(VERSION_CHARS_MAX).collect()
}

/// Returns the software that a response to [`encode_version_query`] names.
pub fn software_of(response: &[u8]) -> Software {
    let answer = response.get(HEADER_OCTETS + QUESTION_OCTETS..);
    let text = String::from_utf8_lossy(answer.unwrap_or_default());
    if text.contains("PowerDNS") {
        Software::PowerDns
    } else if text.contains("Knot DNS") {
        Software::Knot
    } else if text.contains("BIND") || text.contains("9.") {
        // BIND: its version alone, such as `9.18.49-1~deb12u3-Debian`.
        Software::Bind
    } else {
        Software::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_software_is_known_by_its_version() {
        let response = |text: &str| {
            let mut response = encode_version_query(7);
            response.extend_from_slice(b"\xc0\x0c\x00\x10\x00\x03\x00\x00\x00\x00");
            let octets = u8::try_from(text.len()).unwrap();
            response.extend_from_slice(&[0, octets + 1, octets]);
            response.extend_from_slice(text.as_bytes());
            response
        };
        for (text, software) in [
            ("9.18.49-1~deb12u3-Debian", Software::Bind),
            ("PowerDNS Authoritative Server 4.9.1", Software::PowerDns),
            ("Knot DNS 3.2.6", Software::Knot),
            ("none of your business", Software::Unknown),
        ] {
            assert_eq!(software_of(&response(text)), software, "{text}");
        }
        assert_eq!(software_of(&encode_version_query(7)), Software::Unknown);
        assert_eq!(software_of(b""), Software::Unknown);
    }
}
