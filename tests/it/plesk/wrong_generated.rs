//! The law of wrong records on a server: nothing that works is lost, and nothing stale stays where a valid record was
//! sent.

use super::wrong::VALUES;
use crate::support::bridge::Bridge;
use crate::support::jobs::assert_empty;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_scripts::Numbers;
use crate::support::wanted::zone;

/// How many zones are tried.
const ZONES: usize = 40;
/// Where the numbers begin, so that each run tries the same zones.
const SEED: u64 = 0x7772_6f6e_6721_2121;

/// The types that stand at every name beside others: of each two valid records and, but for TXT, a wrong one, without a
/// name.
fn records() -> Vec<[&'static str; 3]> {
    let rows = VALUES.map(|row| row.map(|line| line.split_once(' ').expect("a name").1));
    let mut rows = rows.to_vec();
    let is_apart = |[first, ..]: &[&str; 3]| {
        ["NS ", "CNAME ", "DS "]
            .iter()
            .any(|it| first.starts_with(it))
    };
    rows.retain(|row| !is_apart(row));
    rows.push(["TXT one", "TXT two", ""]);
    rows
}

#[test]
fn a_wrong_record_costs_nothing_that_works() {
    let mut numbers = Numbers(SEED);
    let names: Vec<String> = (0..ZONES).map(|index| format!("w{index}.test")).collect();
    let mut builder = Named::builder();
    for name in &names {
        builder = builder.zone(Zone::dynamic(name, ""));
    }
    let named = builder.start();
    let bridge = Bridge::of(&named);
    let (mut kept_in_all, mut wrong_in_all) = (0, 0);
    for name in &names {
        let base = format!("@ 3600 NS ns1.{name}.\nns1 3600 A 192.0.2.1\n");
        let [mut before, mut sent, mut after] = [(); 3].map(|()| base.clone());
        let (mut kept, mut wrong) = (0, 0);
        for host in ["@", "a", "m", "z"] {
            for [first, second, bad] in records() {
                let in_place = [first, second].map(|_| numbers.below(2) == 0);
                let is_sent = [first, second].map(|_| numbers.below(3) == 0);
                let is_wrong = !bad.is_empty() && numbers.below(3) == 0;
                wrong += usize::from(is_wrong);
                let stays = is_wrong && is_sent == [false; 2];
                kept += usize::from(stays && in_place != [false; 2]);
                for (value, (in_place, is_sent)) in [first, second]
                    .into_iter()
                    .zip(in_place.into_iter().zip(is_sent))
                {
                    let line = format!("{host} {value}\n");
                    for (is_in, lines) in [
                        (in_place, &mut before),
                        (is_sent, &mut sent),
                        (is_sent || stays && in_place, &mut after),
                    ] {
                        lines.push_str(if is_in { &line } else { "" });
                    }
                }
                if is_wrong {
                    sent.extend([host, " ", bad, "\n"]);
                }
            }
        }
        bridge.plesk(zone(name, &before).call()).assert_status(0);
        zone(name, &before).assert_on(&named);
        for second in 1..3 {
            let run = bridge.plesk(zone(name, &sent).sent(second).call());
            run.assert_status(if wrong == 0 { 0 } else { 65 });
            let codes = run.codes();
            let protected = codes.iter().filter(|code| **code == "NB-RECORDS-PROTECTED");
            assert_eq!(protected.count(), kept, "{}", run.stderr);
            assert_eq!(codes.len(), kept + wrong, "{}", run.stderr);
            zone(name, &after).assert_on(&named);
        }
        bridge
            .plesk(zone(name, &base).sent(3).call())
            .assert_status(0);
        zone(name, &base).assert_on(&named);
        kept_in_all += kept;
        wrong_in_all += wrong;
    }
    println!("{ZONES} zones, {wrong_in_all} wrong records, {kept_in_all} of them protected others");
    assert!(kept_in_all > ZONES && wrong_in_all > kept_in_all);
    assert_empty(&bridge);
}
