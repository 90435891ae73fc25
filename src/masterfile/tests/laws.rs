//! Laws on generated octets and files.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Generates valid and invalid pieces of a file.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "a",
        "@",
        "*",
        "x.example.",
        "y.test.",
        "\\@",
        "\\0",
        "\\300",
        "$ORIGIN ",
        "$TTL ",
        "$INCLUDE ",
        "$GENERATE ",
        "1-3",
        "0-9/3",
        "a$",
        "${0,2,x}",
        "${1}",
        "$$",
        " ",
        "\t",
        "\n",
        "\r\n",
        "(",
        ")",
        ";",
        "\"",
        "\\",
        "IN ",
        "CH",
        "A ",
        "TXT ",
        "SOA ",
        "MX ",
        "HTTPS ",
        "TYPE1 ",
        "\\# ",
        "3600",
        "1h",
        "10 ",
        "192.0.2.1",
        "alpn=\"h2\"",
        "ä",
        "\u{0}",
        ".",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

fn read(octets: Vec<u8>) -> Result<MasterFile, Vec<MasterFileError>> {
    let source = Source {
        name: "x".into(),
        octets,
    };
    let again = source.clone();
    MasterFile::parse(&source, &zone(), move |_, _| Ok(again.clone()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_octets_cause_a_panic(octets in vec(any::<u8>(), 0..200)) {
        drop(read(octets));
    }

    #[test]
    fn no_pieces_cause_a_panic_and_each_error_has_a_position_in_the_text(pieces in vec(piece(), 0..40)) {
        let text = pieces.concat();
        if let Err(errors) = read(text.clone().into_bytes()) {
            prop_assert!(!errors.is_empty() && errors.len() <= ERRORS_MAX);
            let lines: Vec<&str> = text.split('\n').collect();
            for error in errors {
                let line = lines.get(error.line - 1).copied().unwrap_or_default();
                prop_assert!(error.column <= line.chars().count() + 1, "{error}");
            }
        }
    }

    #[test]
    fn printed_records_read_back(
        owner in "[a-z*_][a-z0-9-]{0,5}",
        ttl in 0_u32..=0x7fff_ffff,
        content in vec(any::<u8>(), 0..300),
        code in 256_u16..,
    ) {
        let text = crate::zonefile::txt_rdata(&content);
        let name = format!("{owner}.example.").parse().unwrap();
        let generic = crate::model::Rdata::from_canonical(content);
        let unknown = crate::model::RecordType(code | 0xff00);
        let lines = [
            format_record(&name, ttl, crate::model::RecordType::TXT, &text),
            format_record(&name, ttl, unknown, &generic),
        ];
        let file = read(lines.join("\n").into_bytes()).unwrap();
        prop_assert_eq!(&file.records[0].rdata, &text);
        prop_assert_eq!(&file.records[1].rdata, &generic);
        prop_assert!(file.records.iter().all(|record| record.owner == name && record.ttl == ttl));
    }
}
