//! The examples of the manual pages, run with the set-up of README.md.

use std::collections::BTreeSet;
use std::fs;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::manual::{pages, section};
use super::set_up::{first, five_minutes_bind, five_minutes_nsbridge, write};
use crate::support::named::Named;
use crate::support::ports::Port;
use crate::support::server::Server as _;

/// The command lines of all examples.
fn examples() -> BTreeSet<String> {
    let pages = pages(None);
    let commands = pages.iter().filter(|(name, _)| *name != "nsbridge.toml.5");
    commands
        .flat_map(|(_, page)| {
            let lines = section(page, "EXAMPLES");
            let starts = lines.iter().enumerate().filter(|(_, line)| *line == ".nf");
            let found: Vec<String> = starts.map(|(index, _)| lines[index + 1].clone()).collect();
            found
        })
        .collect()
}

/// The examples in an order in which they work with the set-up of README.md, each with its status.
const WITH_A_SERVER: &[(&str, i32)] = &[
    ("nsbridge man --directory pages", 0),
    ("man -l pages/nsbridge-plesk.1", 0),
    ("eval \"$(nsbridge completions bash)\"", 0),
    ("nsbridge explain NB-CONNECTION-REFUSED", 0),
    ("nsbridge explain | grep -i transfer", 0),
    ("nsbridge config template > nsbridge.toml", 0),
    ("nsbridge config check", 0),
    ("nsbridge check", 0),
    ("nsbridge check --create", 0),
    ("nsbridge plesk --dry-run try.json", 1),
    ("nsbridge plesk < try.json", 0),
    ("nsbridge plesk try.json", 0),
    ("nsbridge check -q example.com", 0),
    ("nsbridge zone show example.com > example.com.db", 0),
    (
        "nsbridge zone show --server 192.0.2.53 --key-file plesk.key example.com",
        0,
    ),
    ("nsbridge sync --dry-run example.com example.com.db", 0),
    ("nsbridge sync example.com example.com.db", 0),
    ("nsbridge sync --prune example.com example.com.db", 0),
    (
        "nsbridge sync --server 192.0.2.53 --key-file plesk.key example.com example.com.db",
        0,
    ),
    (
        "nsbridge ptr add --dry-run 2001:db8::10 mail.example.com",
        1,
    ),
    ("nsbridge ptr add 192.0.2.10 mail.example.com", 0),
    ("nsbridge ptr sync --dry-run example.com", 1),
    ("nsbridge ptr delete 192.0.2.10 mail.example.com", 0),
    ("nsbridge ptr sync --prune example.com", 0),
    (
        "nsbridge acme add --wait-on 192.0.2.53 example.com gfj9Xq-Rg85nM",
        0,
    ),
    ("nsbridge acme add -- example.com -x1yz", 0),
    ("nsbridge acme delete example.com gfj9Xq-Rg85nM", 0),
    (
        "nsbridge zone create --nameserver ns1.example.org --nameserver ns2.example.org shop.example",
        0,
    ),
    ("nsbridge zone delete shop.example", 0),
    ("nsbridge zone restore shop.example", 0),
    ("nsbridge audit", 0),
    ("nsbridge audit --secondaries example.com", 0),
    ("nsbridge audit --repair", 0),
    ("nsbridge resync example.com", 0),
    ("nsbridge resync --primary main", 0),
    ("nsbridge log --last 20", 0),
    ("nsbridge log example.com", 0),
    ("nsbridge sync --all zones", 0),
    ("nsbridge zone adopt example.org", 0),
    ("nsbridge zone adopt --from plesk01 --all", 0),
    ("nsbridge zone adopt --prune --dry-run example.org", 1),
    ("nsbridge zone rekey example.com", 0),
    ("nsbridge zone rekey --all", 0),
    ("nsbridge zone list", 0),
    ("nsbridge zone list --output json", 0),
    ("nsbridge catalog upgrade", 0),
    ("nsbridge catalog upgrade --primary main", 0),
    ("nsbridge catalog take-over", 0),
    ("nsbridge audit --repair --prune", 0),
    ("nsbridge nsupdate -k plesk.key script.txt", 0),
    ("nsbridge nsupdate -v -k plesk.key", 0),
    ("nsbridge nsupdate --durable records.txt", 0),
    ("nsbridge queue list", 0),
    ("nsbridge queue list --output json", 0),
    ("nsbridge queue backup /root/queue.db", 0),
    ("nsbridge serve --once", 0),
    ("nsbridge serve", 0),
    ("nsbridge status", 0),
    ("nsbridge status --output json", 0),
];

