//! Reads the two files `K*.key` and `K*.private` that dnssec-keygen writes: for a private key
//! (SIG(0)), and in its older releases for a shared secret. Hooks from the time before tsig-keygen
//! still have the latter.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::diagnostic::{Diagnose, Diagnostic, case, config as entries, displayed};
use crate::model::{Name, RecordType, Secret};
use crate::wire::{Algorithm, Hash, Key, PrivateKey, PrivateKeyError, PrivateParts};
use crate::zonefile::parse_octets;

/// The fields of an RSA key in a private file, in the order of [`PrivateParts::Rsa`].
const RSA_FIELDS: [&str; 6] = [
    "PrivateExponent",
    "Prime1",
    "Prime2",
    "Exponent1",
    "Exponent2",
    "Coefficient",
];

/// The key in a pair of files.
#[derive(Debug)]
pub(crate) enum PairedKey {
    /// A shared secret (TSIG).
    Shared(Key),
    /// A private key (SIG(0)).
    Private(Box<PrivateKey>),
}

/// A reason why a pair of files gives no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyPairError {
    /// A line is missing or cannot be read.
    Format,
    /// The private key is not in the file, but for example in a hardware module.
    Elsewhere,
    /// A private key has no public file, which holds the KEY record.
    NoPublic,
    /// The public file holds a record other than KEY.
    NotKey,
    Private(PrivateKeyError),
}

displayed!(KeyPairError);

impl Diagnose for KeyPairError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Format => case!(entries::KEY_PAIR_FORMAT),
            Self::Elsewhere => case!(entries::KEY_PAIR_ELSEWHERE),
            Self::NoPublic => case!(entries::KEY_PAIR_NO_PUBLIC),
            Self::NotKey => case!(entries::KEY_PAIR_NOT_KEY),
            Self::Private(source) => case!(entries::KEY_PAIR_PRIVATE, source),
        }
    }
}

/// Returns the path of a pair without the extension of either file: `Kname.+157+12345`.
pub(crate) fn stem(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    for end in [".private", ".key", "."] {
        if let Some(stem) = text.strip_suffix(end).filter(|stem| !stem.is_empty()) {
            return PathBuf::from(stem);
        }
    }
    path.to_owned()
}

/// Parses the key in the texts of two files. Its name is that in the public file, else that in
/// `stem`.
///
/// # Errors
/// [`KeyPairError`].
pub(crate) fn parse(
    private: &Secret<String>,
    public: Option<&str>,
    stem: &Path,
) -> Result<PairedKey, KeyPairError> {
    let fields = Fields(private.expose());
    let code = fields.text("Algorithm")?.split_whitespace().next();
    // The numbers of dnssec-keygen. All others up to 255 sign with a private key.
    let hash = match code.ok_or(KeyPairError::Format)? {
        "157" => Hash::Md5,
        "161" => Hash::Sha1,
        "162" => Hash::Sha224,
        "163" => Hash::Sha256,
        "164" => Hash::Sha384,
        "165" => Hash::Sha512,
        _ => {
            let key = parse_private(&fields, public)?;
            return Ok(PairedKey::Private(Box::new(key)));
        }
    };
    shared(&fields, hash, public, stem).map(PairedKey::Shared)
}

fn shared(
    fields: &Fields<'_>,
    hash: Hash,
    public: Option<&str>,
    stem: &Path,
) -> Result<Key, KeyPairError> {
    let secret = Secret::new(fields.octets("Key")?);
    let bits = fields.text("Bits").and_then(|_| fields.octets("Bits"));
    let bits = match bits.as_deref() {
        Ok([high, low]) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    };
    let whole = Algorithm::new(hash);
    let algorithm = if bits == 0 {
        whole
    } else {
        let text = format!("{whole}-{bits}");
        text.parse().map_err(|_| KeyPairError::Format)?
    };
    let name = public
        .and_then(|text| text.split_whitespace().next())
        .map(str::to_owned)
        .or_else(|| name_in(stem))
        .and_then(|text| text.parse::<Name>().ok())
        .ok_or(KeyPairError::Format)?;
    Key::new(name, algorithm, secret).map_err(|_| KeyPairError::Format)
}

