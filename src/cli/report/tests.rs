//! Tests of reports.

mod contexts;
mod lengths;
mod records;
mod subjects;

use super::*;

#[test]
fn the_texts_of_a_group_are_one_if_they_differ_by_their_subjects_alone() {
    let names = ["a.test.".to_owned(), "b.test.".to_owned()];
    let have_one = |texts: [&str; 2]| have_one_text(&names, &texts.map(ToOwned::to_owned));
    assert!(have_one(["zone `a.test.`: no", "zone `b.test.`: no"]));
    assert!(!have_one(["zone `a.test.`: no", "zone `b.test.`: why"]));
}
