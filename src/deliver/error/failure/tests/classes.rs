//! The class of each failure, with the reason: what can pass by itself, or was said by nobody who proved who it
//! is, waits; held is only what an authenticated answer, or a rule of this side, refuses.

use std::collections::HashSet;
use std::io;
use std::mem::{Discriminant, discriminant};
use std::net::SocketAddr;
use std::time::Duration;

use tokio_rustls::rustls::{AlertDescription, Error as TlsError};

use super::*;
use crate::model::{Rdata, Soa};
use crate::provision::rndc::ReplyError;
use crate::provision::{PowerDnsError, RndcError};
use crate::transport::{Step, TlsFailure};

/// Why a failure waits, or is held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reason {
    /// Waits: it may pass by itself.
    Passes,
    /// Waits: nothing proves that the answer is the primary's.
    Unproven,
    /// Held: an authenticated answer of the primary refuses.
    Refused,
    /// Held: a rule of this side refuses.
    Rule,
    /// What its cause is.
    OfCause,
}
use Reason::{OfCause, Passes, Refused, Rule, Unproven};

/// The table: without a line here, a new failure does not compile.
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "a line for each failure"
)]
fn reason(failure: &Failure) -> Reason {
    match failure {
        Failure::Transport(error) => match error {
            TransportError::Tls { .. } => Unproven,
            TransportError::Resolve { .. }
            | TransportError::NoAddress { .. }
            | TransportError::Refused { .. }
            | TransportError::NoTcp { .. }
            | TransportError::TimedOut { .. }
            | TransportError::Closed { .. }
            | TransportError::ClosedInFrame { .. }
            | TransportError::Reset { .. }
            | TransportError::Io { .. }
            | TransportError::TooLong { .. }
            | TransportError::Torn { .. }
            | TransportError::AllFailed { .. } => Passes,
        },
        Failure::ResponseLost { .. }
        | Failure::Overloaded { .. }
        | Failure::UpdatesExhausted { .. }
        | Failure::UpdatesLimited
        | Failure::TransferCut { .. }
        | Failure::TransfersExhausted { .. }
        | Failure::AwaitedZone { .. }
        | Failure::ZoneJustFreed { .. }
        | Failure::ZoneNotLoaded { .. }
        | Failure::ZoneFrozen { .. }
        | Failure::ServerFailure { .. }
        | Failure::QuestionRefused { .. }
        | Failure::QueriesUnsupported { .. }
        | Failure::ZoneUnknown { .. }
        | Failure::ChangedMeanwhile { .. }
        | Failure::Soa(_)
        | Failure::CatalogIdle { .. }
        | Failure::CatalogLost { .. }
        | Failure::InstanceCloned { .. }
        | Failure::NoZoneFor { .. }
        | Failure::CheckUnserved { .. }
        | Failure::DeadlinePassed
        | Failure::State
        | Failure::Random(_) => Passes,
        Failure::Transfer(_)
        | Failure::BadKey { .. }
        | Failure::BadSig { .. }
        | Failure::KeysElsewhere { .. }
        | Failure::BadTime { .. }
        | Failure::BadTrunc { .. }
        | Failure::Unsigned { .. }
        | Failure::Forged(_)
        | Failure::Malformed(_) => Unproven,
        Failure::TransferRefused {
            is_signed: false, ..
        } => Unproven,
        Failure::TransferRefused { .. }
        | Failure::ZoneAbsent
        | Failure::UpdateRefused { .. }
        | Failure::ZoneHidden
        | Failure::ZoneNotMade
        | Failure::CnameChainTooLong { .. }
        | Failure::CnameInTheWay { .. }
        | Failure::OthersZone { .. }
        | Failure::InOthersZone { .. }
        | Failure::CatalogBroken { .. }
        | Failure::CatalogNotShown { .. }
        | Failure::CatalogOld { .. }
        | Failure::CatalogSigned { .. }
        | Failure::CatalogNewer { .. }
        | Failure::ClaimDamaged { .. }
        | Failure::ReverseZoneAbsent { .. }
        | Failure::BuiltInZone { .. }
        | Failure::PrerequisitesRefused { .. }
        | Failure::NoNameservers { .. } => Refused,
        Failure::TransferByUdp
        | Failure::NothingShown
        | Failure::AnswerTruncated { .. }
        | Failure::Batch(_)
        | Failure::InitialZone(_)
        | Failure::Encode(_)
        | Failure::UnownedZone { .. }
        | Failure::BelowOthersZone { .. }
        | Failure::BelowUnownedZone { .. }
        | Failure::BelowReverseZone { .. }
        | Failure::ZoneOfOneLabel { .. }
        | Failure::ReverseZoneOutside { .. }
        | Failure::NoChallengeName { .. }
        | Failure::ChallengeOfOthers { .. }
        | Failure::MassRemoval { .. }
        | Failure::MassDeletion { .. }
        | Failure::SignedZoneGone { .. }
        | Failure::EmptyZone
        | Failure::Denied { .. }
        | Failure::OfCatalog { .. }
        | Failure::NoRoute
        | Failure::ChallengeExpired { .. }
        | Failure::NoRoomForCheck
        | Failure::CheckNameStays { .. }
        | Failure::OutsideNetworks { .. } => Rule,
        Failure::Moving(
            Moving::PrimaryUnknown { .. } | Moving::Signed { .. } | Moving::SameServer { .. },
        ) => Rule,
        Failure::Moving(_) => Passes,
        Failure::Provision(error) => match error {
            ProvisionError::Rndc(RndcError::BadReply { .. } | RndcError::Unanswered { .. })
            | ProvisionError::PowerDns(
                PowerDnsError::WrongKey { .. }
                | PowerDnsError::Forbidden { .. }
                | PowerDnsError::NotTheApi { .. }
                | PowerDnsError::Redirected { .. }
                | PowerDnsError::TooLong { .. },
            ) => Unproven,
            ProvisionError::Rndc(RndcError::Listen { .. } | RndcError::Randomness(_)) => Passes,
            ProvisionError::Rndc(_) | ProvisionError::Command(_) | ProvisionError::PowerDns(_) => {
                Refused
            }
        },
        Failure::BehindCname { .. } | Failure::Catalog { .. } => OfCause,
    }
}

