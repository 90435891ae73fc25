//! The input of a command: a file, or standard input.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use crate::model::{Name, NameError};

/// Reads a file, or standard input if `file` is `None`. Reads one octet more than the parser
/// accepts, so that the parser can report that the input is too long.
pub(super) fn read(file: Option<&Path>, octets_max: usize) -> io::Result<Vec<u8>> {
    let input: Box<dyn Read> = match file {
        Some(file) => Box::new(File::open(file)?),
        None => Box::new(io::stdin()),
    };
    read_up_to(input, octets_max)
}

/// Reads a regular file, as [`read`] does: whoever writes the folder of a file must not make root wait for a pipe, or open
/// a device.
pub(super) fn read_regular(file: &Path, octets_max: usize) -> io::Result<Vec<u8>> {
    let nonblock = i32::try_from(OFlags::NONBLOCK.bits()).expect("the flag is a small number");
    let irregular = || io::Error::other("it is no regular file");
    if !file.metadata()?.is_file() {
        return Err(irregular());
    }
    let input = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(file)?;
    // Meanwhile the path may name something else.
    if !input.metadata()?.is_file() {
        return Err(irregular());
    }
    read_up_to(input, octets_max)
}

fn read_up_to(input: impl Read, octets_max: usize) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    input.take(octets_max as u64 + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

/// Returns the file that an argument names; `None` if it names standard input.
pub(super) fn file(argument: &Path) -> Option<&Path> {
    Some(argument).filter(|file| *file != Path::new("-"))
}

/// Parses a name of the command line; one in Unicode has its ASCII form (UTS 46, non-transitional).
pub(super) fn name(text: &str) -> Result<Name, String> {
    if text.is_ascii() {
        return text.parse().map_err(|error: NameError| error.to_string());
    }
    let ascii = idna::domain_to_ascii(text).map_err(|_| "the name has no ASCII form (IDNA)")?;
    name(&ascii)
}
