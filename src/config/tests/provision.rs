//! Tests of the methods that create zones: rndc, a program, PowerDNS's API.

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn the_default_way_depends_on_the_template() {
    let etc = Etc::new();
    let way = |rest: &str| {
        let text = format!(
            "{SMALLEST}[primaries.main.provision]\nmethod = \"rndc\"\ncontrol = \"::1\"\ncontrol-key = \"plesk\"\n{rest}"
        );
        let config = etc.parse(&text).map_err(|_| etc.error(&text))?;
        Ok::<_, String>(rndc(&config.primaries["main"]).way.clone())
    };
    let name = "plesk".to_owned();
    assert_eq!(way(""), Ok(Way::Seed { listen: None }));
    assert_eq!(way("template = \"plesk\""), Ok(Way::Template { name }));
    assert_eq!(way("way = \"file\""), Ok(Way::File));
    let listen = Some("[2001:db8::7]:5300-5309".parse().unwrap());
    assert_eq!(
        way("listen = \"[2001:db8::7]:5300-5309\""),
        Ok(Way::Seed { listen })
    );
    for (rest, expected) in [
        (
            "way = \"template\"",
            "7:17: [primaries.main.provision] needs `template`",
        ),
        (
            "template = \"a; }\"",
            "11:12: `template` cannot be `a; }` hint: allowed is a word of letters, digits, `-`, `_` and `.`",
        ),
        (
            "listen = \"localhost\"",
            "11:10: `listen` cannot be `localhost` hint: allowed is an IP address and a port or ports: 198.51.100.7:5300, 198.51.100.7:5300-5309",
        ),
    ] {
        let error = way(rest).unwrap_err();
        assert!(
            is_as_expected(&error, &format!("nsbridge.toml:{expected}")),
            "{error}"
        );
    }
}

