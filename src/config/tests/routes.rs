//! Tests of the keys that routes have for their zones.

use pretty_assertions::assert_eq;

use super::*;

/// Keys of two hosted zones, of another one, and of one without a prefix.
const KEYS: &str = "[keys.\"hosted-a.example\"]\nfile = \"plesk.key\"\n\
    [keys.\"hosted-Sub.B.Example.\"]\nfile = \"plesk.key\"\n\
    [keys.\"hosted-a.test\"]\nfile = \"plesk.key\"\n\
    [keys.\"hosted-a..example\"]\nfile = \"plesk.key\"\n\
    [keys.\"b.example.axfr\"]\nfile = \"plesk.key\"\n";

/// The smallest configuration with these keys, and a route with lines of its own.
fn with_route(suffix: &str, lines: &str) -> String {
    format!("{SMALLEST}{KEYS}[[routes]]\nsuffix = \"{suffix}\"\nprimary = \"main\"\n{lines}\n")
}

/// The zones that the only route has keys for.
fn zones(suffix: &str, key: &str) -> Vec<String> {
    let text = with_route(suffix, &format!("key = \"{key}\""));
    let config = Etc::new().parse(&text).unwrap();
    let keys = config.routes[0].keys.iter();
    let mut zones: Vec<String> = keys
        .map(|(zone, _)| zone.to_string().to_lowercase())
        .collect();
    zones.sort();
    zones
}

#[test]
fn a_route_has_a_key_of_its_own_or_one_for_each_zone() {
    let etc = Etc::new();
    let plain = etc.parse(&with_route("example", "")).unwrap();
    assert!(plain.routes[0].keys.is_empty());
    assert_eq!(zones("Example", "plesk"), ["example."]);
    // Names of zones as in DNS: without case, with or without the final dot. What is no name, or of no zone at or
    // below the suffix, is passed over.
    let both = ["a.example.", "sub.b.example."];
    assert_eq!(zones("example", "hosted-{zone}"), both);
    assert_eq!(zones("a.example", "hosted-{zone}"), ["a.example."]);
    let all = ["a.example.", "a.test.", "sub.b.example."];
    assert_eq!(zones(".", "hosted-{zone}"), all);
    assert_eq!(zones("example", "{zone}.axfr"), ["b.example."]);
}

#[test]
fn the_key_of_a_route_is_the_one_in_the_table_of_that_name() {
    let etc = Etc::new();
    let other = "key other { algorithm hmac-sha256; secret \"AAAA\"; };\n";
    etc.write("other.key", other);
    let keys = "[keys.\"hosted-a.example\"]\nfile = \"other.key\"\n";
    for key in ["hosted-{zone}", "hosted-a.example"] {
        let route =
            format!("[[routes]]\nsuffix = \"a.example\"\nprimary = \"main\"\nkey = \"{key}\"");
        let config = etc.parse(&format!("{SMALLEST}{keys}{route}\n")).unwrap();
        let [(zone, found)] = &config.routes[0].keys[..] else {
            panic!("{:?}", config.routes[0].keys.len());
        };
        let found = (zone.to_string(), found[0].name().to_string());
        assert_eq!(found, ("a.example.".to_owned(), "other.".to_owned()));
    }
}

#[test]
fn a_route_may_have_a_list_of_keys_of_which_each_zone_has_those_that_there_are() {
    let etc = Etc::new();
    for name in ["other", "third"] {
        let statement = format!("key {name} {{ algorithm hmac-sha256; secret \"AAAA\"; }};\n");
        etc.write(&format!("{name}.key"), &statement);
    }
    let keys =
        "[keys.\"new-a.example\"]\nfile = \"other.key\"\n[keys.third]\nfile = \"third.key\"\n";
    let lists = |list: &str| {
        let text = with_route(".", &format!("key = {list}\n{keys}"));
        let config = etc.parse(&text).unwrap();
        let lists = config.routes[0].keys.iter().map(|(zone, keys)| {
            let names = keys.iter().map(|key| key.name().to_text_without_dot());
            format!("{zone} {}", names.collect::<Vec<_>>().join(" "))
        });
        let mut lists: Vec<String> = lists.collect();
        lists.sort();
        lists
    };
    assert_eq!(lists("[\"third\", \"plesk\"]"), [". third plesk"]);
    assert_eq!(
        lists("[\"new-{zone}\", \"hosted-{zone}\", \"third\"]"),
        [
            ". third",
            "Sub.B.Example. plesk third",
            "a.example. other plesk third",
            "a.test. plesk third",
        ]
    );
}

#[test]
fn a_key_of_a_route_that_is_none_is_named() {
    let etc = Etc::new();
    for (lines, expected) in [
        (
            "key = \"pelsk\"",
            "20:7: `key` cannot be `pelsk` hint: write `key = \"plesk\"`; allowed is a name under [keys]:",
        ),
        (
            "key = \"other-{zone}\"",
            "20:7: `key` cannot be `other-{zone}` hint: allowed is {zone} where a table \
             [keys.\"other-example.com\"] is for a zone at or below `example.`",
        ),
        (
            "key = \"hosted-{zone}\"\n[primaries.main.provision]\nmethod = \"rndc\"\ncontrol = \"::1\"\n\
             control-key = \"plesk\"",
            "20:7: `key` has no effect beside `provision` hint: remove one of the two",
        ),
    ] {
        let suffix = if lines.contains("other") {
            "example"
        } else {
            "."
        };
        let error = etc.error(&with_route(suffix, lines));
        assert!(
            error.starts_with(&format!("nsbridge.toml:{expected}")),
            "{error}"
        );
    }
}