/// One of each failure, and several of those that are of several kinds.
#[expect(clippy::too_many_lines, reason = "a line for each failure")]
fn failures() -> Vec<Failure> {
    let name = || -> Name { "example.com".parse().unwrap() };
    let zone = || ZoneName::new(&name());
    let peer = SocketAddr::from(([192, 0, 2, 53], 53));
    let step = Step::Receive;
    let rcode = Rcode::REFUSED;
    let instance = || "other".to_owned();
    let server = || "192.0.2.53:953".to_owned();
    let closed = || TransportError::Closed { peer, step };
    let random = getrandom::Error::UNEXPECTED;
    let mut all = vec![
        closed().into(),
        Failure::ResponseLost { source: closed() },
        Failure::Overloaded { source: closed() },
        Failure::UpdatesExhausted { attempts: 1 },
        Failure::UpdatesLimited,
        Failure::PrerequisitesRefused {
            primary: instance(),
        },
        Failure::TransferCut { source: closed() },
        Failure::Transfer(TransferError::EndUnsigned),
        Failure::TransferRefused {
            rcode,
            is_signed: true,
            zone: zone(),
            key: name(),
        },
        Failure::TransferRefused {
            rcode,
            is_signed: false,
            zone: zone(),
            key: name(),
        },
        Failure::TransfersExhausted { attempts: 1 },
        Failure::ZoneAbsent,
        Failure::ZoneNotLoaded {
            rcode,
            zone: zone(),
        },
        Failure::UpdateRefused {
            rcode,
            extended: None,
            zone: zone(),
            key: name(),
        },
        Failure::ZoneFrozen {
            target: String::new(),
        },
        Failure::ServerFailure {
            rcode,
            extended: None,
        },
        Failure::QuestionRefused {
            owner: name(),
            rcode,
        },
        Failure::QueriesUnsupported { rcode },
        Failure::NothingShown,
        Failure::ZoneUnknown { owner: name() },
        Failure::BadKey { key: name() },
        Failure::BadSig { key: name() },
        Failure::KeysElsewhere {
            key: name(),
            place: KeyPlace::Acl,
        },
        Failure::BadTime {
            offset_seconds: 360,
        },
        Failure::BadTrunc { key: name() },
        Failure::Forged(Forgery::Mac),
        Failure::Malformed(MalformedReason::Short),
        Failure::ChangedMeanwhile { attempts: 1 },
        Failure::ZoneHidden,
        Failure::ZoneNotMade,
        Failure::Soa(Soa::from_rdata(&Rdata::from_canonical(vec![1])).unwrap_err()),
        Failure::CnameChainTooLong {
            owner: name(),
            rtype: RecordType::PTR,
            limit: 8,
        },
        Failure::CnameInTheWay { owner: name() },
        Failure::Batch(BatchError::TooManyMessages {
            zone: zone(),
            limit: 1,
        }),
        Failure::InitialZone(InitialZoneError::RootZone),
        Failure::Encode(EncodeError::TooLong { octets: 1 }),
        Failure::TransferByUdp,
        Failure::AnswerTruncated {
            owner: name(),
            rtype: RecordType::TXT,
        },
        Failure::OthersZone {
            zone: zone(),
            instance: instance(),
        },
        Failure::InOthersZone {
            zone: zone(),
            instance: instance(),
        },
        Failure::UnownedZone { zone: zone() },
        Failure::AwaitedZone {
            zone: zone(),
            instance: instance(),
        },
        Failure::ZoneJustFreed { zone: zone() },
        Failure::BelowOthersZone {
            zone: zone(),
            above: zone(),
            instance: instance(),
        },
        Failure::BelowUnownedZone { above: zone() },
        Failure::BelowReverseZone {
            zone: zone(),
            above: zone(),
        },
        Failure::ZoneOfOneLabel { zone: zone() },
        Failure::ReverseZoneOutside { zone: zone() },
        Failure::ChallengeOfOthers { owner: name() },
        Failure::NoChallengeName {
            owner: name(),
            target: name(),
        },
        Failure::CatalogNotShown { catalog: zone() },
        Failure::CatalogOld {
            catalog: zone(),
            primary: "main".into(),
        },
        Failure::CatalogNewer { catalog: zone() },
        Failure::SignedZoneGone {
            zone: zone(),
            command: "queue retry".into(),
        },
        Failure::CatalogSigned { catalog: zone() },
        Failure::MassDeletion {
            zone: zone(),
            max: 100,
        },
        Failure::ClaimDamaged {
            owner: name(),
            zone: zone(),
        },
        Failure::CatalogIdle {
            catalog: zone(),
            seconds: 1,
        },
        Failure::CatalogLost { catalog: zone() },
        Failure::InstanceCloned {
            instance: "a".into(),
        },
        Failure::CatalogBroken {
            catalog: zone(),
            problem: CatalogProblem::NoVersion { owner: name() },
        },
        Failure::MassRemoval {
            zone: zone(),
            removed: 1,
            records: 1,
            percent_max: 1,
        },
        Failure::EmptyZone,
        Failure::Denied { suffix: name() },
        Failure::OfCatalog { catalog: zone() },
        Failure::NoRoute,
        Failure::Moving(Moving::PrimaryUnknown {
            primary: instance(),
        }),
        Failure::OutsideNetworks { address: peer.ip() },
        Failure::ReverseZoneAbsent {
            owner: name(),
            reverse_zone: zone(),
        },
        Failure::NoZoneFor { owner: name() },
        Failure::ChallengeExpired {
            source: Box::new(Failure::NoRoute),
        },
        Failure::BuiltInZone { zone: zone() },
        Failure::NoNameservers { zone: zone() },
        Failure::NoRoomForCheck,
        Failure::CheckUnserved {
            owner: name(),
            seconds: 1,
        },
        Failure::CheckNameStays {
            owner: name(),
            source: Box::new(Failure::DeadlinePassed),
        },
        Failure::DeadlinePassed,
        Failure::State,
        Failure::Random(random),
    ];
    // Answers without a signature: anybody on the way may have sent one.
    let rcodes = [
        Rcode::REFUSED,
        Rcode::NOTAUTH,
        Rcode::NOTZONE,
        Rcode::NOTIMP,
        Rcode::SERVFAIL,
    ];
    all.extend(rcodes.map(|rcode| Failure::Unsigned { rcode, key: name() }));
    // EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, ENETUNREACH: resources of this machine.
    let errors = [24, 23, 105, 12, 99, 101].map(io::Error::from_raw_os_error);
    all.extend(errors.map(|source| {
        TransportError::Io {
            peer,
            step: Step::Connect,
            source,
        }
        .into()
    }));
    let host = || "ns1.example.net".to_owned();
    let source = io::Error::from_raw_os_error(24);
    let timed_out = TransportError::TimedOut {
        step,
        target: server(),
        after: Duration::ZERO,
    };
    all.extend([
        TransportError::Resolve {
            host: host(),
            source,
        }
        .into(),
        TransportError::NoAddress { host: host() }.into(),
        TransportError::Refused { peer }.into(),
        timed_out.into(),
        TransportError::ClosedInFrame { peer, octets: 1 }.into(),
        TransportError::Reset { peer, step }.into(),
        TransportError::Torn { peer }.into(),
        TransportError::AllFailed {
            host: host(),
            failures: vec![closed()],
        }
        .into(),
    ]);
    // Over TLS, the peer has proved nothing before the handshake is complete.
    let alert = AlertDescription::HandshakeFailure;
    let tls = [
        TlsFailure::UnknownIssuer,
        TlsFailure::SelfSigned,
        TlsFailure::NameMismatch {
            expected: host(),
            presented: vec![host()],
        },
        TlsFailure::NameMismatch {
            expected: host(),
            presented: Vec::new(),
        },
        TlsFailure::Expired,
        TlsFailure::NotYetValid,
        TlsFailure::ClientCertificate {
            alert: AlertDescription::UnknownCA,
        },
        TlsFailure::NotTls,
        TlsFailure::Other {
            source: TlsError::AlertReceived(alert),
        },
    ];
    let step = Step::Handshake;
    all.extend(tls.map(|failure| {
        TransportError::Tls {
            peer,
            step,
            failure,
        }
        .into()
    }));
    let provision: [ProvisionError; 10] = [
        RndcError::BadReply {
            server: server(),
            source: ReplyError::Mac,
        }
        .into(),
        RndcError::BadReply {
            server: server(),
            source: ReplyError::Short,
        }
        .into(),
        RndcError::Unanswered { server: server() }.into(),
        RndcError::Listen {
            address: peer,
            source: io::Error::from_raw_os_error(24),
        }
        .into(),
        RndcError::Randomness(random).into(),
        RndcError::NewZonesOff {
            server: server(),
            zone: zone(),
            answer: String::new(),
        }
        .into(),
        PowerDnsError::WrongKey { server: server() }.into(),
        PowerDnsError::Forbidden { server: server() }.into(),
        PowerDnsError::NotTheApi {
            server: server(),
            status: 404,
        }
        .into(),
        PowerDnsError::Redirected {
            server: server(),
            status: 301,
        }
        .into(),
    ];
    all.extend(provision.map(Failure::Provision));
    all
}

