//! Master files. The octets are files that can include one another, with 0xFF between them and `1`, `2` and so on
//! for names. What is read is printed and read again as the same; what is wrong has its place in the text.

#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use nsbridge::masterfile::{ERRORS_MAX, MasterFile, MasterFileError, RECORDS_MAX, Source};
use nsbridge::model::{Name, ZoneName};
use nsbridge::zonefile::format_record;

/// Most files that are opened: the reader has bounds of its own, which take it minutes to reach.
const INCLUDES_MAX: usize = 16;
/// Most directives that stand for many records.
const GENERATES_MAX: usize = 1;
/// Most records that are printed and read again: of so many the text is still short.
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
                check_place(&error, &files);
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
    let first = source(0).expect("there is a part before the first separator");
    MasterFile::parse(&first, zone, |name, _| {
        opened += 1;
        let found = name.parse().ok().and_then(source);
        let found = found.filter(|_| opened <= INCLUDES_MAX);
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
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

fn check_place(error: &MasterFileError, files: &[&[u8]]) {
    let index: usize = error.file.parse().expect("the names of files are numbers");
    let mut lines = files[index].split(|octet| *octet == b'\n');
    let line = lines
        .nth(error.line - 1)
        .expect("the line is one of the file");
    // An octet that is no UTF-8 is read as its escape, of four characters.
    assert!(error.column <= 4 * line.len() + 1, "{error:?}");
    assert!(!error.to_string().contains(char::is_control), "{error}");
}
