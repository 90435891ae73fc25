//! Tests in which a dry run foretells another thing than the run does. `foretold` says what is compared.
//!
//! `testenv/test` reads this list, and complains of a test in which dry runs and runs agree.

/// Only a run can tell: the test is about a primary, its control channel, its API or a program that refuses,
/// or puts something else into a new zone, and a dry run asks none of them to do anything.
const ONLY_A_RUN_TELLS: &[&str] = &[
    // The creation of a zone is refused.
    "catalog::check::a_catalog_that_powerdns_makes_of_its_own_database_is_told_and_keeps_nothing",
    "catalog::reserved::a_zone_that_could_not_be_made_is_left_to_others",
    "plesk::creation::a_file_that_is_missing_is_named",
    "plesk::creation::a_server_that_takes_no_new_zones_says_so",
    "plesk::creation::a_server_without_templates_says_what_it_lacks",
    "plesk::creation::a_zone_with_a_slash_in_its_name_comes_and_goes::on_bind_with_templates",
    "plesk::deletion::a_zone_made_by_hand_after_a_refusal_is_not_ours_to_delete",
    "plesk::memory::a_zone_in_a_view_that_our_key_does_not_reach_is_named_as_such",
    "plesk::memory::a_zone_that_nsbridge_could_not_make_and_that_was_made_by_hand_is_not_ours",
    "plesk::policy::a_view_that_is_missing_in_the_configuration_is_asked_for",
    "provision::powerdns_kinds::a_zone_that_somebody_made_a_secondary_is_told_and_stays",
    "provision::program::a_program_that_fails_otherwise_needs_a_person",
    "provision::program::a_refusal_needs_a_person_and_shows_what_the_program_said",
    // An update is refused, or silently ignored.
    "check::bind::a_zone_made_with_another_key_takes_updates_with_the_line_that_is_told",
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
    "plesk::memory::an_update_that_meets_a_zone_in_the_making_waits_for_it",
    "provision::program::a_program_that_ignores_the_contents_leaves_the_rest_to_updates",
];

/// Returns whether the dry runs of a test may differ from the runs.
pub(crate) fn may_differ(test: &str) -> bool {
    ONLY_A_RUN_TELLS.contains(&test)
}
