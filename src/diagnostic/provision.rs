//! The findings about the creation of zones, gained without creating one.

use super::entry::{Class, entries, hint};

/// The command that shows what only a creation shows.
const CREATE: &str = "`nsbridge check --create` makes a zone and removes it";

entries! {
    FETCH_UNTRIED {
        code: "NB-FETCH-UNTRIED",
        class: Class::Remark,
        text: "not tried: whether the server reaches {from} by UDP and TCP",
        hints: hint!(CREATE),
        page: "With `way = \"seed\"`, BIND fetches the first contents of a new zone from nsbridge. A check without \
               `--create` creates no zone.",
    }
    INITIAL_FILE_UNTRIED {
        code: "NB-INITIAL-FILE-UNTRIED",
        class: Class::Remark,
        text: "not tried: whether the template's `initial-file` is there",
        hints: hint!(CREATE),
        page: "BIND reads the file when it creates a zone from the template, which a check without `--create` does not try.",
    }
    ZONE_FILE_UNTRIED {
        code: "NB-ZONE-FILE-UNTRIED",
        class: Class::Remark,
        text: "whether a new zone's file is put in place is not known",
        hints: hint!("see that ZONE.db is put into the server's `directory` before a zone is made"),
        page: "With `way = \"file\"`, a program of yours must put the zone's file in place. nsbridge cannot see whether it does.",
    }
    PROGRAM_UNTRIED {
        code: "NB-PROGRAM-UNTRIED",
        class: Class::Remark,
        text: "the program was asked whether a zone exists, not to make one",
        hints: hint!(CREATE),
        page: "A check without `--create` starts the program with the action `exists` only.",
    }
    API_UNTRIED {
        code: "NB-API-UNTRIED",
        class: Class::Remark,
        text: "the API was only asked for what is there, not to make a zone",
        hints: hint!(CREATE),
        page: "A check without `--create` sends no request that changes anything.",
    }
    CHECK_ZONE_LEFT {
        code: "NB-CHECK-ZONE-LEFT",
        class: Class::Remark,
        text: "the zone `{zone}` is there already",
        hints: hint!("`nsbridge check --create` removes what an earlier one left"),
        page: "Only checks use this name. A check that was killed created the zone and did not remove it.",
    }
}
