//! Numbers, periods and points in time.

use super::error::{RdataTextError, excerpt};
use super::words::Words;

/// The length of a date with its time, `YYYYMMDDHHmmSS`.
const DATE_OCTETS: usize = 14;

/// Reads a decimal number that fits the width of its field.
pub(super) fn read<T: TryFrom<u32>>(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<T, RdataTextError> {
    let word = words.unquoted(field)?;
    parse(word).ok_or_else(|| RdataTextError::Number {
        field,
        word: excerpt(word),
        max: u32::MAX >> (32 - 8 * size_of::<T>()),
    })
}

/// Parses a decimal number without a sign.
pub(super) fn parse<T: TryFrom<u32>>(word: &str) -> Option<T> {
    let digits = !word.is_empty() && word.bytes().all(|digit| digit.is_ascii_digit());
    let value: u32 = digits.then(|| word.parse().ok())??;
    T::try_from(value).ok()
}

/// Reads a period, as [`parse_period`] does.
pub(super) fn read_period(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<u32, RdataTextError> {
    let word = words.unquoted(field)?;
    parse_period(word).ok_or_else(|| RdataTextError::Form {
        field,
        word: excerpt(word),
        expected: "a period of at most 4294967295 seconds, such as `3600` or `1h`",
    })
}

/// Parses a period in seconds: a number, or numbers with the units w, d, h, m and s, as BIND reads
/// them.
pub(crate) fn parse_period(word: &str) -> Option<u32> {
    parse(word).or_else(|| parse_units(word))
}

fn parse_units(word: &str) -> Option<u32> {
    let mut total = 0_u32;
    let mut rest = word;
    loop {
        let end = rest.find(|character: char| !character.is_ascii_digit())?;
        let count: u32 = parse(&rest[..end])?;
        let unit = match rest.as_bytes()[end].to_ascii_lowercase() {
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = &rest[end + 1..];
        if rest.is_empty() {
            return Some(total);
        }
    }
}

/// Reads a point in time: seconds since 1970, or fourteen digits `YYYYMMDDHHmmSS` in UTC
/// (RFC 4034 section 3.2).
pub(super) fn read_time(field: &'static str, words: &mut Words<'_>) -> Result<u32, RdataTextError> {
    let word = words.unquoted(field)?;
    let time = if word.len() == DATE_OCTETS {
        parse_date(word)
    } else {
        parse(word)
    };
    time.ok_or_else(|| RdataTextError::Form {
        field,
        word: excerpt(word),
        expected: "a time such as `20260131235959`, or seconds since 1970",
    })
}

/// Writes a point in time as fourteen digits in UTC.
pub(crate) fn format_time(time: u32) -> String {
    let (mut days, seconds) = (time / 86_400, time % 86_400);
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 0;
    while days >= days_of_months(year)[month] {
        days -= days_of_months(year)[month];
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!(
        "{year}{:02}{:02}{hour:02}{minute:02}{second:02}",
        month + 1,
        days + 1
    )
}

/// Parses fourteen digits as seconds since 1970 modulo 2^32 (RFC 4034 section 3.1.5). BIND: any year of four digits,
/// and a leap second.
pub(crate) fn parse_date(word: &str) -> Option<u32> {
    let whole = Some(word).filter(|word| word.len() == DATE_OCTETS)?;
    let part = |from: usize, to: usize| whole.get(from..to).and_then(parse::<u32>);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let months = days_of_months(year);
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    if !(1..=*months.get(month)?).contains(&day) {
        return None;
    }
    let days = days_before_year(year) + months[..month].iter().sum::<u32>() + day - 1;
    let days = i64::from(days) - i64::from(days_before_year(1970));
    let seconds = days * 86_400 + i64::from(hour * 3_600 + minute * 60 + second);
    u32::try_from(seconds.rem_euclid(1 << 32)).ok()
}

/// Counts the days of the years from 0 up to this one.
fn days_before_year(year: u32) -> u32 {
    365 * year + year.div_ceil(4) - year.div_ceil(100) + year.div_ceil(400)
}

fn days_of_year(year: u32) -> u32 {
    days_of_months(year).iter().sum()
}

fn days_of_months(year: u32) -> [u32; 12] {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}
