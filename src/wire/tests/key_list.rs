//! Tests of keys that are tried in turn: which response leads to the next key, and which one counts.

use pretty_assertions::assert_eq;

use super::name;
use super::vectors::NOW;
use crate::model::{RecordType, Secret};
use crate::wire::key_list::Trial;
use crate::wire::{
    Expected, Forgery, Key, KeyList, Opcode, Rcode, Reply, RequestMac, ResponseSigner,
    encode_query, read_reply, sign_request,
};

const ID: u16 = 7;
const BADSIG: u8 = 16;
const BADKEY: u8 = 17;
const BADTIME: u8 = 18;

fn keys() -> [Key; 3] {
    ["new", "middle", "old"].map(|text| {
        let secret = Secret::new(text.as_bytes().to_vec());
        Key::new(name(text), "hmac-sha256".parse().unwrap(), secret).unwrap()
    })
}

/// How a server answers a request.
#[derive(Clone, Copy)]
enum Answer {
    /// Signed with the key of the request.
    Signed(Rcode),
    Unsigned(Rcode),
    /// With this error of TSIG, and no signature.
    Error(u8),
    /// Signed with another key than that of the request.
    SignedByOther(Rcode),
}

/// Returns the response to a query that this key has signed.
fn respond(answer: Answer, key: &Key, mac: &RequestMac) -> Vec<u8> {
    let mut message = encode_query(&name("a.example"), RecordType::SOA, ID);
    message[2] |= 0x80;
    let sign = |message: &mut Vec<u8>, key: &Key| {
        ResponseSigner::new(key, mac).sign(message, NOW).unwrap();
    };
    match answer {
        Answer::Signed(rcode) => {
            message[3] |= rcode.0.to_be_bytes()[1];
            sign(&mut message, key);
        }
        Answer::Unsigned(rcode) => message[3] |= rcode.0.to_be_bytes()[1],
        Answer::Error(error) => {
            message[3] |= Rcode::NOTAUTH.0.to_be_bytes()[1];
            sign(&mut message, key);
            // The error stands before the length of the other data, at the end.
            let at = message.len() - 3;
            message[at] = error;
        }
        Answer::SignedByOther(rcode) => {
            message[3] |= rcode.0.to_be_bytes()[1];
            let other = keys().into_iter().find(|it| it != key);
            sign(&mut message, &other.unwrap());
        }
    }
    message
}

/// Sends a query with the keys in turn to a server that answers so to each of them. Returns the names of the keys that it
/// was sent with, the name of the key that counts, and its reply.
fn tried(list: &KeyList, answers: [Answer; 3]) -> (Vec<String>, String, Reply) {
    let (keys, mut sent) = (keys(), Vec::new());
    let mut trial = Trial::new(Some(list));
    while let Some(turn) = trial.next_turn() {
        let key = turn.key.unwrap();
        let mut message = encode_query(&name("a.example"), RecordType::SOA, ID);
        let mac = sign_request(&mut message, key, NOW).unwrap();
        let index = keys.iter().position(|it| it == key).unwrap();
        sent.push(key.name().to_text_without_dot());
        trial.note(respond(answers[index], key, &mac), Some(mac));
    }
    let (answer, signed) = trial.finish();
    let (key, mac) = signed.unwrap();
    let expected = Expected {
        id: ID,
        opcode: Opcode::Query,
        key: Some((key, &mac)),
    };
    let reply = read_reply(&answer, &expected, NOW);
    assert_eq!(list.name(), key.name(), "its key is the present one");
    (sent, key.name().to_text_without_dot(), reply)
}

fn list() -> KeyList {
    KeyList::new(keys().to_vec()).unwrap()
}

fn is_signed(reply: &Reply, rcode: Rcode) -> bool {
    matches!(reply, Reply::Authentic(response) if response.rcode == rcode)
}

const DONE: Answer = Answer::Signed(Rcode::NOERROR);

#[test]
fn a_key_that_is_not_taken_leads_to_the_next_one_which_is_kept() {
    for refusal in [
        Answer::Error(BADKEY),
        Answer::Error(BADSIG),
        Answer::Unsigned(Rcode::NOTAUTH),
        Answer::Unsigned(Rcode::REFUSED),
        Answer::Signed(Rcode::REFUSED),
    ] {
        let list = list();
        let (sent, key, reply) = tried(&list, [refusal, DONE, DONE]);
        assert_eq!(sent, ["new", "middle"]);
        assert!(key == "middle" && is_signed(&reply, Rcode::NOERROR));
        let (sent, ..) = tried(&list, [refusal, DONE, DONE]);
        assert_eq!(sent, ["middle"], "the next request begins with it");
        let (sent, key, _) = tried(&list, [DONE, refusal, refusal]);
        assert_eq!(
            (sent, &*key),
            (vec!["middle".into(), "old".into(), "new".into()], "new")
        );
    }
}

#[test]
fn what_is_no_refusal_of_the_key_is_final() {
    for answer in [
        DONE,
        Answer::Signed(Rcode::NOTAUTH),
        Answer::Signed(Rcode::SERVFAIL),
        Answer::Unsigned(Rcode::NOERROR),
        Answer::Unsigned(Rcode::SERVFAIL),
        Answer::Error(BADTIME),
    ] {
        let (sent, ..) = tried(&list(), [answer, DONE, DONE]);
        assert_eq!(sent, ["new"]);
    }
}

#[test]
fn where_no_key_is_taken_a_signed_refusal_counts_or_else_the_reply_to_the_first_key() {
    let unknown = Answer::Error(BADKEY);
    let refused = Answer::Signed(Rcode::REFUSED);
    let (sent, key, reply) = tried(&list(), [unknown, refused, unknown]);
    assert_eq!((sent.len(), &*key), (3, "middle"));
    assert!(is_signed(&reply, Rcode::REFUSED));
    let wrong = Answer::Error(BADSIG);
    let list = list();
    let (_, key, reply) = tried(&list, [wrong, unknown, unknown]);
    assert_eq!((&*key, reply), ("new", Reply::BadSig));
    // Also if another one was taken before.
    tried(&list, [unknown, unknown, DONE]);
    let (_, key, reply) = tried(&list, [wrong, unknown, unknown]);
    assert_eq!((&*key, reply), ("new", Reply::BadSig));
}

#[test]
fn a_response_that_another_key_of_the_list_signs_is_forged() {
    for rcode in [Rcode::NOERROR, Rcode::REFUSED] {
        let answers = [Answer::SignedByOther(rcode), DONE, DONE];
        let (sent, _, reply) = tried(&list(), answers);
        assert_eq!(sent, ["new"]);
        assert!(matches!(reply, Reply::Forged(Forgery::Key(_))), "{reply:?}");
    }
}

#[test]
fn one_key_alone_is_sent_once_whatever_the_response() {
    let list = KeyList::from(keys()[0].clone());
    for answer in [Answer::Error(BADKEY), Answer::Signed(Rcode::REFUSED)] {
        assert_eq!(tried(&list, [answer; 3]).0, ["new"]);
    }
    assert!(KeyList::new(Vec::new()).is_none());
}
