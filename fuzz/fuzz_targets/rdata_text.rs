//! Fuzzes the text form of record data. The input is a type, a blank and the text of the data; or a
//! zero octet, the code of a type in two octets and the data as octets. Parsed data must be
//! canonical. Their printed form must be plain ASCII and must parse to equal data. Only octets of a wire that no
//! text of their type has are printed as such (RFC 3597), and refused as text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::model::{Rdata, RecordType};
use nsbridge::zonefile::{format_octets, format_rdata, parse_octets, parse_rdata, parse_type};

fuzz_target!(|input: &[u8]| {
    if let [0, high, low, octets @ ..] = input {
        let rtype = RecordType(u16::from_be_bytes([*high, *low]));
        if let Ok(rdata) = Rdata::from_wire(rtype, octets) {
            check(rtype, &rdata, true);
        }
        return;
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Some((rtype, text)) = text.split_once(' ') else {
        return;
    };
    let Some(rtype) = parse_type(rtype) else {
        return;
    };
    if let Ok(rdata) = parse_rdata(rtype, text) {
        check(rtype, &rdata, false);
        let spelt = parse_octets(rtype, text).expect("`parse_rdata` accepts the text");
        assert_eq!(Rdata::from_wire(rtype, &spelt), Ok(rdata));
        assert_eq!(
            parse_octets(rtype, &format_octets(rtype, &spelt)),
            Ok(spelt)
        );
    }
});

fn check(rtype: RecordType, rdata: &Rdata, is_of_wire: bool) {
    assert_eq!(Rdata::from_wire(rtype, rdata.as_wire()).as_ref(), Ok(rdata));
    let text = format_rdata(rtype, rdata);
    assert!(
        text.bytes().all(|octet| matches!(octet, b' '..=b'~')),
        "{text}"
    );
    let read = parse_rdata(rtype, &text);
    if is_of_wire && text.starts_with("\\# ") && read.is_err() {
        return;
    }
    assert_eq!(read.as_ref(), Ok(rdata), "{text}");
}
