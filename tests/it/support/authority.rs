//! Certificate authorities, servers' and clients' certificates, made by the real `openssl`.

use std::path::{Path, PathBuf};

use crate::support::process;

/// What kinds of certificates there are, in openssl's own words.
const KINDS: &str = "[req]\ndistinguished_name = none\n[none]\n\
    [authority]\nbasicConstraints = critical, CA:TRUE\n\
    [bearer]\nbasicConstraints = CA:FALSE\n";

/// An authority: its certificate and its key, in a directory.
#[derive(Debug)]
pub(crate) struct Authority {
    directory: PathBuf,
    name: String,
}

impl Authority {
    /// Makes one: the files `NAME.crt` and `NAME.key`.
    #[track_caller]
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        let authority = Self::at(directory, name);
        let subject = format!("/CN={name}");
        authority.make(name, &["-subj", &subject, "-extensions", "authority"]);
        authority
    }

    /// The one whose files are there.
    pub(crate) fn at(directory: &Path, name: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Its own certificate, in PEM.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.file(&self.name, "crt")
    }

    /// Makes a certificate: the files `NAME.crt` and `NAME.key` beside its own. `names` is such as
    /// `DNS:ns.test,IP:127.0.0.1`.
    #[track_caller]
    pub(crate) fn issue(&self, name: &str, names: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (self.certificate(), self.file(&self.name, "key"));
        let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
        let (subject, names) = (format!("/CN={name}"), format!("subjectAltName={names}"));
        let bearer = [
            "-extensions",
            "bearer",
            "-addext",
            &names,
            "-subj",
            &subject,
        ];
        self.make(
            name,
            &[&bearer[..], &["-CA", &certificate, "-CAkey", &key]].concat(),
        );
        (self.file(name, "crt"), self.file(name, "key"))
    }

    fn make(&self, name: &str, more: &[&str]) {
        let kinds = self.file("kinds", "cnf");
        std::fs::write(&kinds, KINDS)
            .unwrap_or_else(|error| panic!("{}: {error}", kinds.display()));
        let (certificate, key) = (self.file(name, "crt"), self.file(name, "key"));
        let paths = [&kinds, &key, &certificate].map(|path| path.to_string_lossy());
        let [kinds, key, certificate] = paths.each_ref().map(|path| &**path);
        let curve = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ];
        let files = [
            "-config",
            kinds,
            "-keyout",
            key,
            "-out",
            certificate,
            "-days",
            "2",
        ];
        process::run_ok(
            "openssl",
            &[&["req", "-x509"], &curve[..], &files, more].concat(),
        );
    }

    fn file(&self, name: &str, kind: &str) -> PathBuf {
        self.directory.join(format!("{name}.{kind}"))
    }
}