fn parse_private(fields: &Fields<'_>, public: Option<&str>) -> Result<PrivateKey, KeyPairError> {
    let (name, data) = public_record(public.ok_or(KeyPairError::NoPublic)?)?;
    if fields.text("Label").is_ok() {
        return Err(KeyPairError::Elsewhere);
    }
    let parts = if fields.text("PrivateKey").is_ok() {
        PrivateParts::Number(Secret::new(fields.octets("PrivateKey")?))
    } else if fields.text("Prime1").is_ok() {
        let mut parts: [Vec<u8>; 6] = Default::default();
        for (part, field) in parts.iter_mut().zip(RSA_FIELDS) {
            *part = fields.octets(field)?;
        }
        PrivateParts::Rsa(Secret::new(parts))
    } else {
        // The algorithm is not supported; the error of `PrivateKey::new` names it.
        PrivateParts::Number(Secret::new(Vec::new()))
    };
    PrivateKey::new(&name, &data, &parts).map_err(KeyPairError::Private)
}

/// Parses the owner name and RDATA of the KEY record in a public file: `NAME [TTL] [CLASS] KEY
/// DATA`.
fn public_record(text: &str) -> Result<(Name, Vec<u8>), KeyPairError> {
    let mut lines = text.lines().map(str::trim_start);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with(';'));
    let mut words = line.ok_or(KeyPairError::Format)?.split_whitespace();
    let name = words.next().and_then(|word| word.parse().ok());
    // TTL and class may precede the type.
    let has_key = words
        .by_ref()
        .take(3)
        .any(|word| word.eq_ignore_ascii_case("KEY"));
    if !has_key {
        return Err(KeyPairError::NotKey);
    }
    let data = parse_octets(RecordType::KEY, &words.collect::<Vec<_>>().join(" "));
    let data = data.map_err(|_| KeyPairError::Format)?;
    Ok((name.ok_or(KeyPairError::Format)?, data))
}

/// The lines of a private file: `NAME: VALUE`.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn text(&self, wanted: &str) -> Result<&'a str, KeyPairError> {
        let mut lines = self.0.lines().filter_map(|it| it.split_once(':'));
        let line = lines.find(|(name, _)| *name == wanted);
        line.map(|(_, value)| value.trim())
            .ok_or(KeyPairError::Format)
    }

    fn octets(&self, wanted: &str) -> Result<Vec<u8>, KeyPairError> {
        let decoded = BASE64.decode(self.text(wanted)?);
        decoded.map_err(|_| KeyPairError::Format)
    }
}

/// Returns the key's name in a stem: `name.` in `Kname.+157+12345`.
fn name_in(stem: &Path) -> Option<String> {
    let file = stem.file_name()?.to_string_lossy();
    let (name, _) = file.strip_prefix('K')?.split_once('+')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(private: &str, public: Option<&str>) -> Result<Key, KeyPairError> {
        let private = Secret::new(private.to_owned());
        match parse(&private, public, Path::new("/x/Kfoo.test.+163+00001"))? {
            PairedKey::Shared(key) => Ok(key),
            PairedKey::Private(key) => panic!("{key:?} is no shared secret"),
        }
    }

    #[test]
    fn the_name_of_a_key_is_in_its_public_file_or_its_file_name() {
        let private =
            "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: Zm9vYmFy\nBits: AAA=\n";
        let key = read(private, Some("Bar.test. IN KEY 512 3 163 Zm9vYmFy\n")).unwrap();
        assert_eq!(key.name().to_string(), "bar.test.");
        assert_eq!(key.algorithm().to_string(), "hmac-sha256");
        assert_eq!(read(private, None).unwrap().name().to_string(), "foo.test.");
        let truncated = private.replace("AAA=", "AIA=");
        assert_eq!(
            read(&truncated, None).unwrap().algorithm().to_string(),
            "hmac-sha256-128"
        );
        let other = private.replace("163 ", "13 ");
        assert_eq!(read(&other, None), Err(KeyPairError::NoPublic));
        assert_eq!(read("Key: x", None), Err(KeyPairError::Format));
        assert_eq!(
            read(&private.replace("Zm9", "!"), None),
            Err(KeyPairError::Format)
        );
    }

    #[test]
    fn the_stem_is_the_path_without_its_extension() {
        for path in [
            "d/Ka.+157+1.private",
            "d/Ka.+157+1.key",
            "d/Ka.+157+1",
            "d/Ka.+157+1.",
        ] {
            assert_eq!(stem(Path::new(path)), Path::new("d/Ka.+157+1"));
        }
    }
}
