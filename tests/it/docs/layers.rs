//! The rule of the layers: imports run one way, no file is part of an import circle, and each
//! foreign library stays in the module that it belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by rank; a module may use those of lower ranks and itself.
const RANKS: &[&[&str]] = &[
    &["model", "diagnostic"],
    &["zonefile", "permission"],
    &["payload", "masterfile", "plan"],
    &["wire"],
    &["transport", "script"],
    &["provision"],
    &["deliver", "nsupdate"],
    &["queue"],
    &["config"],
    &["cli"],
];

/// The rooms of `deliver`: a folder, or a file beside them; the same rule.
const DELIVER_RANKS: &[&[&str]] = &[
    &["error"],
    &["state"],
    &["outcome", "server"],
    &["policy", "transaction", "route"],
    &["context"],
    &["ownership"],
    &["create"],
    &["zone"],
    &["ptr", "record"],
    &["check"],
];

/// Most imports from one room of `deliver` to another, each counted once.
const DELIVER_IMPORTS_MAX: usize = 60;

/// Most lines of a room of `deliver`, its tests apart; `check` knows three servers by heart.
const ROOM_LINES_MAX: usize = 1_500;

/// Libraries and the one place that names them.
const HOMES: &[(&str, &[&str])] = &[
    ("hickory_proto", &["wire/"]),
    ("ring::signature", &["wire/sig0.rs"]),
    ("rusqlite", &["queue/store"]),
    ("clap", &["cli/"]),
    ("toml", &["config/"]),
    ("tokio_rustls", &["transport/"]),
    // A client for PowerDNS, and a server for who watches the worker.
    ("hyper", &["provision/powerdns/", "cli/endpoint.rs"]),
    (
        "hyper_util",
        &["provision/powerdns/http.rs", "cli/endpoint.rs"],
    ),
    (
        "http_body_util",
        &["provision/powerdns/http.rs", "cli/endpoint.rs"],
    ),
    ("prometheus_client", &["cli/metrics.rs"]),
];

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(rank) = rank_of(&file) else { continue };
        for used in uses(&text) {
            let first = used.split("::").next().unwrap_or_default().to_owned();
            let own = file.starts_with(&format!("{first}/"));
            let used_rank = RANKS
                .iter()
                .position(|modules| modules.contains(&first.as_str()));
            match used_rank {
                Some(used_rank) if own || used_rank < rank => {}
                _ => wrong.push(format!("src/{file} uses crate::{used}")),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the layers:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_rooms_of_deliver_import_one_way() {
    let rank = |room: &str| DELIVER_RANKS.iter().position(|rooms| rooms.contains(&room));
    let (mut wrong, mut imports) = (Vec::new(), BTreeSet::new());
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for (file, text) in sources() {
        let Some(room) = file.strip_prefix("deliver/").and_then(room_of) else {
            continue;
        };
        *lines.entry(room.clone()).or_default() += text.lines().count();
        for used in uses_in_deliver(&file, &text) {
            if used == room {
                continue;
            }
            if rank(&used).is_none() || rank(&used) >= rank(&room) {
                wrong.push(format!("src/{file} uses deliver::{used}"));
            }
            imports.insert((room.clone(), used));
        }
    }
    lines.retain(|room, lines| room != "check" && *lines > ROOM_LINES_MAX);
    assert!(wrong.is_empty(), "against the ranks:\n{}", wrong.join("\n"));
    assert!(lines.is_empty(), "too large: {lines:?}");
    assert!(
        imports.len() > 20 && imports.len() <= DELIVER_IMPORTS_MAX,
        "{imports:?}"
    );
}

/// The room of a file below `deliver`; `None` for the one that joins the rooms.
fn room_of(file: &str) -> Option<String> {
    let room = file.split('/').next()?.trim_end_matches(".rs");
    (room != "mod").then(|| room.to_owned())
}

/// The rooms of `deliver` that a file in it names, by whatever path.
fn uses_in_deliver(file: &str, text: &str) -> BTreeSet<String> {
    let mut used: Vec<String> = uses(text)
        .iter()
        .filter_map(|used| Some(used.strip_prefix("deliver::")?.to_owned()))
        .collect();
    // `super` is `deliver` itself in a file that lies beside the folders.
    if file.matches('/').count() == 1 {
        used.extend(relative_uses(text, "super"));
    }
    let rooms = used.iter().filter_map(|used| used.split("::").next());
    rooms.map(str::to_owned).collect()
}

#[test]
fn every_module_has_its_rank() {
    let modules: BTreeSet<String> = sources()
        .keys()
        .filter_map(|file| Some(file.split_once('/')?.0.to_owned()))
        .collect();
    let ranked: BTreeSet<String> = RANKS
        .iter()
        .flat_map(|modules| modules.iter().map(|&module| module.into()))
        .collect();
    assert_eq!(modules, ranked);
}

#[test]
fn no_file_is_part_of_an_import_circle() {
    let sources = sources();
    let files: BTreeSet<String> = sources.keys().cloned().collect();
    let mut edges: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in &sources {
        let children = child_modules(text);
        let mut targets: BTreeSet<String> = uses(text)
            .iter()
            .filter_map(|used| resolve(&files, used))
            .collect();
        let here = module_path(file);
        for used in relative_uses(text, "super") {
            let parent = here.rsplit_once("::").map_or("", |(parent, _)| parent);
            targets.extend(resolve(&files, &join(parent, &used)));
        }
        for used in children {
            targets.extend(resolve(&files, &join(&here, &used)));
        }
        targets.remove(file);
        edges.insert(file, targets);
    }
    for start in files.iter().filter(|file| *file != "lib.rs") {
        let mut path = vec![start.clone()];
        assert!(
            !returns(start, start, &edges, &mut path, &mut BTreeSet::new()),
            "import circle: {}",
            path.join(" → ")
        );
    }
}

#[test]
fn each_library_stays_at_home() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (library, homes) in HOMES {
            let named = code(&text).any(|line| {
                line.match_indices(&format!("{library}::")).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                })
            });
            if named && !homes.iter().any(|home| file.starts_with(home)) {
                wrong.push(format!(
                    "src/{file} names {library}, which belongs to {homes:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All source files but those of tests, by their path below `src`.
pub(super) fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "tests") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|end| end == "rs") && !name.ends_with("tests.rs")
            {
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn rank_of(file: &str) -> Option<usize> {
    let module = file.split_once('/')?.0;
    RANKS.iter().position(|modules| modules.contains(&module))
}

/// Lines of code: no comments, and nothing from the tests at the end of a file. What follows another
/// `#[cfg(test)]`, such as a `mod tests;` before the imports, is code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let tests = text.find("\n#[cfg(test)]\nmod tests {\n");
    let lines = text[..tests.unwrap_or(text.len())].lines();
    lines.filter(|line| !line.trim_start().starts_with("//"))
}

/// Paths used as `crate::…`, groups taken apart one level deep.
fn uses(text: &str) -> Vec<String> {
    relative_uses(text, "crate")
}

/// Paths used below `root::`, one for each leading name.
fn relative_uses(text: &str, root: &str) -> Vec<String> {
    let joined: String = code(text).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, matched) in joined.match_indices(&format!("{root}::")) {
        let before = joined[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        // Who may see an item is no use of anything.
        if joined[..at].ends_with("pub(in ") {
            continue;
        }
        let rest = &joined[at + matched.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = &group[..group.find("};").unwrap_or(group.len())];
            let mut depth = 0;
            for part in group.split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            }) {
                found.push(path_at(part.trim()));
            }
        } else {
            found.push(path_at(rest));
        }
    }
    found.retain(|path| !path.is_empty());
    found
}

