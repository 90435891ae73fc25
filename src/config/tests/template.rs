//! Tests of the template: its defaults are true, and each of its keys is found when misspelt.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;

use super::super::parse::all_keys;
use super::*;

/// Returns the options of the template without which an option is not valid.
fn needs(option: &str) -> Vec<&'static str> {
    let provision = [
        "[primaries.main.provision]",
        "method",
        "control ",
        "control-key",
    ];
    match option.split(' ').next().unwrap_or_default() {
        "transport" => vec![],
        "tls-certificate-file" => vec!["transport", "tls-pins", "tls-key-file"],
        "tls-key-file" => vec!["transport", "tls-pins", "tls-certificate-file"],
        tls if tls.starts_with("tls-") => vec!["transport", "tls-pins"],
        "[[routes]]" | "suffix" | "primary" | "key" => vec!["[[routes]]", "suffix", "primary"],
        "[primaries.main.provision]"
        | "method"
        | "control"
        | "control-key"
        | "way"
        | "template"
        | "listen"
        | "view" => provision.to_vec(),
        "url" | "api-key-file" => vec![
            "[primaries.main.provision]",
            "method",
            "url",
            "api-key-file",
        ],
        "program" | "arguments" => vec![
            "[primaries.main.provision]",
            "method",
            "program",
            "arguments",
        ],
        "group" => vec!["[primaries.main.provision]", "method", "group", "catalog "],
        _ => vec![],
    }
}

/// Sets the method that an option applies to.
fn with_method(option: &str, text: &str) -> String {
    let method = match option.split(' ').next().unwrap_or_default() {
        "program" | "arguments" => "command",
        "url" | "api-key-file" => "powerdns",
        "group" => "catalog",
        _ => "rndc",
    };
    let text = text.replace("method = \"rndc\"", &format!("method = \"{method}\""));
    let text = text.replace("https://", "http://");
    if method == "catalog" {
        text.replace("catalog = \"\"", "catalog = \"catalog.example\"")
    } else {
        text
    }
}

/// Returns the commented options of the template.
fn options() -> Vec<&'static str> {
    let option = |line: &'static str| line.strip_prefix('#');
    TEMPLATE
        .lines()
        .filter_map(option)
        .filter(|option| !option.is_empty() && !option.starts_with(' '))
        .collect()
}

#[test]
fn the_template_is_a_configuration_of_defaults() {
    let etc = Etc::new();
    let from_template = etc.parse(TEMPLATE).unwrap();
    let from_smallest = etc.parse(SMALLEST).unwrap();
    assert_eq!(format!("{from_template:#?}"), format!("{from_smallest:#?}"));
}

#[test]
fn every_option_of_the_template_can_be_uncommented() {
    let etc = Etc::new();
    let options = options();
    assert!(options.len() > 30);
    for option in options {
        let needs = needs(option);
        let text = template(|other| {
            other == option || needs.iter().any(|needed| other.starts_with(needed))
        });
        let text = if option.starts_with("transport") || !needs.contains(&"transport") {
            text
        } else {
            text.replace("transport = \"tcp\"", "transport = \"tls\"")
        };
        if let Err(error) = etc.parse(&with_method(option, &text)) {
            panic!("{option}: {error}");
        }
    }
}

#[test]
fn defaults_in_the_template_are_the_defaults() {
    let etc = Etc::new();
    let with = |chosen: &[&str]| {
        let text = template(|option| chosen.iter().any(|start| option.starts_with(start)));
        format!("{:#?}", etc.parse(&text).unwrap())
    };
    let defaults = [
        "path",
        "deadline",
        "read",
        "catalog",
        "nameservers",
        "zones",
        "transport",
        "[[r",
        "suffix",
        "primary",
        "foreign",
        "keep",
        "deny",
        "allow",
        "challenge",
        "empty",
        "networks",
        "existing",
        "ttl",
        "visible",
    ];
    assert_eq!(with(&defaults), with(&[]));
    let provision = ["[primaries", "method", "control", "control-key"];
    let with_way = [&provision[..], &["way"]].concat();
    assert_eq!(with(&with_way), with(&provision));
}

#[test]
fn the_hint_for_every_misspelt_key_names_the_right_one() {
    let etc = Etc::new();
    let tls = |text: String| text.replace("transport = \"tcp\"", "transport = \"tls\"");
    let without = |others: &[&str]| {
        tls(template(|option| {
            let of_ready_zones = &NOT_APPLICABLE[6..];
            let mut others = others.iter().chain(of_ready_zones);
            !others.any(|other| option.starts_with(other))
        }))
    };
    let seed = without(&NOT_APPLICABLE);
    let rndc = ["control", "way", "template", "listen", "view"];
    let (program, api) = (["program", "arguments"], ["url", "api-key-file"]);
    let group = ["group"];
    let by_template = without(&[&["way", "listen"], &program[..], &api, &group].concat());
    let by_program = without(&[&rndc[..], &api, &group].concat());
    let by_program = with_method("program", &by_program);
    let by_api = without(&[&rndc[..], &program, &group].concat());
    let by_api = with_method("url", &by_api);
    let by_catalog = without(&[&rndc[..], &program, &api].concat());
    let by_catalog = with_method("group", &by_catalog);
    let of_provision = [&rndc[..], &program, &api, &group, &["[primaries", "method"]].concat();
    let by_hand = tls(template(|option| {
        !of_provision.iter().any(|other| option.starts_with(other))
    }));
    let mut keys = BTreeSet::new();
    for text in [
        &seed,
        &by_template,
        &by_program,
        &by_api,
        &by_catalog,
        &by_hand,
    ] {
        etc.parse(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some((key, value)) = line.split_once(" = ") else {
                continue;
            };
            keys.insert(key);
            let first = &key[..1];
            for wrong in [
                key[..key.len() - 1].to_owned(),
                format!("{first}{key}"),
                format!("{first}q{}", &key[2..]),
            ] {
                let changed = format!("{wrong} = {value}");
                let mut lines = lines.clone();
                lines[index] = &changed;
                let error = etc.error(&lines.join("\n"));
                let start = format!("nsbridge.toml:{}:1: unknown key `{wrong}` in ", index + 1);
                assert!(error.starts_with(&start), "{error}");
                let end = format!(" hint: the nearest valid key is `{key}`");
                assert!(error.ends_with(&end), "{error}");
            }
        }
    }
    // The template has exactly the keys that the tables know.
    let mut known = all_keys();
    known.retain(|key| {
        ![
            "queue",
            "serve",
            "keys",
            "primaries",
            "routes",
            "policy",
            "ptr",
            "provision",
        ]
        .contains(key)
    });
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), known);
}
