//! Laws on generated octets and text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;

use super::super::types::{self, Form};
use super::*;

/// Returns the codes of all types with known fields.
fn types_with_fields() -> Vec<u16> {
    (0..=u16::MAX)
        .filter(|code| types::fields(RecordType(*code)).is_some())
        .collect()
}

fn any_type() -> impl Strategy<Value = u16> {
    prop_oneof![4 => prop::sample::select(types_with_fields()), 1 => any::<u16>()]
}

fn octets(count: impl Into<prop::collection::SizeRange>) -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), count).boxed()
}

fn counted(count: impl Into<prop::collection::SizeRange>) -> BoxedStrategy<Vec<u8>> {
    let with_length = |mut octets: Vec<u8>| {
        octets.insert(0, u8::try_from(octets.len()).unwrap());
        octets
    };
    octets(count).prop_map(with_length).boxed()
}

fn joined(item: BoxedStrategy<Vec<u8>>, count: std::ops::Range<usize>) -> BoxedStrategy<Vec<u8>> {
    vec(item, count).prop_map(|items| items.concat()).boxed()
}

fn name() -> BoxedStrategy<Vec<u8>> {
    let with_root = |mut labels: Vec<u8>| {
        labels.push(0);
        labels
    };
    joined(counted(1..20), 0..5).prop_map(with_root).boxed()
}

/// Generates a LOC size, two digits in half an octet each. Omits zero, which has ten forms.
fn precision() -> BoxedStrategy<Vec<u8>> {
    (1_u8..10, 0_u8..10)
        .prop_map(|(mantissa, exponent)| vec![mantissa << 4 | exponent])
        .boxed()
}

fn angle(degrees_max: u32) -> BoxedStrategy<Vec<u8>> {
    let limit = degrees_max * 3_600_000;
    ((1_u32 << 31) - limit..=(1 << 31) + limit)
        .prop_map(|angle| angle.to_be_bytes().to_vec())
        .boxed()
}

fn location() -> BoxedStrategy<Vec<u8>> {
    (vec(precision(), 3), angle(90), angle(180), octets(4))
        .prop_map(|(sizes, latitude, longitude, altitude)| {
            [vec![0], sizes.concat(), latitude, longitude, altitude].concat()
        })
        .boxed()
}

fn parameters() -> BoxedStrategy<Vec<u8>> {
    prop::collection::btree_map(8_u16..65535, octets(0..40), 0..4)
        .prop_map(|parameters| {
            let encode = |(key, value): (u16, Vec<u8>)| {
                let length = u16::try_from(value.len()).unwrap();
                [&key.to_be_bytes()[..], &length.to_be_bytes(), &value].concat()
            };
            parameters.into_iter().flat_map(encode).collect()
        })
        .boxed()
}

fn gateway(kinds: std::ops::RangeInclusive<u8>, flag: u8, tail: usize) -> BoxedStrategy<Vec<u8>> {
    kinds
        .prop_flat_map(move |kind| {
            let gateway = match kind {
                0 => octets(0),
                1 => octets(4),
                2 => octets(16),
                _ => name(),
            };
            (any::<u8>(), Just(kind | flag), octets(tail), gateway)
        })
        .prop_map(|(precedence, kind, tail, gateway)| {
            [vec![precedence, kind], tail, gateway].concat()
        })
        .boxed()
}

