use super::*;

fn words(names: &[&str]) -> Vec<Word> {
    let word = |name: &&str| Word::new("key", name).unwrap();
    names.iter().map(word).collect()
}

/// Returns the options of a zone that `showzone` shows with these options, with the keys `new` and `old`.
fn with_new(options: &str, retires: bool) -> Result<String, KeyPlace> {
    let keys = words(&["new", "old"]);
    let keys = NewKeys {
        update: &keys,
        transfer: &keys,
        retires,
    };
    let block = Block::read(&format!("zone \"example.com\" {{ {options} }};")).unwrap();
    assert_eq!(block.to_text(), options, "what is read is written the same");
    Ok(keys.in_options(&block)?.to_text())
}

const BEFORE: &str = "type primary; check-names ignore; file \"a;{.db\"; \
                      update-policy { grant \"old\" zonesub ANY; grant \"other\" name x. A; };";

#[test]
fn the_first_key_gets_what_another_of_the_list_has_and_the_rest_stays() {
    let both = with_new(BEFORE, false).unwrap();
    let expected = BEFORE.replace("grant \"old\"", "grant \"new\" zonesub ANY; grant \"old\"");
    assert_eq!(both, expected);
    assert_eq!(
        with_new(&both, false).unwrap(),
        both,
        "nothing is left to do"
    );
    let one = with_new(&both, true).unwrap();
    assert_eq!(one, BEFORE.replace("\"old\"", "\"new\""));
    assert_eq!(with_new(&one, true).unwrap(), one);
    assert_eq!(with_new(BEFORE, true).unwrap(), one);
}

#[test]
fn names_of_keys_are_compared_as_names_and_quoted_or_not() {
    let shown = "type primary; update-policy { grant OLD. zonesub \"ANY\"; };";
    let expected = "type primary; update-policy { grant \"new\" zonesub \"ANY\"; };";
    assert_eq!(with_new(shown, true).unwrap(), expected);
}

#[test]
fn lists_of_addresses_name_keys_too() {
    let shown = "type primary; allow-update { key \"old\"; }; \
                 allow-transfer { 192.0.2.1; key \"old\"; key \"other\"; };";
    let expected = shown.replace("old", "new");
    assert_eq!(with_new(shown, true).unwrap(), expected);
}

#[test]
fn a_zone_that_names_no_key_of_the_list_lets_the_first_one_update_it_all() {
    let grant = "grant \"new\" zonesub ANY;";
    for (shown, expected) in [
        (
            "type primary;",
            format!("type primary; update-policy {{ {grant} }};"),
        ),
        (
            "type primary; update-policy { grant \"x\" self * A; };",
            format!("type primary; update-policy {{ {grant} grant \"x\" self * A; }};"),
        ),
        (
            "type primary; allow-update { 192.0.2.1; };",
            "type primary; allow-update { key \"new\"; 192.0.2.1; };".to_owned(),
        ),
    ] {
        assert_eq!(with_new(shown, true).unwrap(), expected);
    }
}

#[test]
fn a_zone_of_a_template_has_the_keys_of_that() {
    // The output of BIND 9.21.
    let shown = "template \"made-here\";";
    let place = KeyPlace::Template("made-here".to_owned());
    assert_eq!(with_new(shown, true), Err(place));
}

#[test]
fn a_policy_without_keys_is_left_alone() {
    let shown = "type primary; update-policy local;";
    assert_eq!(with_new(shown, true).unwrap(), shown);
}

#[test]
fn options_that_are_cut_off_are_not_read() {
    for shown in [
        "",
        "zone \"a\" {",
        "zone \"a\" { type primary; file \"",
        "}",
    ] {
        assert_eq!(Block::read(shown), None, "{shown}");
    }
}
