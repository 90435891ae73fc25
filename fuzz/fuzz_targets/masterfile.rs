//! Fuzzes the reader of master files. The input is a list of files, separated by 0xFF and named
//! `0`, `1` and so on, which can include one another. Parsed records must survive printing and
//! parsing; an error must have a position in the text.

#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use nsbridge::masterfile::{ERRORS_MAX, MasterFile, MasterFileError, RECORDS_MAX, Source};
use nsbridge::model::{Name, ZoneName};
use nsbridge::zonefile::format_record;

/// Most files to open; the reader has limits of its own, but needs minutes to reach them.
const INCLUDES_MAX: usize = 16;
/// Most `$GENERATE` directives, each of which expands to many records.
const GENERATES_MAX: usize = 1;
/// Most records to print and parse again; their text is still short.
const PRINTED_MAX: usize = 10_000;

fuzz_target!(|octets: &[u8]| {
    let generates = octets
        .windows(9)
        .filter(|it| it.eq_ignore_ascii_case(b"$generate"));
    if generates.count() > GENERATES_MAX {
        return;
    }
    let files: Vec<&[u8]> = octets.split(|octet| *octet == 0xff).collect();
    let apex: Name = "example.".parse().expect("a name");
    let zone = ZoneName::new(&apex);
    match read(&files, &zone) {
        Ok(file) => check(&file),
        Err(errors) => {
            assert!(!errors.is_empty() && errors.len() <= ERRORS_MAX);
            for error in errors {
                check_position(&error, &files);
            }
        }
    }
});

fn read(files: &[&[u8]], zone: &ZoneName) -> Result<MasterFile, Vec<MasterFileError>> {
    let source = |index: usize| {
        let octets = files.get(index)?.to_vec();
        let name = index.to_string();
        Some(Source { name, octets })
    };
    let mut opened = 0;
    let first = source(0).expect("a list has a part before the first separator");
    MasterFile::parse(&first, zone, |name, _| {
        opened += 1;
        let included = name.parse().ok().and_then(source);
        let included = included.filter(|_| opened <= INCLUDES_MAX);
        included.ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

fn check(file: &MasterFile) {
    assert!(file.records.len() <= RECORDS_MAX);
    if file.records.len() > PRINTED_MAX {
        return;
    }
    let lines = file.records.iter().map(|record| {
        assert!(record.owner.is_at_or_below(file.zone.apex()), "{record:?}");
        format_record(&record.owner, record.ttl, record.rtype, &record.rdata)
    });
    let lines: Vec<String> = lines.collect();
    let text = lines.join("\n");
    let again = read(&[text.as_bytes()], &file.zone);
    assert_eq!(again.as_ref().ok(), Some(file), "{text}\n{again:?}");
}

fn check_position(error: &MasterFileError, files: &[&[u8]]) {
    let index: usize = error.file.parse().expect("the names of files are numbers");
    let mut lines = files[index].split(|octet| *octet == b'\n');
    let line = lines
        .nth(error.line - 1)
        .expect("the line is one of the file");
    // The reader replaces an octet that is no UTF-8 by an escape of four characters.
    assert!(error.column <= 4 * line.len() + 1, "{error:?}");
    assert!(!error.to_string().contains(char::is_control), "{error}");
}
