//! Tests of codes, decisions and hints of failures.

mod classes;

use super::*;
use crate::deliver::error::Retry;
use crate::diagnostic::Software;

#[test]
fn a_number_of_changes_is_worded_as_a_multiple() {
    let message = |attempts| Failure::ChangedMeanwhile { attempts }.to_string();
    let text = "another program changed the zone N meanwhile";
    assert_eq!(message(1), text.replace('N', "once"));
    assert_eq!(message(10), text.replace('N', "10 times"));
}

#[test]
fn an_unsigned_response_has_the_code_of_what_to_do() {
    for (rcode, code) in [
        (Rcode::NOTIMP, "NB-UPDATES-UNSUPPORTED"),
        (Rcode::REFUSED, "NB-UNSIGNED-REFUSAL"),
        (Rcode::NOTAUTH, "NB-UNSIGNED-REFUSAL"),
        (Rcode::NOTZONE, "NB-UNSIGNED-REFUSAL"),
        (Rcode::SERVFAIL, "NB-UNSIGNED-ERROR"),
    ] {
        let key = "plesk".parse().unwrap();
        let failure = Failure::Unsigned { rcode, key };
        assert_eq!(failure.diagnostic().code(), code);
    }
}

#[test]
fn a_failure_of_the_catalog_is_that_of_its_cause_or_has_a_code_of_its_own() {
    let of = |source| Failure::Catalog {
        catalog: ZoneName::new(&"catalog.example".parse().unwrap()),
        source: Box::new(source),
    };
    let key: Name = "plesk".parse().unwrap();
    let (rcode, zone) = (Rcode::SERVFAIL, ZoneName::new(&key));
    for (source, code, retry) in [
        (
            Failure::BadKey { key: key.clone() },
            "NB-CATALOG-KEY-REFUSED",
            Retry::Transient,
        ),
        (
            Failure::Unsigned { rcode, key },
            "NB-UNSIGNED-ERROR",
            Retry::Transient,
        ),
        (Failure::ZoneAbsent, "NB-CATALOG-ABSENT", Retry::Permanent),
        (
            Failure::ZoneNotLoaded { rcode, zone },
            "NB-CATALOG-NOT-LOADED",
            Retry::Transient,
        ),
        (
            Failure::DeadlinePassed,
            "NB-DEADLINE-PASSED",
            Retry::Transient,
        ),
    ] {
        let failure = of(source);
        assert_eq!(failure.diagnostic().code(), code);
        assert_eq!(failure.retry(), retry, "{code}");
    }
}

#[test]
fn a_hint_is_for_the_server_at_hand() {
    let refused = Failure::UpdateRefused {
        rcode: Rcode::REFUSED,
        extended: None,
        zone: ZoneName::new(&"example.com".parse().unwrap()),
        key: "plesk".parse().unwrap(),
    };
    for (software, part) in [
        (Software::Bind, "`nsbridge check example.com.`"),
        (
            Software::PowerDns,
            "`nsbridge check example.com.`, or see its log",
        ),
        (Software::Knot, "`plesk` `action: update`"),
        (Software::Unknown, "the key `plesk`"),
    ] {
        let hint = refused.diagnostic().at(software).advice();
        assert!(hint.contains(part), "{hint}");
    }
}

#[test]
fn a_response_that_cannot_be_used_has_the_code_of_what_to_do() {
    let owner: Name = "a.example.com".parse().unwrap();
    let time = Forgery::Time {
        offset_seconds: -400,
        fudge_seconds: 300,
    };
    let rdata = MalformedReason::Rdata {
        owner: owner.clone(),
        rtype: RecordType::MX,
    };
    let transfer = Failure::Transfer;
    for (failure, code) in [
        (Failure::Forged(Forgery::Mac), "NB-RESPONSE-FORGED"),
        (Failure::Forged(time.clone()), "NB-RESPONSE-TIME"),
        (transfer(TransferError::Forged(time)), "NB-RESPONSE-TIME"),
        (transfer(Forgery::Mac.into()), "NB-TRANSFER-UNSIGNED"),
        (transfer(TransferError::EndUnsigned), "NB-TRANSFER-UNSIGNED"),
        (transfer(rdata.into()), "NB-TRANSFER-RECORD"),
        (
            transfer(TransferError::OutOfZone { owner }),
            "NB-TRANSFER-RECORD",
        ),
        (
            transfer(TransferError::TooManyRecords),
            "NB-TRANSFER-TOO-LARGE",
        ),
        (
            transfer(MalformedReason::Short.into()),
            "NB-TRANSFER-INVALID",
        ),
    ] {
        assert_eq!(failure.diagnostic().code(), code);
        assert_eq!(failure.retry(), Retry::Transient, "{code}");
    }
}
