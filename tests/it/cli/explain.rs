//! `nsbridge explain`: the pages of the codes.

use pretty_assertions::assert_eq;

use super::bare;

#[test]
fn a_code_has_its_page_in_any_letter_case_and_without_its_prefix() {
    let page = bare(&["explain", "NB-PRIMARY-SILENT"]);
    page.assert_status(0)
        .assert_stderr("")
        .assert_prints("### NB-PRIMARY-SILENT\n\n> no response {seconds} s ago")
        .assert_prints("**Kept in the queue and tried again (75).**");
    for code in [
        "nb-primary-silent",
        "Nb-Primary-Silent",
        "PRIMARY-SILENT",
        "primary-silent",
    ] {
        let run = bare(&["explain", code]);
        run.assert_status(0)
            .assert_stderr("")
            .assert_stdout(&page.stdout);
    }
}

#[test]
fn an_unknown_code_is_64_with_its_own_code_and_how_to_find_the_others() {
    for code in ["NB-NO-SUCH-CODE", "NB-", "SILENT", ""] {
        let run = bare(&["explain", code]);
        run.assert_status(64)
            .assert_stdout("")
            .assert_code("NB-CODE-UNKNOWN")
            .assert_stderr(&format!(
                "error: `{code}` is no code of a message; do: `nsbridge explain` lists the codes\n"
            ));
    }
    bare(&["explain", "--all", "NB-PRIMARY-SILENT"]).assert_status(64);
}

#[test]
fn without_a_code_all_codes_are_listed_and_each_of_them_has_a_page() {
    let list = bare(&["explain"]);
    list.assert_status(0).assert_stderr("");
    let codes: Vec<&str> = list
        .stdout
        .lines()
        .filter_map(|line| Some(line.split_once("  ")?.0))
        .collect();
    assert_eq!(codes.len(), list.stdout.lines().count());
    let all = bare(&["explain", "--all"]);
    let headings: Vec<&str> = all
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    assert_eq!(codes, headings);
    assert!(codes.len() > 100, "{codes:?}");
}
