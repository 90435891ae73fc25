//! Formats messages as text, in the layout that nsupdate and dig have in common.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::model::{Name, RecordType};
use crate::wire::{Class, MessageDump, Rcode, TsigDump, UpdateBuilder, WireRecord};
use crate::zonefile::{format_octets, format_type};

/// Octets between two tab stops.
const TAB: usize = 8;
/// Columns where TTL, class, type and RDATA start.
const COLUMNS: [usize; 4] = [24, 32, 40, 48];
/// Digits of each word in a long hexadecimal or base64 field.
const WORD_DIGITS: usize = 56;
/// The opcode of an UPDATE (RFC 2136 section 2.2).
const UPDATE: u8 = 5;

/// Formats the pending update, which is not yet a message and has neither id nor counts.
pub(super) fn pending(builder: &UpdateBuilder) -> String {
    let question = builder
        .zone
        .clone()
        .map(|(zone, class)| (zone, class, RecordType::SOA));
    message(&MessageDump {
        id: 0,
        opcode: UPDATE,
        rcode: Rcode::NOERROR,
        flags: Vec::new(),
        counts: [0; 4],
        question,
        answers: builder.prerequisites.clone(),
        authorities: builder.updates.clone(),
        additionals: Vec::new(),
        tsig: None,
        sig0: None,
        extended_error: None,
    })
}

/// Formats a message: its header and each section that is not empty.
pub(super) fn message(dump: &MessageDump) -> String {
    let is_update = dump.opcode == UPDATE;
    let mut text = format!(
        ";; ->>HEADER<<- opcode: {}, status: {}, id: {:6}\n;; flags:",
        opcode(dump.opcode),
        dump.rcode,
        dump.id
    );
    for flag in &dump.flags {
        text.push(' ');
        text.push_str(flag);
    }
    let titles = if is_update {
        ["ZONE", "PREREQ", "UPDATE", "ADDITIONAL"]
    } else {
        ["QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL"]
    };
    let mut before = "; ";
    for (title, count) in titles.iter().zip(dump.counts) {
        put(&mut text, format_args!("{before}{title}: {count}"));
        before = ", ";
    }
    text.push('\n');
    let sections = if is_update {
        ["ZONE", "PREREQUISITE", "UPDATE", "ADDITIONAL"]
    } else {
        ["QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL"]
    };
    if let Some((name, class, rtype)) = &dump.question {
        put(&mut text, format_args!(";; {} SECTION:\n", sections[0]));
        // The semicolon does not count as a column.
        let mut line = name.to_string();
        indent(&mut line, COLUMNS[1]);
        line.push_str(&class.to_string());
        indent(&mut line, COLUMNS[2]);
        put(
            &mut text,
            format_args!(";{line}{}\n\n", format_type(*rtype)),
        );
    }
    let records = [&dump.answers, &dump.authorities, &dump.additionals];
    for (title, records) in sections[1..].iter().zip(records) {
        if records.is_empty() {
            continue;
        }
        put(&mut text, format_args!(";; {title} SECTION:\n"));
        for record in records {
            text.push_str(&line(record));
        }
        text.push('\n');
    }
    if let Some(tsig) = &dump.tsig {
        text.push_str(";; TSIG PSEUDOSECTION:\n");
        text.push_str(&row(&tsig.key, 0, Class::ANY, "TSIG", &tsig_data(tsig)));
        text.push('\n');
    }
    if let Some(sig0) = &dump.sig0 {
        text.push_str(";; SIG0 PSEUDOSECTION:\n");
        // The covered type is 0. BIND: prints it as a number.
        text.push_str(&line(sig0).replacen("TYPE0 ", "0 ", 1));
        text.push('\n');
    }
    text
}

/// Returns the name of a TSIG error code (RFC 8945 section 3).
pub(super) fn tsig_error(code: u16) -> String {
    match code {
        0 => "NOERROR".to_owned(),
        16 => "BADSIG".to_owned(),
        17 => "BADKEY".to_owned(),
        18 => "BADTIME".to_owned(),
        22 => "BADTRUNC".to_owned(),
        other => other.to_string(),
    }
}

fn line(record: &WireRecord) -> String {
    let data = if record.rdata.is_empty() && [Class::ANY, Class::NONE].contains(&record.class) {
        String::new()
    } else {
        folded(record.rtype, format_octets(record.rtype, &record.rdata))
    };
    let rtype = format_type(record.rtype);
    row(&record.owner, record.ttl, record.class, &rtype, &data)
}

/// Divides a long last field into words of [`WORD_DIGITS`] digits, in types that end in hexadecimal
/// or base64, as BIND does.
fn folded(rtype: RecordType, data: String) -> String {
    // SIG KEY CERT DS SSHFP IPSECKEY RRSIG DNSKEY DHCID TLSA SMIMEA CDS CDNSKEY OPENPGPKEY ZONEMD
    const FOLDED: [u16; 15] = [24, 25, 37, 43, 44, 45, 46, 48, 49, 52, 53, 59, 60, 61, 63];
    if !FOLDED.contains(&rtype.0) && !data.starts_with(r"\#") {
        return data;
    }
    let (head, digits) = data.rsplit_once(' ').unwrap_or(("", &data));
    let words = digits.as_bytes().chunks(WORD_DIGITS);
    let words = words.map(String::from_utf8_lossy);
    let parts = Some(head.into()).filter(|head: &std::borrow::Cow<'_, str>| !head.is_empty());
    parts.into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

fn row(owner: &Name, ttl: u32, class: Class, rtype: &str, data: &str) -> String {
    let mut line = owner.to_string();
    let fields = [
        ttl.to_string(),
        class.to_string(),
        rtype.to_owned(),
        data.to_owned(),
    ];
    for (field, column) in fields.iter().zip(COLUMNS) {
        indent(&mut line, column);
        line.push_str(field);
    }
    line.push('\n');
    line
}

/// Fills a line up to a column with tabs, or appends one blank if the line already reaches it.
fn indent(line: &mut String, column: usize) {
    // A tab in the line extends to the next tab stop.
    let mut at = 0;
    for character in line.chars() {
        at = if character == '\t' {
            (at / TAB + 1) * TAB
        } else {
            at + 1
        };
    }
    let to = column.max(at + 1);
    let tabs = to / TAB - at / TAB;
    let spaces = if tabs > 0 { to % TAB } else { to - at };
    line.extend(std::iter::repeat_n('\t', tabs));
    line.extend(std::iter::repeat_n(' ', spaces));
}

/// Formats the RDATA of a TSIG record in the order of its fields (RFC 8945 section 4.2).
fn tsig_data(tsig: &TsigDump) -> String {
    let mut text = format!(
        "{} {} {} {} ",
        tsig.algorithm,
        tsig.time,
        tsig.fudge_seconds,
        tsig.mac.len()
    );
    if !tsig.mac.is_empty() {
        text.push_str(&BASE64.encode(&tsig.mac));
        text.push(' ');
    }
    let error = tsig_error(tsig.error);
    let (id, other) = (tsig.original_id, tsig.other.len());
    put(&mut text, format_args!("{id} {error} {other} "));
    text.push_str(&BASE64.encode(&tsig.other));
    text
}

fn opcode(code: u8) -> String {
    match code {
        0 => "QUERY".to_owned(),
        1 => "IQUERY".to_owned(),
        2 => "STATUS".to_owned(),
        4 => "NOTIFY".to_owned(),
        UPDATE => "UPDATE".to_owned(),
        other => format!("RESERVED{other}"),
    }
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments)
        .expect("a String takes every write");
}