/// The path at the front of a text, without groups and what follows.
fn path_at(text: &str) -> String {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len());
    text[..end].trim_end_matches(':').to_owned()
}

/// Modules that a file declares: using them is what it is for.
fn child_modules(text: &str) -> Vec<String> {
    let declared = code(text).filter_map(|line| {
        let line = line
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ");
        line.strip_prefix("mod ")?
            .strip_suffix(';')
            .map(str::to_owned)
    });
    declared.collect()
}

fn module_path(file: &str) -> String {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" || path == "main" {
        String::new()
    } else {
        path.replace('/', "::")
    }
}

fn join(parent: &str, child: &str) -> String {
    if parent.is_empty() {
        child.to_owned()
    } else {
        format!("{parent}::{child}")
    }
}

/// The file of the longest module path at the front of a path.
fn resolve(files: &BTreeSet<String>, path: &str) -> Option<String> {
    let mut path = path;
    loop {
        let file = path.replace("::", "/");
        for candidate in [format!("{file}.rs"), format!("{file}/mod.rs")] {
            if files.contains(&candidate) {
                return Some(candidate);
            }
        }
        path = path.rsplit_once("::")?.0;
    }
}

fn returns(
    start: &str,
    at: &str,
    edges: &BTreeMap<&str, BTreeSet<String>>,
    path: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
) -> bool {
    for next in edges.get(at).into_iter().flatten() {
        if next == start {
            path.push(next.clone());
            return true;
        }
        if seen.insert(next.clone()) {
            path.push(next.clone());
            if returns(start, next, edges, path, seen) {
                return true;
            }
            path.pop();
        }
    }
    false
}
