//! Service parameters of SVCB and HTTPS records (RFC 9460 section 2.1 and appendix A).
//!
//! The text may have the parameters in any order; the data have them in that of their numbers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::digits;
use super::error::{RdataTextError, excerpt};
use super::numbers;
use super::octets::{Octets, form_error};
use super::words::{Words, quote, unescape};

const FIELD: &str = "parameter";
const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const DOHPATH: u16 = 7;

/// The form of the value of a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Value {
    /// The names of other parameters.
    Keys,
    /// Protocol identifiers, each with a length octet.
    Protocols,
    /// No value.
    Empty,
    Port,
    Ipv4,
    Ipv6,
    Base64,
    /// A URI template with the variable `dns` (RFC 9461 section 5).
    Path,
    /// The octets, unchanged.
    Octets,
}

/// The parameters that have a name, by their numbers from 0.
const KEYS: [(&str, Value); 8] = [
    ("mandatory", Value::Keys),
    ("alpn", Value::Protocols),
    ("no-default-alpn", Value::Empty),
    ("port", Value::Port),
    ("ipv4hint", Value::Ipv4),
    ("ech", Value::Base64),
    ("ipv6hint", Value::Ipv6),
    ("dohpath", Value::Path),
];

/// Reads all remaining words as parameters; there may be none.
pub(super) fn read(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    let mut parameters: Vec<(u16, Vec<u8>)> = Vec::new();
    while words.peek().is_some() {
        let word = words.unquoted(FIELD)?;
        let (name, value) = word
            .split_once('=')
            .map_or((word, None), |(n, v)| (n, Some(v)));
        let key = parse_key(name)
            .ok_or_else(|| form_error(FIELD, name, "a known parameter or `key` and a number"))?;
        let text = value.unwrap_or_default();
        let text = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        let octets = unescape(FIELD, text)?;
        // The value after `key` and a number is octets, even if the number has a name.
        let form = named_parameter(name).map_or(Value::Octets, |(_, form)| form);
        let encoded =
            encode(form, &octets).map_err(|expected| form_error(FIELD, word, expected))?;
        if decode(form_of(key), &encoded).is_none() {
            let expected = "a value in the form of that parameter";
            return Err(form_error(FIELD, word, expected));
        }
        if u16::try_from(encoded.len()).is_err() {
            let max = usize::from(u16::MAX);
            return Err(RdataTextError::TooLong {
                field: FIELD,
                octets: encoded.len(),
                max,
            });
        }
        parameters.push((key, encoded));
    }
    parameters.sort_by_key(|(key, _)| *key);
    check_parameters(&parameters)?;
    for (key, value) in parameters {
        out.extend(key.to_be_bytes());
        out.extend(
            u16::try_from(value.len())
                .expect("checked when it was read")
                .to_be_bytes(),
        );
        out.extend(value);
    }
    Ok(())
}

/// Writes the parameters up to the end of the data, which must have them in the order of their numbers.
pub(super) fn print(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    let mut parameters: Vec<(u16, Vec<u8>)> = Vec::new();
    while !octets.is_empty() {
        let key = octets.u16()?;
        let length = octets.u16()?;
        let value = octets.take(usize::from(length))?;
        let name = format_key(key);
        out.push(match decode(form_of(key), value)? {
            text if text.is_empty() => name,
            text => format!("{name}={text}"),
        });
        parameters.push((key, value.to_vec()));
    }
    let is_ordered = parameters.is_sorted_by_key(|(key, _)| *key);
    (is_ordered && check_parameters(&parameters).is_ok()).then_some(())
}

/// Returns the form of the value of a parameter.
fn form_of(key: u16) -> Value {
    let named = KEYS.get(usize::from(key));
    named.map_or(Value::Octets, |(_, form)| *form)
}

fn named_parameter(name: &str) -> Option<(u16, Value)> {
    let named = (0_u16..).zip(KEYS).find(|(_, (known, _))| *known == name);
    named.map(|(key, (_, form))| (key, form))
}

fn parse_key(name: &str) -> Option<u16> {
    if let Some((key, _)) = named_parameter(name) {
        return Some(key);
    }
    // A number has no leading zeros, and 65535 is invalid (RFC 9460 sections 2.1 and 14.3.2).
    let digits = name.strip_prefix("key")?;
    let key: u16 = numbers::parse(digits)?;
    (key != u16::MAX && key.to_string() == digits).then_some(key)
}

/// Writes the name of a parameter. BIND: a parameter later than RFC 9460 is a number.
fn format_key(key: u16) -> String {
    KEYS[..usize::from(DOHPATH)]
        .get(usize::from(key))
        .map_or_else(|| format!("key{key}"), |(name, _)| (*name).to_owned())
}

/// Encodes a value; the error describes the expected form.
fn encode(form: Value, octets: &[u8]) -> Result<Vec<u8>, &'static str> {
    match form {
        Value::Octets | Value::Path => Ok(octets.to_vec()),
        Value::Empty if octets.is_empty() => Ok(Vec::new()),
        Value::Empty => Err("written without a value"),
        Value::Protocols => encode_protocols(octets)
            .ok_or("a list of protocols of 1 to 255 octets, such as `alpn=h2,h3`"),
        Value::Port => parse_text(octets, numbers::parse::<u16>)
            .map(|port| port.to_be_bytes().to_vec())
            .ok_or("a port from 0 to 65535"),
        Value::Keys => encode_list(octets, |text| parse_key(text).map(u16::to_be_bytes))
            .map(|mut keys| {
                keys.sort_unstable();
                keys.concat()
            })
            .ok_or("a list of parameters, such as `mandatory=alpn,port`"),
        Value::Ipv4 => encode_list(octets, |text| Some(text.parse::<Ipv4Addr>().ok()?.octets()))
            .map(|addresses| addresses.concat())
            .ok_or("a list of IPv4 addresses"),
        Value::Ipv6 => encode_list(octets, |text| Some(text.parse::<Ipv6Addr>().ok()?.octets()))
            .map(|addresses| addresses.concat())
            .ok_or("a list of IPv6 addresses"),
        Value::Base64 => parse_text(octets, digits::parse_base64).ok_or("base64"),
    }
}

