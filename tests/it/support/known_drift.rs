//! Scenarios in which a dry run foretells another thing than the run does. `foretold` says what is compared.

/// The program is to be mended: a scenario, without the server, and why its dry run drifts. The list is to
/// become empty.
const KNOWN_DRIFT: &[(&str, &str)] = &[
    (
        "plesk::deletion::a_zone_configured_by_hand_is_emptied_of_what_was_delivered",
        SET_TTL,
    ),
    (
        "plesk::deletion::a_broken_zone_of_named_conf_is_not_ours_once_it_is_repaired",
        SET_TTL,
    ),
    (
        "plesk::foreign::a_foreign_name_server_stays_at_the_apex",
        SET_TTL,
    ),
    (
        "catalog::owners::a_member_that_somebody_else_wrote_is_adopted_and_given_back",
        SET_TTL,
    ),
    (
        "docs::readme::the_example_of_a_check_has_the_schema_version_that_it_prints",
        SET_TTL,
    ),
    (
        "provision::program::a_zone_that_the_program_did_not_make_is_emptied_and_stays",
        SET_TTL,
    ),
    (
        "ptr::records::a_wildcard_is_no_ptr_of_an_address",
        SYNTHESIZED,
    ),
    (
        "ptr::records::an_alias_that_a_wildcard_makes_up_is_not_followed",
        SYNTHESIZED,
    ),
    (
        "ptr::reverse_zones::a_missing_reverse_zone_is_named_where_nothing_may_make_it",
        ABSENT_ON_KNOT,
    ),
    (
        "ptr::reverse_zones::a_missing_reverse_zone_is_made_with_the_configured_name_servers",
        SEED_SOA,
    ),
    (
        "ptr::reverse_zones::a_reverse_zone_is_made_at_its_cut_and_not_at_the_wide_networks",
        SEED_SOA,
    ),
    (
        "ptr::reverse_zones::a_reverse_zone_made_with_other_name_servers_gets_ours",
        HALF_MADE,
    ),
    (
        "queue::jobs::a_call_that_was_overtaken_is_acknowledged_and_not_applied",
        STALE,
    ),
    (
        "provision::program::a_name_that_could_be_an_option_never_reaches_the_program",
        NAME,
    ),
];

const SET_TTL: &str =
    "a value that joins an RRset gives its TTL to the others, which the dry run does not show";
const SYNTHESIZED: &str =
    "the dry run takes a PTR or CNAME that a wildcard synthesizes for one that stands there";
const ABSENT_ON_KNOT: &str =
    "Knot does not sign that it has no zone: the dry run believes it, the run does not";
const SEED_SOA: &str =
    "a reverse zone with configured name servers keeps the SOA of Knot's seed, fields included";
const HALF_MADE: &str =
    "the dry run does not know which records a creation that was broken off has left";
const STALE: &str = "the dry run does not ask whether a newer call was delivered";
const NAME: &str = "the dry run does not ask whether a program may get the name";

/// Only a run can tell: the scenario is about a primary, its control channel, its API or a program that
/// refuses, or puts something else into a new zone, and a dry run asks none of them to do anything.
const ONLY_A_RUN_TELLS: &[&str] = &[
    // The creation of a zone is refused.
    "catalog::check::a_catalog_that_powerdns_makes_of_its_own_database_is_told_and_keeps_nothing",
    "catalog::reserved::a_zone_that_could_not_be_made_is_left_to_others",
    "plesk::creation::a_file_that_is_missing_is_named",
    "plesk::creation::a_server_that_takes_no_new_zones_says_so",
    "plesk::creation::a_server_without_templates_says_what_it_lacks",
    "plesk::creation::a_zone_with_a_slash_in_its_name_comes_and_goes",
    "plesk::deletion::a_zone_made_by_hand_after_a_refusal_is_not_ours_to_delete",
    "plesk::memory::a_zone_in_a_view_that_our_key_does_not_reach_is_named_as_such",
    "plesk::memory::a_zone_that_nsbridge_could_not_make_and_that_was_made_by_hand_is_not_ours",
    "plesk::policy::a_view_that_is_missing_in_the_configuration_is_asked_for",
    "provision::powerdns_api::another_service_on_the_port_is_told_from_powerdns",
    "provision::powerdns_api::what_keeps_the_api_from_working_is_said_with_its_remedy",
    "provision::powerdns_kinds::a_zone_that_somebody_made_a_secondary_is_told_and_stays",
    "provision::powerdns_proxy::a_page_in_place_of_an_answer_is_no_success",
    "provision::powerdns_proxy::a_redirect_is_told_as_what_it_is",
    "provision::program::a_program_that_fails_otherwise_needs_a_person",
    "provision::program::a_refusal_needs_a_person_and_shows_what_the_program_said",
    // An update is refused, or silently ignored.
    "check::bind::a_zone_made_with_another_key_takes_updates_once_it_is_modified_as_documented",
    "plesk::refused::an_exchanger_without_an_address_is_left_out_alone",
    "plesk::refused::an_soa_that_powerdns_passes_over_is_named",
    "plesk::refused::types_that_powerdns_passes_over_are_named",
    "plesk::refused::types_that_the_key_may_not_change_are_left_out",
    "primary::hostile_tsig::a_frozen_zone_refuses_and_takes_the_same_call_when_it_is_thawed",
    "primary::hostile_tsig::a_zone_that_takes_no_updates_is_told_with_the_line_that_allows_them",
    "primary::hostile_tsig::an_update_that_the_policy_refuses_is_told_with_the_line_that_allows_it",
    "primary::hostile_tsig::one_zone_that_fails_holds_up_no_other",
    "provision::powerdns::a_record_that_stands_there_in_another_spelling_is_named_and_not_forgotten",
    "queue::jobs::what_is_refused_is_held_until_a_person_says_retry",
    // A new zone holds something else than it was to be made of.
    "plesk::creation::a_zone_is_made_of_a_file_that_is_there",
    "plesk::memory::an_update_that_meets_a_zone_in_the_making_waits_for_it",
    "provision::program::a_program_that_ignores_the_contents_leaves_the_rest_to_updates",
];

/// Why the dry run of a test may differ, if it may.
pub(crate) fn reason(test: &str) -> Option<&'static str> {
    let is_of = |scenario: &str| {
        let rest = test.strip_prefix(scenario);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::on_"))
    };
    let drift = KNOWN_DRIFT.iter().find(|(scenario, _)| is_of(scenario));
    let refusal = ONLY_A_RUN_TELLS.iter().find(|scenario| is_of(scenario));
    let refusal = refusal.map(|_| "only a run can tell");
    drift.map(|(_, reason)| *reason).or(refusal)
}
