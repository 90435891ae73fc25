//! The older form of a key: two files, `K*.key` and `K*.private`, as dnssec-keygen made them for HMAC.
//! Hooks of the time before tsig-keygen still have them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::model::{Name, Secret};
use crate::wire::{Algorithm, Hash, Key};

/// Why two files give no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyPairError {
    /// A line is missing or cannot be read.
    #[error("bad key format")]
    Format,
    /// The key is a private key, for SIG(0) (RFC 2931).
    #[error("SIG(0) keys are not supported")]
    Asymmetric,
}

/// The name of a pair without what tells its files apart: `Kname.+157+12345`.
pub fn stem(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    for end in [".private", ".key", "."] {
        if let Some(stem) = text.strip_suffix(end).filter(|stem| !stem.is_empty()) {
            return PathBuf::from(stem);
        }
    }
    path.to_owned()
}

/// The key in the two texts; the public one names the key, else the file's name does.
///
/// # Errors
/// [`KeyPairError`].
pub fn parse(
    private: &Secret<String>,
    public: Option<&str>,
    stem: &Path,
) -> Result<Key, KeyPairError> {
    let value = |wanted: &str| {
        let lines = private.expose().lines().filter_map(|it| it.split_once(':'));
        let mut values = lines.filter(|(name, _)| *name == wanted);
        values.next().map(|(_, value)| value.trim())
    };
    let code = value("Algorithm").and_then(|text| text.split_whitespace().next());
    // The numbers of dnssec-keygen; those up to 255 that are not here sign with a private key.
    let hash = match code.ok_or(KeyPairError::Format)? {
        "157" => Hash::Md5,
        "161" => Hash::Sha1,
        "162" => Hash::Sha224,
        "163" => Hash::Sha256,
        "164" => Hash::Sha384,
        "165" => Hash::Sha512,
        _ => return Err(KeyPairError::Asymmetric),
    };
    let decode = |text: &str| BASE64.decode(text).map_err(|_| KeyPairError::Format);
    let secret = Secret::new(decode(value("Key").ok_or(KeyPairError::Format)?)?);
    let bits = match value("Bits").map(decode).transpose()?.as_deref() {
        Some([high, low]) => u16::from_be_bytes([*high, *low]),
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

/// `Kname.+157+12345` to `name.`
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
        parse(&private, public, Path::new("/x/Kfoo.test.+163+00001"))
    }

    #[test]
    fn a_pair_is_named_by_its_public_file_or_by_its_name() {
        let private =
            "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: Zm9vYmFy\nBits: AAA=\n";
        let key = read(private, Some("Bar.test. IN KEY 512 3 163 Zm9vYmFy\n")).unwrap();
        assert_eq!(key.name().to_string(), "Bar.test.");
        assert_eq!(key.algorithm().to_string(), "hmac-sha256");
        assert_eq!(read(private, None).unwrap().name().to_string(), "foo.test.");
        let cut = private.replace("AAA=", "AIA=");
        assert_eq!(
            read(&cut, None).unwrap().algorithm().to_string(),
            "hmac-sha256-128"
        );
        let other = private.replace("163 ", "13 ");
        assert_eq!(read(&other, None), Err(KeyPairError::Asymmetric));
        assert_eq!(read("Key: x", None), Err(KeyPairError::Format));
        assert_eq!(
            read(&private.replace("Zm9", "!"), None),
            Err(KeyPairError::Format)
        );
    }

    #[test]
    fn the_stem_is_the_path_without_its_end() {
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