fn parse_text<T>(octets: &[u8], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    parse(str::from_utf8(octets).ok()?)
}

fn encode_list<T>(octets: &[u8], item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    octets
        .split(|octet| *octet == b',')
        .map(|part| parse_text(part, &item))
        .collect()
}

/// Splits a list at its commas; `\,` is a comma and `\\` a backslash (RFC 9460 appendix A.1).
fn encode_protocols(octets: &[u8]) -> Option<Vec<u8>> {
    let mut protocols = vec![Vec::new()];
    let mut rest = octets.iter();
    while let Some(&octet) = rest.next() {
        match octet {
            b',' => protocols.push(Vec::new()),
            b'\\' => protocols.last_mut()?.push(*rest.next()?),
            _ => protocols.last_mut()?.push(octet),
        }
    }
    let mut out = Vec::new();
    for protocol in protocols {
        out.push(
            u8::try_from(protocol.len())
                .ok()
                .filter(|length| *length > 0)?,
        );
        out.extend(protocol);
    }
    Some(out)
}

/// Decodes a value as text, which is empty if there is no value; `None` if the value does not have the form.
fn decode(form: Value, value: &[u8]) -> Option<String> {
    let list =
        |items: Option<Vec<String>>| items.filter(|it| !it.is_empty()).map(|it| it.join(","));
    match form {
        Value::Empty => value.is_empty().then(String::new),
        Value::Octets if value.is_empty() => Some(String::new()),
        Value::Octets => Some(quote(value)),
        Value::Path => is_path(value).then(|| quote(value)),
        Value::Base64 => Some(digits::format_base64(value)),
        Value::Protocols => decode_protocols(value),
        Value::Port => Some(u16::from_be_bytes(value.try_into().ok()?).to_string()),
        Value::Keys => list(decode_list(value, |octets| Some(format_key(octets.u16()?)))),
        Value::Ipv4 => list(decode_list(value, |octets| {
            Some(octets.ipv4()?.to_string())
        })),
        Value::Ipv6 => list(decode_list(value, |octets| {
            Some(octets.ipv6()?.to_string())
        })),
    }
}

fn decode_list(
    value: &[u8],
    item: impl Fn(&mut Octets<'_>) -> Option<String>,
) -> Option<Vec<String>> {
    let mut octets = Octets::new(value);
    let mut items = Vec::new();
    while !octets.is_empty() {
        items.push(item(&mut octets)?);
    }
    Some(items)
}

/// Returns whether a value is a path with an expression that has the variable `dns` (RFC 6570 section 2).
fn is_path(value: &[u8]) -> bool {
    let has_variable = |expression: &str| {
        let names = expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        names.split(',').any(|name| {
            let name = name.strip_suffix('*').unwrap_or(name);
            name.split_once(':').map_or(name, |(name, _)| name) == "dns"
        })
    };
    let expressions = |path: &str| {
        let parts = path.split('{').skip(1);
        parts
            .filter_map(|part| part.split_once('}'))
            .any(|(it, _)| has_variable(it))
    };
    str::from_utf8(value).is_ok_and(|path| path.starts_with('/') && expressions(path))
}

fn decode_protocols(value: &[u8]) -> Option<String> {
    let mut octets = Octets::new(value);
    let mut list = Vec::with_capacity(value.len());
    while !octets.is_empty() {
        if !list.is_empty() {
            list.push(b',');
        }
        for &octet in octets.counted().filter(|it| !it.is_empty())? {
            if matches!(octet, b',' | b'\\') {
                list.push(b'\\');
            }
            list.push(octet);
        }
    }
    (!list.is_empty()).then(|| quote(&list))
}

/// Checks that no parameter occurs twice and that each has the parameters it needs.
fn check_parameters(parameters: &[(u16, Vec<u8>)]) -> Result<(), RdataTextError> {
    if let Some(pair) = parameters.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(RdataTextError::RepeatedKey {
            key: format_key(pair[0].0),
        });
    }
    let is_given = |key: u16| {
        parameters
            .binary_search_by_key(&key, |(key, _)| *key)
            .is_ok()
    };
    if is_given(NO_DEFAULT_ALPN) && !is_given(ALPN) {
        let (key, needed) = (format_key(NO_DEFAULT_ALPN), format_key(ALPN));
        return Err(RdataTextError::NeededKey { key, needed });
    }
    let Some((MANDATORY, mandatory)) = parameters.first() else {
        return Ok(());
    };
    let (needed, _) = mandatory.as_chunks::<2>();
    let needed: Vec<u16> = needed
        .iter()
        .map(|pair| u16::from_be_bytes(*pair))
        .collect();
    if needed.contains(&MANDATORY) || !needed.is_sorted_by(|a, b| a < b) {
        let word = "mandatory";
        return Err(form_error(
            FIELD,
            word,
            "a list of other parameters, each once",
        ));
    }
    match needed.into_iter().find(|key| !is_given(*key)) {
        Some(key) => Err(RdataTextError::NeededKey {
            key: format_key(MANDATORY),
            needed: excerpt(&format_key(key)),
        }),
        None => Ok(()),
    }
}
