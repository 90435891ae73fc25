//! All documents: links and anchors resolve, commands and their options exist, README stays short, and a test runs
//! each block.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;

/// Most lines of README.md.
const README_LINES_MAX: usize = 250;

/// Documents outside of `docs`.
const OTHERS: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "tests/README.md",
    "fuzz/README.md",
];

/// How many blocks each document has with a word after the fence, and the test that runs them.
const BLOCKS: &[(&str, &str, usize, &str)] = &[
    (
        "CONTRIBUTING.md",
        "sh",
        2,
        "by hand: they run the tests; `messages` runs the last",
    ),
    ("README.md", "console", 3, "set_up"),
    ("README.md", "json", 1, "set_up"),
    ("README.md", "named", 1, "set_up, pieces"),
    ("README.md", "sh", 4, "shell"),
    ("README.md", "text", 1, "set_up"),
    ("README.md", "toml", 1, "set_up, pieces"),
    ("docs/acme.md", "sh", 1, "shell"),
    ("docs/configuration.md", "named", 1, "pieces"),
    ("docs/configuration.md", "sh", 1, "primary::tls"),
    ("docs/configuration.md", "toml", 1, "pieces"),
    (
        "docs/fleet.md",
        "",
        5,
        "catalog::secondaries, catalog::check",
    ),
    ("docs/fleet.md", "text", 1, "shell"),
    ("docs/nsupdate.md", "sh", 1, "shell"),
    ("docs/operations.md", "sh", 1, "shell"),
    (
        "docs/packages.md",
        "sh",
        4,
        "testenv/packages: as root, on a system that is thrown away",
    ),
    ("docs/panels.md", "sh", 7, "panels, shell"),
    ("docs/plesk.md", "console", 4, "plesk"),
    ("docs/plesk.md", "php", 1, "nothing: it needs Plesk"),
    ("docs/plesk.md", "sh", 4, "plesk"),
    ("docs/plesk.md", "toml", 1, "plesk"),
    ("docs/provisioning.md", "dns-zone", 1, "pieces"),
    ("docs/provisioning.md", "named 9.21.9", 1, "pieces"),
    ("docs/provisioning.md", "toml", 1, "pieces"),
    ("docs/reference.md", "text", 1, "set_up"),
    ("docs/security.md", "", 2, "pieces"),
    ("docs/servers/bind.md", "", 3, "bind"),
    ("docs/servers/bind.md", "named", 5, "bind, pieces, set_up"),
    ("docs/servers/bind.md", "named 9.21.9", 1, "bind, pieces"),
    ("docs/servers/hosted.md", "console", 4, "hosted"),
    ("docs/servers/hosted.md", "named", 1, "hosted"),
    (
        "docs/servers/hosted.md",
        "text",
        1,
        "nothing: primary::learning checks such lines",
    ),
    ("docs/servers/hosted.md", "toml", 2, "hosted"),
    ("docs/servers/knot.md", "", 5, "knot"),
    ("docs/servers/powerdns.md", "", 4, "powerdns"),
    ("docs/servers/powerdns.md", "sh", 1, "shell"),
    ("docs/zonefiles.md", "sh", 2, "shell"),
    ("fuzz/README.md", "sh", 1, "by hand: it takes minutes"),
    (
        "tests/README.md",
        "rust",
        1,
        "nothing: an example of a test",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All documents by their paths, in order.
pub(super) fn documents() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = OTHERS.iter().map(PathBuf::from).collect();
    for folder in ["docs", "docs/servers"] {
        let entries = fs::read_dir(root().join(folder)).expect("it has documents");
        let names =
            entries.map(|entry| Path::new(folder).join(entry.expect("an entry").file_name()));
        paths.extend(names.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).expect("a document");
        (path.to_string_lossy().into_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

/// The lines of a document but the fences, each with whether it is in a fenced block.
fn lines(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut is_block = false;
    text.lines().filter_map(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_block ^= is_fence;
        (!is_fence).then_some((is_block, line))
    })
}

/// The lines of a document that are in no fenced block.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    lines(text).filter_map(|(is_block, line)| (!is_block).then_some(line))
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            assert!(plain.pop(), "{} leaves the project", path.display());
        } else {
            plain.push(part);
        }
    }
    plain
}

