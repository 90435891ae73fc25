//! The flags of KEY, DNSKEY, CDNSKEY and RKEY records (RFC 2535 section 3.1.2, RFC 4034 section 2.1.1).

use super::error::RdataTextError;
use super::numbers;
use super::octets::form_error;
use super::words::Words;

/// The flags of a KEY record that say that it has no key.
pub(super) const NO_KEY: u16 = 0xc000;

/// The mnemonics of flags, as BIND reads them.
const FLAGS: [(&str, u16); 16] = [
    ("NOCONF", 0x4000),
    ("NOAUTH", 0x8000),
    ("NOKEY", NO_KEY),
    ("FLAG2", 0x2000),
    ("EXTEND", 0x1000),
    ("FLAG4", 0x0800),
    ("FLAG5", 0x0400),
    ("USER", 0x0000),
    ("ZONE", 0x0100),
    ("HOST", 0x0200),
    ("NTYP3", 0x0300),
    ("FLAG8", 0x0080),
    ("FLAG9", 0x0040),
    ("FLAG10", 0x0020),
    ("FLAG11", 0x0010),
    ("KSK", 0x0001),
];

/// Reads flags: a number, in hexadecimal as well, or mnemonics with `|` between them.
pub(super) fn read_flags(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    let word = words.unquoted(field)?;
    let expected = "a number up to 65535, or flags such as `ZONE|KSK`";
    let flags = parse_flags(word).ok_or_else(|| form_error(field, word, expected))?;
    out.extend(flags.to_be_bytes());
    Ok(())
}

fn parse_flags(word: &str) -> Option<u16> {
    if !word.starts_with(|first: char| first.is_ascii_digit()) {
        return word
            .split('|')
            .try_fold(0, |flags, name| Some(flags | parse_flag(name)?));
    }
    numbers::parse(word).or_else(|| {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        let is_decimal = word.bytes().all(|octet| octet.is_ascii_digit());
        let is_hex = digits.bytes().all(|octet| octet.is_ascii_hexdigit());
        (is_hex && !is_decimal).then(|| u16::from_str_radix(digits, 16).ok())?
    })
}

fn parse_flag(name: &str) -> Option<u16> {
    // The signatory field, a number in four bits.
    let signatory = name.get(..3).filter(|it| it.eq_ignore_ascii_case("SIG"));
    if signatory.is_some() {
        return numbers::parse(&name[3..]).filter(|number| *number < 16);
    }
    let known = |(flag, _): &&(&str, u16)| flag.eq_ignore_ascii_case(name);
    FLAGS.iter().find(known).map(|(_, value)| *value)
}