/// Generates the octets of one field.
fn field(form: Form) -> BoxedStrategy<Vec<u8>> {
    match form {
        Form::U8 | Form::Named8(_) | Form::Mnemonic8(_) => octets(1),
        Form::U16 | Form::Mnemonic16(_) | Form::KeyFlags | Form::Type => octets(2),
        Form::U32 | Form::Period | Form::Time | Form::Ipv4 => octets(4),
        Form::Locator => octets(8),
        Form::Ipv6 => octets(16),
        Form::Hyphenated(count) => octets(count),
        Form::Name | Form::Target => name(),
        Form::Names => joined(name(), 0..3),
        Form::Text | Form::Salt => counted(0..=255),
        Form::OptionalText => joined(counted(0..=255), 0..2),
        Form::Texts => joined(counted(0..=255), 1..5),
        Form::Tag => "[a-zA-Z0-9]{1,255}"
            .prop_map(|tag| [&[u8::try_from(tag.len()).unwrap()], tag.as_bytes()].concat())
            .boxed(),
        Form::Content | Form::Quoted => octets(0..600),
        Form::Hex | Form::Base64 => octets(1..100),
        Form::OptionalBase64 | Form::Base64OrDash => octets(0..100),
        Form::Hash => counted(1..=255),
        Form::Types => vec(any::<u16>(), 0..20)
            .prop_map(|types| {
                let mut out = Vec::new();
                bitmap::encode(types.into_iter().map(RecordType).collect(), &mut out);
                out
            })
            .boxed(),
        Form::Location => location(),
        Form::Prefixes => Just(vec![0, 1, 9, 0x82, 10, 128, 0, 2, 0, 1, 0xfe]).boxed(),
        Form::ServiceParams => parameters(),
        Form::KeyGateway => gateway(0..=3, 0, 1),
        Form::Relay => Union::new([gateway(0..=3, 0, 0), gateway(0..=3, 0x80, 0)]).boxed(),
        Form::Nsap => octets(1..21),
        Form::AtmAddress => Union::new([
            octets(1..21).prop_map(|it| [vec![0], it].concat()).boxed(),
            "[0-9]{1,15}"
                .prop_map(|it| [&[1], it.as_bytes()].concat())
                .boxed(),
        ])
        .boxed(),
        Form::Services => (octets(1), octets(0..20), 1_u8..)
            .prop_map(|(protocol, map, last)| [protocol, map, vec![last]].concat())
            .boxed(),
        Form::OldTypes => (octets(0..14), 1_u8..)
            .prop_map(|(map, last)| [vec![0x22], map, vec![last]].concat())
            .boxed(),
        Form::PrefixedAddress => Union::new([
            octets(16).prop_map(|it| [vec![0], it].concat()).boxed(),
            (octets(8), name())
                .prop_map(|(it, name)| [vec![64], it, name].concat())
                .boxed(),
            name().prop_map(|name| [vec![128], name].concat()).boxed(),
        ])
        .boxed(),
        Form::HostIdentity => (octets(5), octets(7))
            .prop_map(|(tag, key)| [vec![5, 2, 0, 7], tag, key].concat())
            .boxed(),
    }
}

/// Generates a type and data with its fields.
fn valid_data() -> impl Strategy<Value = (RecordType, Vec<u8>)> {
    prop::sample::select(types_with_fields()).prop_flat_map(|code| {
        let layout = types::fields(RecordType(code)).unwrap();
        let fields: Vec<_> = layout.iter().map(|(_, form)| field(*form)).collect();
        fields.prop_map(move |fields| (RecordType(code), fields.concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_octets_of_any_type_are_read_back_unless_no_server_takes_them(code in any_type(), octets in octets(0..80)) {
        let rtype = RecordType(code);
        if let Ok(rdata) = Rdata::from_wire(rtype, &octets) {
            let text = format_rdata(rtype, &rdata);
            prop_assert!(text.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{}", text);
            match parse_rdata(rtype, &text) {
                Ok(back) => prop_assert_eq!(back, rdata, "{}", text),
                Err(error) => prop_assert!(text.starts_with(r"\#"), "{} {}", text, error),
            }
        }
    }

    #[test]
    fn data_that_fit_their_type_are_printed_in_its_form((rtype, octets) in valid_data()) {
        let rdata = Rdata::from_wire(rtype, &octets).unwrap();
        let text = format_rdata(rtype, &rdata);
        let rules = fit::check_rules(rtype, &octets);
        prop_assert_eq!(text.starts_with(r"\#"), rules.is_err() || octets.is_empty(), "{}", text);
        prop_assert_eq!(parse_rdata(rtype, &text), rules.map(|()| rdata), "{}", text);
    }

    #[test]
    fn parsed_data_are_canonical(code in any_type(), text in "([aA0-9.:/@=,!N-] ?|\\PC|[\"\\\\();\n\t]|\\\\[0-9]{3}| ){0,40}") {
        let rtype = RecordType(code);
        if let Ok(rdata) = parse_rdata(rtype, &text) {
            prop_assert_eq!(Rdata::from_wire(rtype, rdata.as_wire()), Ok(rdata.clone()));
            prop_assert_eq!(parse_rdata(rtype, &format_rdata(rtype, &rdata)), Ok(rdata));
        }
    }
}