#[test]
fn each_link_and_each_anchor_resolves() {
    let documents = documents();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in &documents {
        let targets = prose(text).flat_map(|line| line.split("](").skip(1));
        let targets = targets.filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            count += 1;
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(path).parent().expect("a file has a folder");
            let file = if file.is_empty() {
                PathBuf::from(path)
            } else {
                plain(&folder.join(file))
            };
            let known = documents.iter().find(|(path, _)| Path::new(path) == file);
            let has_anchor = known.is_some_and(|(_, text)| {
                let headings = prose(text).filter(|line| line.starts_with('#'));
                headings
                    .map(|line| anchor(line.trim_start_matches('#')))
                    .any(|it| it == fragment)
            });
            if !root().join(&file).exists() || !fragment.is_empty() && !has_anchor {
                wrong.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(count > 100, "the links were not found: {count}");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Paths of the project in inline code, too: `docs/…`, `src/…`, `tests/…`, `testenv/…`, `packaging/…`.
#[test]
fn each_path_of_the_project_exists() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        let codes = prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2));
        for word in codes.filter_map(|code| code.split_whitespace().next()) {
            let folders = [
                "docs/",
                "src/",
                "tests/",
                "testenv/",
                "packaging/",
                "benches/",
                "fuzz/run",
            ];
            let is_built = word.contains(['…', '*']) || word == "fuzz/artifacts";
            if folders.iter().any(|folder| word.starts_with(folder))
                && !is_built
                && !root().join(word).exists()
            {
                wrong.push(format!("{path}: {word}"));
            }
        }
    }
    // CHANGELOG.md says what was true then.
    wrong.retain(|it| !it.starts_with("CHANGELOG.md"));
    assert_eq!(wrong, Vec::<String>::new());
}

/// The commands of nsbridge in inline code and in blocks, each as its words.
fn commands(text: &str) -> Vec<Vec<&str>> {
    let inline = prose(text).flat_map(|line| line.split('`').skip(1).step_by(2));
    let inline = inline.filter(|code| code.starts_with("nsbridge "));
    let in_blocks = lines(text).filter_map(|(is_block, line)| is_block.then_some(line));
    let blocks = in_blocks.filter_map(|line| {
        let line = line
            .strip_prefix("# ")
            .or(line.strip_prefix("$ "))
            .unwrap_or(line);
        let line = line.strip_prefix("runuser -u psaadm -- ").unwrap_or(line);
        Some(line).filter(|line| line.starts_with("nsbridge "))
    });
    inline
        .chain(blocks)
        .map(|line| {
            let end = line.find(['|', ';', '>', '#']).unwrap_or(line.len());
            let words = line[..end].split_whitespace().skip(1);
            words
                .map(|word| word.trim_matches(['[', ']', ',', '.']))
                .collect()
        })
        .collect()
}

#[test]
fn each_command_and_each_of_its_options_exists() {
    let bridge = Bridge::at(1, Path::new("/dev/null"));
    let help = |words: &[&str]| {
        let words: Vec<&str> = words.iter().copied().chain(["--help"]).collect();
        let run = bridge.run_bare(&[], &words, "");
        (run.stdout.contains("Usage: nsbridge")).then_some(run.stdout)
    };
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in documents() {
        for words in commands(&text) {
            let is_name = |word: &&&str| word.bytes().all(|octet| octet.is_ascii_lowercase());
            let names: Vec<&str> = words.iter().take_while(is_name).take(2).copied().collect();
            let options = words
                .iter()
                .filter(|word| word.starts_with("--") && word.len() > 2);
            let found = match &names[..] {
                [] => continue,
                [name, ..] => help(&names).or_else(|| help(&[name])),
            };
            count += 1;
            let Some(found) = found else {
                wrong.push(format!("{path}: nsbridge {}", words.join(" ")));
                continue;
            };
            let unknown = options.filter(|option| {
                !found.contains(&format!("{option} ")) && !found.contains(&format!("{option}\n"))
            });
            wrong.extend(
                unknown.map(|option| format!("{path}: {option} in nsbridge {}", words.join(" "))),
            );
        }
    }
    assert!(count > 100, "the commands were not found: {count}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_reference_has_each_command() {
    let (_, reference) = documents()
        .into_iter()
        .find(|(path, _)| path.ends_with("reference.md"))
        .expect("it is there");
    let run = Bridge::at(1, Path::new("/dev/null")).run_bare(&[], &["--help"], "");
    let list = run
        .stdout
        .split("Commands:\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .unwrap_or("");
    let names: Vec<&str> = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 10, "{names:?}");
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !reference.contains(&format!("\n| `nsbridge {name}` |")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn readme_is_short() {
    let (_, readme) = documents()
        .into_iter()
        .find(|(path, _)| path == "README.md")
        .expect("it is there");
    let lines = readme.lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines");
}

#[test]
fn each_block_has_a_test_that_runs_it() {
    let mut found: Vec<(String, String)> = Vec::new();
    for (path, text) in documents() {
        let mut is_block = false;
        for line in text.lines() {
            let Some((_, info)) = line
                .split_once("```")
                .filter(|(indent, _)| indent.trim().is_empty())
            else {
                continue;
            };
            if !is_block {
                found.push((path.clone(), info.to_owned()));
            }
            is_block = !is_block;
        }
        assert!(!is_block, "{path} has a block without an end");
    }
    let kinds: BTreeSet<_> = found.iter().cloned().collect();
    let counted: Vec<_> = kinds
        .iter()
        .map(|kind| {
            (
                kind.0.as_str(),
                kind.1.as_str(),
                found.iter().filter(|it| *it == kind).count(),
            )
        })
        .collect();
    let listed: Vec<_> = BLOCKS
        .iter()
        .map(|(path, info, count, _)| (*path, *info, *count))
        .collect();
    assert_eq!(
        counted, listed,
        "let a test run a new block, and count it in BLOCKS"
    );
}