#[test]
fn only_what_an_authenticated_answer_or_a_rule_refuses_is_held() {
    let mut seen: HashSet<Discriminant<Failure>> = HashSet::new();
    for failure in failures() {
        seen.insert(discriminant(&failure));
        let reason = reason(&failure);
        let expected = match reason {
            Passes | Unproven => Retry::Transient,
            Refused | Rule => Retry::Permanent,
            OfCause => unreachable!("none of these"),
        };
        let code = failure.diagnostic().code();
        assert_eq!(failure.retry(), expected, "{code} {reason:?}: {failure:?}");
    }
    // Unsigned and Provision are added in groups; the two that have the class of their cause follow.
    assert_eq!(seen.len(), 80);
    for failure in failures() {
        let (retry, code) = (failure.retry(), failure.diagnostic().code());
        let (owner, primary) = ("x.example".parse().unwrap(), "other".to_owned());
        let source = Box::new(failure);
        let behind = Failure::BehindCname {
            owner,
            primary,
            source,
        };
        assert_eq!(behind.retry(), retry, "{code} behind a CNAME");
    }
    let of_catalog = |source| Failure::Catalog {
        catalog: ZoneName::new(&"catalog.example".parse().unwrap()),
        source: Box::new(source),
    };
    for failure in failures() {
        let (expected, code) = (failure.retry(), failure.diagnostic().code());
        assert_eq!(of_catalog(failure).retry(), expected, "{code} of a catalog");
    }
}