/// The same, with a job that waits since the server is down.
const WITHOUT: &[(&str, i32)] = &[
    ("nsbridge queue show example.com", 0),
    ("nsbridge queue retry example.com", 75),
    ("nsbridge queue retry --all --force", 75),
    ("nsbridge queue drop example.com", 0),
];

/// A command of an example as it works in the directory of a test.
fn here(line: &str, named: &Named) -> String {
    let (port, key) = (
        named.port(),
        named.key_file_of("plesk").display().to_string(),
    );
    let wait_on = format!("--wait-on 127.0.0.1:{port}");
    let line = line
        .replace("man -l", "mandoc")
        .replace("> nsbridge.toml", "> template.toml")
        .replace("--wait-on 192.0.2.53", &wait_on)
        .replace("192.0.2.53", &format!("127.0.0.1 --port {port}"))
        .replace("plesk.key", &key)
        .replace("/root/", "./");
    match line.as_str() {
        "nsbridge serve" => "timeout --preserve-status 2 nsbridge serve".to_owned(),
        typed if typed.starts_with("nsbridge nsupdate -v") => format!("{typed} < script.txt"),
        bash if bash.starts_with("eval") => format!("bash -c '{bash}; complete -p nsbridge'"),
        line => line.to_owned(),
    }
}

#[test]
fn all_examples_work_with_the_set_up_of_readme() {
    let mut listed: Vec<&str> = [WITH_A_SERVER, WITHOUT]
        .concat()
        .iter()
        .map(|(line, _)| *line)
        .collect();
    listed.sort_unstable();
    assert_eq!(examples().into_iter().collect::<Vec<_>>(), listed);

    // BIND has built-in zones of the addresses in examples.
    let new_zones = "allow-new-zones yes;";
    let without_built_in = format!("{new_zones} empty-zones-enable no;");
    let mut named = five_minutes_bind(&[(new_zones, &without_built_in)]);
    let directory = TempDir::with_prefix("nsbridge-examples-").expect("a temporary directory");
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, directory.path(), &seed_port);
    let at = |name: &str| directory.path().join(name);
    let configuration = fs::read_to_string(at("nsbridge.toml")).expect("a configuration");
    let key = "key = \"plesk\"\n";
    let servers = format!("{key}nameservers = [\"ns1.example.net\"]\n");
    let configuration = configuration.replacen(key, &servers, 1);
    let networks = "\n[ptr]\nnetworks = [\"192.0.2.0/24\", \"2001:db8::/48\"]\n";
    write(&at("nsbridge.toml"), &(configuration + networks));
    write(&at("try.json"), &first("json"));
    let script = format!(
        "server 127.0.0.1 {}\nzone example.com\nadd by-script.example.com 60 TXT a\nsend\n",
        named.port()
    );
    write(&at("script.txt"), &script);
    write(
        &at("records.txt"),
        "add by-queue.example.com 60 TXT a\nsend\n",
    );
    fs::create_dir(at("zones")).expect("a new directory");
    write(
        &at("zones/other.example.db"),
        "@ 3600 SOA ns1.example.org. hostmaster 1 7200 3600 604800 300\n@ 3600 NS ns1.example.org.\n",
    );
    let run = |steps: &[(&str, i32)], named: &Named| {
        for (line, status) in steps {
            let said = nsbridge.shell(&here(line, named));
            let all = format!("{line}: {}{}", said.stdout(), said.stderr());
            assert_eq!(said.status, Some(*status), "{all}");
            assert!(*status == 75 || said.stderr().is_empty(), "{all}");
        }
    };
    run(WITH_A_SERVER, &named);
    named.stop();
    write(
        &at("other.json"),
        &first("json").replace("192.0.2.10", "192.0.2.12"),
    );
    assert_eq!(nsbridge.shell("nsbridge plesk other.json").status, Some(75));
    run(WITHOUT, &named);
}