#[test]
fn a_program_with_its_arguments_is_read() {
    let etc = Etc::new();
    let program = etc.path("knotc").to_str().unwrap().to_owned();
    let parse = |program: &str, arguments: &str| {
        let text = format!(
            "[primaries.main.provision]\nmethod = \"command\"\nprogram = \"{program}\"\n{arguments}"
        );
        let text = smallest_with(&text);
        let config = etc.parse(&text).map_err(|_| etc.error(&text))?;
        match config.primaries["main"].provision.clone() {
            Some(ProvisionSettings::Command(settings)) => Ok::<_, String>(settings),
            other => panic!("{other:?}"),
        }
    };
    let arguments = ["-s", "{action}", "{zone}"];
    let settings = parse(&program, &format!("arguments = {arguments:?}")).unwrap();
    assert_eq!(settings.program, etc.path("knotc"));
    assert_eq!(
        settings.arguments,
        arguments.map(|text| text.parse().unwrap())
    );

    let both = "arguments = [\"{action}\", \"{zone}\"]";
    for (rest, expected) in [
        (
            "control = \"::1\"",
            "10:1: `control` has no effect without `method = \"rndc\"`",
        ),
        ("", "7:17: [primaries.main.provision] needs `arguments`"),
        (
            "arguments = [\"{action}\"]",
            "10:14: `arguments` cannot be `{action}` hint: allowed is a list with `{zone}` in it",
        ),
        (
            "arguments = [\"{{action}}\", \"{zone}\"]",
            "10:14: `arguments` cannot be `{{action}}` hint: allowed is a list with `{action}` in it",
        ),
        (
            "arguments = [\"{action}\", \"{zone}\", \"{view}\"]",
            "10:36: `arguments` cannot be `{view}` hint: allowed is text with `{action}` and `{zone}` in it; \
             `{{` and `}}` stand for braces",
        ),
    ] {
        let error = parse(&program, rest).unwrap_err();
        assert!(
            is_as_expected(&error, &format!("nsbridge.toml:{expected}")),
            "{error}"
        );
    }
    etc.write("plain", "");
    etc.write("open", "");
    fs::set_permissions(etc.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    let directory = etc.0.path().display();
    for (program, expected) in [
        (
            "make-zone".to_owned(),
            "`program` cannot be `make-zone` hint: allowed is the absolute path of a program",
        ),
        (
            format!("{directory}/no"),
            "`program`: `no` does not exist hint: `ls ",
        ),
        (
            format!("{directory}/plain"),
            "`plain` is not an executable file hint: run `chmod a+rx plain`",
        ),
        (
            format!("{directory}/open"),
            "everybody can write to the program `open` hint: run `chmod o-w open`",
        ),
    ] {
        let error = parse(&program, both).unwrap_err();
        assert!(
            is_as_expected(&error, &format!("nsbridge.toml:9:11: {expected}")),
            "{error}"
        );
    }
}

#[test]
fn a_key_of_another_method_is_an_error() {
    let etc = Etc::new();
    let arguments = "arguments = [\"{action}\", \"{zone}\"]";
    let rndc = format!("[primaries.main.provision]\nmethod = \"rndc\"\n{arguments}");
    assert_eq!(
        etc.error(&smallest_with(&rndc)),
        "nsbridge.toml:9:1: `arguments` has no effect without `method = \"command\"` \
         hint: remove the line, or set `method = \"command\"`"
    );
}

/// Returns [`SMALLEST`] with the method "powerdns" and these lines.
fn with_powerdns(lines: &str) -> String {
    let provision = "[primaries.main.provision]\nmethod = \"powerdns\"\n";
    smallest_with(&format!("{provision}{lines}"))
}

#[test]
fn the_api_of_powerdns_is_a_url_and_a_key_file() {
    let etc = Etc::new();
    let key = "api-key-file = \"powerdns.key\"\n";
    for (url, host, port, path) in [
        ("http://192.0.2.53:8081", "192.0.2.53", 8081, ""),
        ("http://[2001:db8::53]:8081/", "2001:db8::53", 8081, ""),
        ("http://ns.example/pdns/", "ns.example", 80, "/pdns"),
    ] {
        let config = etc
            .parse(&with_powerdns(&format!("{key}url = {url:?}")))
            .unwrap();
        let provision = config.primaries["main"].provision.clone();
        let Some(ProvisionSettings::PowerDns(powerdns)) = provision else {
            panic!("{provision:?}");
        };
        let endpoint = &powerdns.endpoint;
        assert_eq!((&*endpoint.host, endpoint.port), (host, port));
        assert_eq!(powerdns.path, path);
        assert_eq!(powerdns.api_key.expose(), "the-key-of-the-api");
        assert!(!format!("{powerdns:?}").contains("the-key"));
    }
    for url in [
        "192.0.2.53:8081",
        "ftp://192.0.2.53",
        "http://",
        "http://user:word@192.0.2.53",
        "http://192.0.2.53/?a",
        "http://2001:db8::53",
    ] {
        let error = etc.error(&with_powerdns(&format!("{key}url = {url:?}")));
        assert!(
            error.contains(&format!("`url` cannot be `{url}`")),
            "{error}"
        );
    }
}

#[test]
fn invalid_settings_of_powerdns_are_reported() {
    let etc = Etc::new();
    etc.write("empty.key", "\n");
    etc.write("open.key", "the-key\n");
    fs::set_permissions(etc.path("open.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let url = "url = \"http://192.0.2.53:8081\"\n";
    let key = "api-key-file = \"powerdns.key\"\n";
    for (lines, start) in [
        (
            key.to_owned(),
            "nsbridge.toml:7:17: [primaries.main.provision] needs `url`",
        ),
        (
            url.to_owned(),
            "nsbridge.toml:7:17: [primaries.main.provision] needs `api-key-file`",
        ),
        (
            format!("{url}api-key-file = \"empty.key\""),
            "nsbridge.toml:10:16: `empty.key` is not one line of visible ASCII",
        ),
        (
            format!("{url}api-key-file = \"open.key\""),
            "nsbridge.toml:10:16: `open.key` is too open: ",
        ),
        (
            format!("{url}{key}tls-name = \"api.example\""),
            "nsbridge.toml:11:1: `tls-name` has no effect without `url = \"https://…\"`",
        ),
        (
            format!("{url}{key}way = \"seed\""),
            "nsbridge.toml:11:1: `way` has no effect without `method = \"rndc\"`",
        ),
        (
            format!("url = \"https://192.0.2.53:8081\"\n{key}"),
            "nsbridge.toml:7:17: TLS needs `tls-ca-file` or `tls-pins`",
        ),
    ] {
        let error = etc.error(&with_powerdns(&lines));
        assert!(error.starts_with(start), "{error}");
    }
}
