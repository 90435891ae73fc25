//! Master files that others wrote, read by BIND and by nsbridge: `testenv/zone-corpus` names directories of them.

use std::fmt::Write as _;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::zone_corpus::{Compared, Reading, compare_all};

/// Directories, with `:` between them, in place of the files of the test.
const DIRECTORIES_VARIABLE: &str = "NSBRIDGE_TEST_ZONE_CORPUS";
const COLUMNS: [(Reading, &str); 7] = [
    (Reading::Alike, "alike"),
    (Reading::RecordsDiffer, "records differ"),
    (Reading::Refused, "both refuse"),
    (Reading::RefusedElsewhere, "other lines"),
    (Reading::OnlyBindRefuses, "only BIND refuses"),
    (Reading::OnlyNsbridgeRefuses, "only nsbridge refuses"),
    (Reading::Ruled, "by a rule"),
];

/// Files, with how both read them.
const FILES: [(&str, &str, Option<Reading>); 14] = [
    (
        "a.example.db",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n NS ns.test.\n",
        Some(Reading::Alike),
    ),
    (
        "origin",
        "$TTL 1\n$ORIGIN test.\nb SOA a b 1 2 3 4 5\n$ORIGIN b\nw A 192.0.2.1\n",
        Some(Reading::Alike),
    ),
    (
        "dig",
        "; <<>>\nc.test. 5 IN SOA a b 1 2 3 4 5\nc.test. 5 IN NS ns.test.\n",
        Some(Reading::Alike),
    ),
    (
        "included",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n$INCLUDE \"sub/part\" p\n",
        Some(Reading::Alike),
    ),
    ("sub/part", "w A 192.0.2.1\n", None),
    (
        "line",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\nw A 192.0.2.300\nx MX y\nz TXT a\n",
        Some(Reading::Refused),
    ),
    (
        "includes-none",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\n$INCLUDE nothing\n",
        Some(Reading::Refused),
    ),
    (
        "outside",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\nw.test. A 192.0.2.1\n",
        Some(Reading::Alike),
    ),
    (
        "two-zones",
        "$TTL 1\na.test. SOA a b 1 2 3 4 5\nw.other. A 192.0.2.1\n",
        Some(Reading::Ruled),
    ),
    (
        "beside",
        "$TTL 1\n@ SOA a b 1 2 3 4 5\nw CNAME @\nw A 192.0.2.1\n",
        Some(Reading::Ruled),
    ),
    (
        "README",
        "A zone has an SOA record:\n@ IN SOA a b 1 2 3 4 5\n",
        None,
    ),
    ("page.html", "<pre>\n@ IN SOA a b 1 2 3 4 5\n", None),
    ("part", "www IN A 192.0.2.1\n", None),
    ("named.conf", "zone \"a.test\" IN { };\n", None),
];

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the directories that others have are named by a variable"
)]
fn master_files_of_others_are_read_as_bind_reads_them() {
    if let Ok(directories) = std::env::var(DIRECTORIES_VARIABLE) {
        let (report, faults) = compare_directories(&directories);
        println!("{report}");
        assert_eq!(faults, 0, "files are read differently");
        return;
    }
    let directory = TempDir::with_prefix("nsbridge-corpus-").unwrap();
    std::fs::create_dir(directory.path().join("sub")).unwrap();
    for (file, text, _) in FILES {
        std::fs::write(directory.path().join(file), text).unwrap();
    }
    let found: Vec<(String, Reading)> = compare_all(directory.path())
        .iter()
        .map(|it| (below(it, directory.path()), it.reading))
        .collect();
    let mut expected: Vec<(String, Reading)> = FILES
        .iter()
        .filter_map(|(file, _, reading)| Some(((*file).to_owned(), (*reading)?)))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

fn below(compared: &Compared, directory: &Path) -> String {
    let file = compared.file.strip_prefix(directory).unwrap();
    file.display().to_string()
}

/// Reports which files of directories are not read alike, and how many are read in each way. Returns the number of those
/// that neither a rule nor an error in both explains, too.
fn compare_directories(directories: &str) -> (String, usize) {
    let mut table = format!("{:24} {:>6}", "directory", "files");
    for (_, title) in COLUMNS {
        write!(table, "  {title}").unwrap();
    }
    let (mut lines, mut faults) = (Vec::new(), 0);
    for directory in directories.split(':').map(Path::new) {
        let all = compare_all(directory);
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        write!(table, "\n{name:24} {:6}", all.len()).unwrap();
        for (reading, title) in COLUMNS {
            let of_it: Vec<&Compared> = all.iter().filter(|it| it.reading == reading).collect();
            write!(table, "  {:>width$}", of_it.len(), width = title.len()).unwrap();
            if !matches!(reading, Reading::Alike | Reading::Refused) {
                lines.extend(of_it.iter().map(|it| {
                    let (file, reason) = (below(it, directory), &it.reason);
                    format!("{title}: {name}/{file} ({}): {reason}", it.zone)
                }));
            }
            let is_fault = matches!(
                reading,
                Reading::RecordsDiffer | Reading::OnlyBindRefuses | Reading::OnlyNsbridgeRefuses
            );
            faults += if is_fault { of_it.len() } else { 0 };
        }
    }
    (format!("{}\n\n{table}", lines.join("\n")), faults)
}
