//! Measures the time to read a master file of 100,000 records, and to convert it to a desired zone.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints its result, and nothing else"
)]

use std::fmt::Write as _;
use std::io;
use std::time::Instant;

use nsbridge::masterfile::{MasterFile, Source};
use nsbridge::model::{Name, ZoneName};

const RECORDS: u32 = 100_000;
const ROUNDS: usize = 9;

fn main() {
    let apex: Name = "example.com".parse().expect("a name");
    let zone = ZoneName::new(&apex);
    let source = Source {
        name: "zone.db".into(),
        octets: text().into_bytes(),
    };
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let file = MasterFile::parse(&source, &zone, |_, _| Err(io::ErrorKind::NotFound.into()));
        let read = started.elapsed();
        let wanted = file.expect("the file is right").into_wanted(false);
        assert!(wanted.zone.records.record_count() > RECORDS as usize);
        times.push((read, started.elapsed()));
    }
    times.sort();
    let (read, all) = times[ROUNDS / 2];
    println!(
        "{RECORDS} records in {} octets, median of {ROUNDS}: read in {read:.1?}, a zone in {all:.1?}",
        source.octets.len()
    );
}

/// Returns a master file with records of the usual types.
fn text() -> String {
    let mut text = String::from("$TTL 3600\n@ SOA ns1 hostmaster 1 2 3 4 5\n@ NS ns1\n");
    for n in 0..RECORDS {
        let line = match n % 5 {
            0 => format!("host{n} A 192.0.{}.{}", n / 256 % 256, n % 256),
            1 => format!(
                "host{n} 300 IN AAAA 2001:db8::{:x}:{:x}",
                n >> 16,
                n & 0xffff
            ),
            2 => format!("host{n} CNAME host{}", n - 2),
            3 => format!("host{n} MX 10 host{}.example.com.", n - 3),
            _ => format!("host{n} TXT \"v=spf1 include:host{n}.example.net -all\""),
        };
        writeln!(text, "{line}").expect("a String takes every write");
    }
    text
}
