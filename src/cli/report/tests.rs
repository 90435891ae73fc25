//! Tests of reports.

mod lengths;

use super::*;

#[test]
fn the_texts_of_a_group_are_one_if_they_differ_by_their_subjects_alone() {
    let names = ["a.test.".to_owned(), "b.test.".to_owned()];
    let messages =
        |texts: [&str; 2]| texts.map(|text| Message::new(Severity::Error, text.to_owned()));
    assert!(have_one_text(
        &names,
        &messages(["zone `a.test.`: no", "zone `b.test.`: no"])
    ));
    assert!(!have_one_text(
        &names,
        &messages(["zone `a.test.`: no", "zone `b.test.`: why"])
    ));
}
