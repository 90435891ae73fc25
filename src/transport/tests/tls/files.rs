//! Tests of the files of TLS settings: each error names its file, and the commands of its hint repair it.

use super::*;

/// Returns the error of settings.
fn error(settings: &TlsSettings) -> TlsError {
    TlsClient::new(settings).unwrap_err()
}

fn code(error: &TlsError) -> &'static str {
    error.diagnostic().code()
}

/// Runs each command of the hint of an error, with this text behind it. Returns what they print.
fn run_hint(error: &TlsError, options: &str) -> Vec<String> {
    let hint = error.diagnostic().hint().unwrap();
    let commands = hint.split('`').skip(1).step_by(2);
    let commands = commands.filter(|it| it.starts_with("openssl "));
    let run = |command| {
        let command = format!("{command}{options}");
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    commands.map(run).collect()
}

impl Certificates {
    /// Converts a file by openssl.
    fn convert(&self, command: &str, from: &str, to: &str) {
        let (from, to) = (self.path(from), self.path(to));
        let words = command.split(' ').chain(["-in", &from, "-out", &to]);
        let output = Command::new("openssl").args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn with_ca(&self, file: &str) -> TlsSettings {
        TlsSettings {
            ca_pem: Some(self.pem(file)),
            ..self.by_authority("ca", "primary.test")
        }
    }

    fn with_client(&self, certificate: &str, key: &str) -> TlsSettings {
        TlsSettings {
            client: Some(ClientIdentity {
                certificate_pem: self.pem(certificate),
                key_pem: self.private(key),
            }),
            ..self.by_authority("ca", "primary.test")
        }
    }
}

#[test]
fn settings_without_trust_or_with_a_bad_name_are_errors() {
    let certs = Certificates::new();
    let no_trust = error(&TlsSettings {
        ca_pem: None,
        ..certs.by_authority("ca", "primary.test")
    });
    assert_eq!(code(&no_trust), "NB-TLS-NO-TRUST");
    let name = error(&certs.by_authority("ca", "a b"));
    assert_eq!(code(&name), "NB-TLS-NAME-INVALID");
}

#[test]
fn the_command_of_a_hint_makes_a_file_that_can_be_used() {
    let certs = Certificates::new();
    certs.convert("x509 -outform der", "ca.pem", "ca.der");
    certs.convert("x509 -trustout", "ca.pem", "ca.trusted");
    for file in ["ca.der", "ca.trusted"] {
        let unreadable = error(&certs.with_ca(file));
        assert_eq!(code(&unreadable), "NB-TLS-CA-EMPTY");
        run_hint(&unreadable, "");
        TlsClient::new(&certs.with_ca(&format!("{file}.pem"))).unwrap();
    }

    certs.convert("x509 -outform der", "client.pem", "client.der");
    let unreadable = error(&certs.with_client("client.der", "client.key"));
    assert_eq!(code(&unreadable), "NB-TLS-CERTIFICATE-UNREADABLE");
    run_hint(&unreadable, "");
    TlsClient::new(&certs.with_client("client.der.pem", "client.key")).unwrap();

    certs.convert("pkey -outform der", "client.key", "key.der");
    let encrypted = "pkey -aes256 -passout pass:word";
    certs.convert(encrypted, "client.key", "key.pass");
    let encrypted = "ec -aes256 -passout pass:word";
    certs.convert(encrypted, "client.key", "key.traditional");
    for file in ["key.der", "key.pass", "key.traditional"] {
        let unreadable = error(&certs.with_client("client.pem", file));
        assert_eq!(code(&unreadable), "NB-TLS-KEY-UNREADABLE", "{file}");
        run_hint(&unreadable, " -passin pass:word");
        TlsClient::new(&certs.with_client("client.pem", &format!("{file}.pem"))).unwrap();
    }
}

#[test]
fn a_key_of_another_certificate_shows_by_the_commands_of_the_hint() {
    let certs = Certificates::new();
    let unfit = error(&certs.with_client("server.pem", "client.key"));
    assert_eq!(code(&unfit), "NB-TLS-IDENTITY-UNFIT");
    let printed = run_hint(&unfit, "");
    assert_eq!(printed.len(), 2);
    assert!(printed[0].starts_with("-----BEGIN PUBLIC KEY-----"));
    assert_ne!(printed[0], printed[1]);

    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"];
    certs.create("odd", &curve);
    let odd = error(&certs.with_client("odd.pem", "odd.key"));
    assert_eq!(code(&odd), "NB-TLS-IDENTITY-UNUSABLE");
    let printed = run_hint(&odd, "").concat();
    assert!(printed.contains("secp256k1"), "{printed}");
}

#[test]
fn a_file_that_is_empty_or_broken_is_named() {
    let certs = Certificates::new();
    std::fs::write(certs.path("empty"), " \n").unwrap();
    for settings in [
        certs.with_ca("empty"),
        certs.with_client("empty", "client.key"),
        certs.with_client("client.pem", "empty"),
    ] {
        let empty = error(&settings);
        assert_eq!(code(&empty), "NB-TLS-FILE-EMPTY");
        assert_eq!(
            empty.to_string(),
            format!("`{}` is empty", certs.path("empty"))
        );
    }
    let torn = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    std::fs::write(certs.path("torn"), torn).unwrap();
    let torn = error(&certs.with_ca("torn"));
    assert_eq!(code(&torn), "NB-TLS-CA-UNREADABLE");
    let torn = error(&certs.with_client("torn", "client.key"));
    assert_eq!(code(&torn), "NB-TLS-CERTIFICATE-UNREADABLE");
}

#[test]
fn errors_of_a_private_key_show_no_part_of_it() {
    let certs = Certificates::new();
    let key = certs.read("client.key");
    std::fs::write(certs.path("cut"), &key[..key.len() / 2]).unwrap();
    let secret = String::from_utf8(key).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    for settings in [
        certs.with_client("client.pem", "cut"),
        certs.with_client("server.pem", "client.key"),
        certs.with_client("client.key", "client.key"),
    ] {
        let error = error(&settings);
        let shown = format!("{error} {error:?} {:?}", error.diagnostic());
        assert!(!shown.contains(secret), "{shown}");
    }
}
