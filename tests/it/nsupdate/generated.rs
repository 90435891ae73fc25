//! Generated scripts: the same lines by the installed nsupdate and by ours, on two like servers, must be said
//! the same of, end the same, and leave the same zone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_pair::{Pair, ZONE};
use crate::support::nsupdate_scripts::{Numbers, script};

/// How many scripts are tried, of some lines each, where [`SCRIPTS_VARIABLE`] says nothing else.
const SCRIPTS: u32 = 150;
/// The environment variable for another count.
const SCRIPTS_VARIABLE: &str = "NSBRIDGE_TEST_SCRIPTS";
/// Where the numbers begin, so that each run tries the same scripts.
const SEED: u64 = 0x6e73_7570_6461_7465;

#[test]
fn nsupdate_does_what_the_original_does_with_generated_scripts() {
    let key = Key::new("plesk");
    let make = || {
        Named::builder()
            .key(key.clone())
            .zone(Zone::dynamic(ZONE, "www A 192.0.2.7\nalias CNAME www"))
    };
    let mut pair = Pair::of(&make, vec![ZONE]);
    let scripts = scripts();
    let mut numbers = Numbers(SEED);
    let (mut statuses, mut crashes, mut different) = ([0; 3], 0, 0);
    for _ in 0..scripts {
        let (arguments, script) = script(&mut numbers);
        // What differs is printed at once; the other scripts are tried all the same.
        let compare = AssertUnwindSafe(|| pair.same_unless_it_crashes(arguments, &script));
        let said = match catch_unwind(compare) {
            Ok(Some(said)) => said,
            failed => {
                crashes += u32::from(failed.is_ok());
                different += u32::from(failed.is_err());
                pair = Pair::of(&make, vec![ZONE]);
                continue;
            }
        };
        let status = said.status.and_then(|status| usize::try_from(status).ok());
        statuses[status.expect("an exit status")] += 1;
    }
    println!(
        "{scripts} scripts: ended with 0, 1, 2: {statuses:?}; the original crashed: {crashes}; differ: {different}"
    );
    assert_eq!(different, 0);
    assert!(statuses.iter().all(|&count| count > 5), "{statuses:?}");
    assert!(
        crashes * 10 < scripts,
        "{crashes} scripts were not compared"
    );
}

#[test]
fn the_zone_of_a_prerequisite_of_ds_is_sought_from_its_own_name() {
    let script = "server 127.0.0.1 {port}\nprereq nxrrset example.com DS\nsend\n";
    let said = Pair::start().same(&["-k", "{key}"], script);
    assert_eq!(said.status, Some(0));
}

/// How many scripts are to be tried.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment of the test, not of nsbridge, says how long it may take"
)]
fn scripts() -> u32 {
    std::env::var(SCRIPTS_VARIABLE).map_or(SCRIPTS, |count| {
        count.parse().expect("a count in the variable")
    })
}
