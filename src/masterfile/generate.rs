//! BIND's `$GENERATE`: a range, and patterns in which each number of the range replaces `$`.

use std::fmt::Write as _;

/// Maximum numbers of a range: the addresses of a /16.
pub(super) const STEPS_MAX: u64 = 65_536;
/// Maximum octets of a pattern, which limits the text of a record.
const PATTERN_OCTETS_MAX: usize = 4_096;
/// Maximum width to which a number is filled up.
const WIDTH_MAX: usize = 255;

/// The numbers that replace `$`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Range {
    first: u32,
    last: u32,
    step: u32,
}

impl Range {
    /// Reads `FIRST-LAST` or `FIRST-LAST/STEP`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, number(step)?),
            None => (text, 1),
        };
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        (step > 0 && first <= last).then_some(Self { first, last, step })
    }

    /// Counts the numbers of the range.
    pub(super) fn steps(self) -> u64 {
        u64::from((self.last - self.first) / self.step) + 1
    }

    /// Iterates over the numbers of the range.
    pub(super) fn numbers(self) -> impl Iterator<Item = u32> {
        let step = usize::try_from(self.step).unwrap_or(usize::MAX);
        (self.first..=self.last).step_by(step)
    }
}

/// Parses a number. BIND: numbers are signed, so the maximum is 2147483647.
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let value: u32 = is_number.then(|| text.parse().ok())??;
    i32::try_from(value).is_ok().then_some(value)
}

/// Replaces each `$` of a pattern by a number; `None` if the text is not a pattern or a number is
/// out of range.
pub(super) fn expand(pattern: &str, number: u32) -> Option<String> {
    if pattern.len() > PATTERN_OCTETS_MAX {
        return None;
    }
    let mut text = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    while let Some(at) = rest.find(['$', '\\']) {
        text.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        if rest[at..].starts_with('\\') {
            let mut characters = tail.chars();
            text.push('\\');
            text.extend(characters.next());
            rest = characters.as_str();
        } else if let Some(tail) = tail.strip_prefix('$') {
            text.push('$');
            rest = tail;
        } else if let Some(tail) = tail.strip_prefix('{') {
            let (modifier, tail) = tail.split_once('}')?;
            push_modified(modifier, number, &mut text)?;
            rest = tail;
        } else {
            write!(text, "{number}").ok()?;
            rest = tail;
        }
    }
    text.push_str(rest);
    Some(text)
}

/// Appends a number in the form that the modifier `offset,width,base` describes.
fn push_modified(modifier: &str, number: u32, text: &mut String) -> Option<()> {
    let mut parts = modifier.split(',');
    let offset: i32 = parts.next()?.parse().ok()?;
    let width: usize = parts.next().map_or(Ok(0), str::parse).ok()?;
    let base = parts.next().unwrap_or("d");
    if parts.next().is_some() || width > WIDTH_MAX {
        return None;
    }
    // BIND: a number below zero has 32 bits in the other bases, which Rust's formats write as well.
    let value = i32::try_from(i64::from(number) + i64::from(offset)).ok()?;
    match base {
        "d" => write!(text, "{value:0width$}").ok(),
        "o" => write!(text, "{value:0width$o}").ok(),
        "x" => write!(text, "{value:0width$x}").ok(),
        "X" => write!(text, "{value:0width$X}").ok(),
        "n" | "N" => {
            push_nibbles(value.cast_unsigned(), width, base == "N", text);
            Some(())
        }
        _ => None,
    }
}

/// Appends hexadecimal digits with dots between them, the lowest first, as in names below
/// `ip6.arpa`. The width counts the dots.
fn push_nibbles(mut value: u32, mut width: usize, is_upper: bool, text: &mut String) {
    loop {
        let digit = char::from_digit(value & 0xf, 16).unwrap_or('0');
        text.push(if is_upper {
            digit.to_ascii_uppercase()
        } else {
            digit
        });
        value >>= 4;
        width = width.saturating_sub(1);
        if width == 0 && value == 0 {
            return;
        }
        text.push('.');
        width = width.saturating_sub(1);
        if width == 0 && value == 0 {
            return;
        }
    }
}
