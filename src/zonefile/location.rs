//! LOC records (RFC 1876): degrees, minutes and thousandths of seconds; metres and centimetres.
//!
//! The data hold a size as one digit and a power of ten. BIND: any other size is rounded down to one digit.

use super::error::{RdataTextError, excerpt};
use super::numbers;
use super::octets::{Octets, form_error};
use super::words::Words;

/// The equator and the prime meridian, as the origin of angles in thousandths of a second.
const MERIDIAN: u32 = 1 << 31;
/// A degree in thousandths of a second of arc.
const DEGREE: u32 = 3_600_000;
/// The depth below the ellipsoid at which altitudes start, in centimetres.
const ALTITUDE_BASE: u32 = 10_000_000;
/// The defaults of size, horizontal and vertical precision: 1 m, 10 km, 10 m.
const PRECISION_DEFAULTS: [(&str, u8); 3] = [
    ("size", 0x12),
    ("horizontal precision", 0x16),
    ("vertical precision", 0x13),
];

/// Reads all data of the record.
pub(super) fn read(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    let latitude = read_angle("latitude", 90, ["N", "S"], words)?;
    let longitude = read_angle("longitude", 180, ["E", "W"], words)?;
    let word = words.unquoted("altitude")?;
    let altitude = parse_altitude(word).ok_or_else(|| {
        form_error(
            "altitude",
            word,
            "a number of metres from -100000.00 to 42849672.95",
        )
    })?;
    out.push(0);
    for (field, default) in PRECISION_DEFAULTS {
        if words.peek().is_none() {
            out.push(default);
            continue;
        }
        let word = words.unquoted(field)?;
        let expected = "a number of metres up to 90000000";
        out.push(parse_precision(word).ok_or_else(|| form_error(field, word, expected))?);
    }
    for number in [latitude, longitude, altitude] {
        out.extend(number.to_be_bytes());
    }
    Ok(())
}

/// Writes all data of the record as BIND does.
pub(super) fn print(octets: &mut Octets<'_>) -> Option<Vec<String>> {
    if octets.u8()? != 0 {
        return None;
    }
    let precisions = [octets.u8()?, octets.u8()?, octets.u8()?];
    let latitude = format_angle(octets.u32()?, 90, ["N", "S"])?;
    let longitude = format_angle(octets.u32()?, 180, ["E", "W"])?;
    let altitude = i64::from(octets.u32()?) - i64::from(ALTITUDE_BASE);
    let sign = if altitude < 0 { "-" } else { "" };
    let altitude = altitude.unsigned_abs();
    let mut text = vec![latitude, longitude];
    text.push(format!("{sign}{}.{:02}m", altitude / 100, altitude % 100));
    for precision in precisions {
        text.push(format_precision(precision)?);
    }
    Some(text)
}

/// Reads `degrees [minutes [seconds]] direction` as thousandths of a second from [`MERIDIAN`].
fn read_angle(
    field: &'static str,
    degrees_max: u32,
    [positive, negative]: [&str; 2],
    words: &mut Words<'_>,
) -> Result<u32, RdataTextError> {
    // Degrees, minutes and decimal seconds in thousandths of a second.
    const UNITS: [u32; 3] = [DEGREE, 60_000, 1];
    let mut angle = 0_u32;
    let mut count = 0;
    let mut spelled = String::new();
    loop {
        let word = words.unquoted(field)?;
        if !spelled.is_empty() {
            spelled.push(' ');
        }
        spelled.push_str(word);
        let is_negative = word == negative;
        if count > 0 && (is_negative || word == positive) {
            if angle > degrees_max * DEGREE {
                return Err(angle_error(field, &spelled));
            }
            return Ok(if is_negative {
                MERIDIAN - angle
            } else {
                MERIDIAN + angle
            });
        }
        let part = match count {
            0 => numbers::parse::<u32>(word).filter(|degrees| *degrees <= degrees_max),
            1 => numbers::parse(word).filter(|minutes| *minutes < 60),
            2 => parse_decimal(word, 3).and_then(|part| u32::try_from(part).ok()),
            _ => None,
        };
        let part = part.filter(|part| count != 2 || *part < 60_000);
        angle += part.ok_or_else(|| angle_error(field, &spelled))? * UNITS[count];
        count += 1;
    }
}

fn angle_error(field: &'static str, spelled: &str) -> RdataTextError {
    let expected = if field == "latitude" {
        "an angle of up to 90 degrees with minutes and seconds, then N or S, such as `52 22 23.000 N`"
    } else {
        "an angle of up to 180 degrees with minutes and seconds, then E or W, such as `4 53 32.000 E`"
    };
    RdataTextError::Form {
        field,
        word: excerpt(spelled),
        expected,
    }
}

/// Writes an angle; `None` if it is larger than these degrees.
fn format_angle(stored: u32, degrees_max: u32, [positive, negative]: [&str; 2]) -> Option<String> {
    let angle = stored.abs_diff(MERIDIAN);
    if angle > degrees_max * DEGREE {
        return None;
    }
    let direction = if stored < MERIDIAN {
        negative
    } else {
        positive
    };
    let (degrees, rest) = (angle / DEGREE, angle % DEGREE);
    let (minutes, rest) = (rest / 60_000, rest % 60_000);
    Some(format!(
        "{degrees} {minutes} {}.{:03} {direction}",
        rest / 1000,
        rest % 1000
    ))
}

fn parse_altitude(word: &str) -> Option<u32> {
    let metres = word.strip_suffix('m').unwrap_or(word);
    let base = u64::from(ALTITUDE_BASE);
    let stored = match metres.strip_prefix('-') {
        Some(below) => base.checked_sub(parse_decimal(below, 2)?)?,
        None => base.checked_add(parse_signed(metres)?)?,
    };
    u32::try_from(stored).ok()
}

/// Parses a size: the first digit and the power of ten of its centimetres, in half an octet each.
fn parse_precision(word: &str) -> Option<u8> {
    const CENTIMETRES_MAX: u64 = 9_000_000_099;
    let centimetres = parse_signed(word.strip_suffix('m').unwrap_or(word))?;
    let mut mantissa = Some(centimetres).filter(|size| *size <= CENTIMETRES_MAX)?;
    let mut exponent = 0_u8;
    while mantissa > 9 {
        mantissa /= 10;
        exponent += 1;
    }
    Some(u8::try_from(mantissa).ok()? << 4 | exponent)
}

/// Parses a number of metres as centimetres. BIND: a plus sign stands before digits, not before a point.
fn parse_signed(word: &str) -> Option<u64> {
    match word.strip_prefix('+') {
        Some(metres) if metres.starts_with('.') => None,
        Some(metres) => parse_decimal(metres, 2),
        None => parse_decimal(word, 2),
    }
}

fn format_precision(stored: u8) -> Option<String> {
    let (mantissa, exponent) = (stored >> 4, stored & 0x0f);
    // BIND: zero has one form.
    if mantissa > 9 || exponent > 9 || (mantissa == 0 && exponent > 0) {
        return None;
    }
    let centimetres = u64::from(mantissa) * 10_u64.pow(u32::from(exponent));
    let (metres, rest) = (centimetres / 100, centimetres % 100);
    Some(if exponent > 1 {
        format!("{metres}m")
    } else {
        format!("{metres}.{rest:02}m")
    })
}

/// Parses a decimal number with at most `places` places, in units of the last place.
fn parse_decimal(word: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let is_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    if !has_digits || !is_digits(whole) || !is_digits(fraction) || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}
