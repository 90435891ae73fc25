//! CNAME records that somebody else has put into a zone that nsbridge does not read.

use super::hosted::ZONE;
use crate::support::bridge::Bridge;
use crate::support::habits::{FORMERR, Habits, NXRRSET, Prerequisites, Transfers};
use crate::support::hosted::Hosted;
use crate::support::message;
use crate::support::wanted::{Wanted, zone};

/// The addresses at `www` and the CNAME at `shop` meet a CNAME of somebody else.
fn wanted() -> Wanted {
    zone(
        ZONE,
        "www A 192.0.2.7 | shop CNAME mail.example.com. | mail A 192.0.2.8 | txt TXT one",
    )
}

/// A service that transfers no zones and has the CNAMEs of somebody else, and nsbridge with these prerequisites.
fn with_cnames(prerequisites: Prerequisites, option: &str) -> (Hosted, Bridge) {
    let habits = Habits {
        transfers: Transfers::Nowhere,
        prerequisites,
        ..Habits::default()
    };
    let there = ["www.example.com", "shop.example.com"]
        .map(|owner| message::record(owner, 5, &message::name("theirs.example.net.")));
    let hosted = Hosted::start(&[ZONE], &there, habits);
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file())
        .set_text("primaries.main", "read", "memory")
        .set_text("primaries.main", "prerequisites", option)
        .without_dry_run("only a run meets the CNAMEs");
    (hosted, bridge)
}

#[track_caller]
fn assert_kept(prerequisites: Prerequisites, option: &str) {
    let (hosted, bridge) = with_cnames(prerequisites, option);
    let mut before = 0;
    for calls in 0..3 {
        let run = bridge.plesk(wanted().sent(calls).call());
        run.assert_status(69);
        for owner in ["www", "shop"] {
            run.assert_code_with("NB-ADDITION-IGNORED", &format!("{owner}.example.com."));
        }
        let short = |owner: &str, rtype: &str| hosted.witness().short(owner, rtype);
        for owner in ["www.example.com", "shop.example.com"] {
            assert_eq!(short(owner, "CNAME"), ["theirs.example.net."], "{option}");
        }
        assert_eq!(short("mail.example.com", "A"), ["192.0.2.8"]);
        assert_eq!(short("txt.example.com", "TXT"), ["\"one\""]);
        let updates = hosted.received().updates;
        // Whether they are still there is asked by an UPDATE, and then by one for each.
        assert!(calls == 0 || updates <= before + 3, "{option}: {updates}");
        before = updates;
    }
}

#[test]
fn a_cname_of_others_stays_and_the_rest_is_in_place() {
    assert_kept(Prerequisites::Checked, "soa");
    assert_kept(Prerequisites::Checked, "rrset");
    assert_kept(Prerequisites::Checked, "presence");
    assert_kept(Prerequisites::ValuesFail(NXRRSET), "presence");
}

/// Nothing holds an addition off there: a CNAME replaces the other one, as hosted.md says.
#[test]
fn without_prerequisites_a_cname_of_others_is_replaced() {
    let (hosted, bridge) = with_cnames(Prerequisites::Refused(FORMERR), "none");
    bridge.plesk(wanted().call());
    let shop = hosted.witness().short("shop.example.com", "CNAME");
    assert_eq!(shop, ["mail.example.com."]);
}
