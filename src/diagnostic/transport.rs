//! The connection to a server, over TCP and TLS.

use super::entry::{Class, Software, entries, hint};

/// The command that prints the pin of a certificate.
macro_rules! pin_command {
    () => {
        "openssl x509 -in CERTIFICATE.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64"
    };
}

/// The page of a file that has no PEM certificate.
macro_rules! pem_certificate {
    ($file:expr) => {
        concat!($file, " must have certificates in PEM: from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`. The command reads DER and PKCS #12, too; if the file holds no certificate, it says so. `openssl pkcs7 -print_certs -in FILE -out FILE.pem` reads PKCS #7.")
    };
}

/// The command that prints the pin of a certificate, for tests.
#[cfg(test)]
pub(crate) const PIN_COMMAND: &str = pin_command!();

entries! {
    LOOKUP_FAILED {
        code: "NB-LOOKUP-FAILED",
        class: Class::Transient,
        text: "cannot look up `{host}`: {source}",
        hints: hint!("run `getent ahosts {host}`"),
        page: "The resolver of this machine gives no answer for the host name in `address`. An address needs no resolver. The command shows what the resolver has.",
    }
    HOST_WITHOUT_ADDRESS {
        code: "NB-HOST-WITHOUT-ADDRESS",
        class: Class::Transient,
        text: "`{host}` has no address",
        hints: hint!("set `address` to an address; run `getent ahosts {host}`"),
        page: "The resolver knows the host name, and neither an A nor an AAAA record of it.",
    }
    CONNECTION_REFUSED {
        code: "NB-CONNECTION-REFUSED",
        class: Class::Transient,
        text: "{peer} refused the connection",
        hints: &[
            (Software::Bind, "see that named runs and `listen-on` in named.conf covers it"),
            (Software::PowerDns, "see that pdns_server runs, and `local-address` in pdns.conf"),
            (Software::Knot, "see that knotd runs, and `listen` in knot.conf"),
            (Software::Unknown, "see there: does `ss -ltn` (UDP: `-lun`) have that port?"),
        ],
        page: "Nothing listens at that address and port. See that the server runs, and that its configuration has the address and the port, for TLS, too: `listen-on` in named.conf, `local-address` in pdns.conf, `listen` in knot.conf.",
    }
    NO_TCP {
        code: "NB-NO-TCP",
        class: Class::Transient,
        text: "{peer} answers by UDP, and takes no TCP",
        hints: hint!("allow TCP in firewalls, or set its `transport = \"udp\"`"),
        page: "The server does not listen on TCP at that address and port, or a firewall drops TCP. Of a server of your own, let it listen on TCP: DNS needs both (RFC 7766), and zones are transferred by TCP alone. \
               A service that takes UPDATEs by UDP alone wants `transport = \"udp\"`; docs/servers/hosted.md says what else it needs.",
    }
    LOOKUP_TIMED_OUT {
        code: "NB-LOOKUP-TIMED-OUT",
        class: Class::Transient,
        text: "{target}: {step} timed out after {after}",
        hints: hint!("see the name servers in /etc/resolv.conf"),
        page: "The resolver of this machine gave no answer in time.",
    }
    CONNECTION_TIMED_OUT {
        code: "NB-CONNECTION-TIMED-OUT",
        class: Class::Transient,
        text: "{target}: {step} timed out after {after}",
        hints: hint!("allow TCP to that port in the firewalls"),
        page: "No answer to the TCP handshake came in time: a firewall that drops, a wrong address, or a host that is down.",
    }
    HANDSHAKE_TIMED_OUT {
        code: "NB-HANDSHAKE-TIMED-OUT",
        class: Class::Transient,
        text: "{target}: {step} timed out after {after}",
        hints: hint!("`openssl s_client -connect {target}`"),
        page: "The server accepted the connection, and its part of the TLS handshake did not come in time. A port for plain DNS (53) does that; the port of DNS over TLS is 853.",
    }
    ANSWER_TIMED_OUT {
        code: "NB-ANSWER-TIMED-OUT",
        class: Class::Transient,
        text: "{target} timed out after {after}",
        hints: hint!("is `address` a DNS port? see its log"),
        page: "The server accepted the connection and then did not answer in time: it may be overloaded, or the port that of another service. If an update was under way, \
               nsbridge first reads the zone again. BIND drops updates beyond `update-quota`.",
    }
    HANDSHAKE_BROKEN_OFF {
        code: "NB-HANDSHAKE-BROKEN-OFF",
        class: Class::Transient,
        text: "{peer} broke off {step} ({how})",
        hints: hint!("`openssl s_client -connect {peer}`"),
        page: "The server, or a device on the way, ended the connection during the TLS handshake. The server's log may say why. The port of DNS over TLS is 853.",
    }
    CONNECTION_CLOSED {
        code: "NB-CONNECTION-CLOSED",
        class: Class::Transient,
        text: "{peer} {how} the connection early",
        hints: hint!("is `address` a DNS port? see its log"),
        page: "The server, or a device on the way, ended the connection too early. The port may be that of another service. The server may be restarting, limit its TCP clients, allow other addresses only or, over TLS, want a client certificate.",
    }
    CONNECTION_CUT {
        code: "NB-CONNECTION-CUT",
        class: Class::Transient,
        text: "{peer} stopped after {octets} octets",
        hints: hint!("see the server's log for the reason"),
        page: "The connection broke off. The server's log, and what lies on the way to it, may say why.",
    }
    CONNECTION_FAILED {
        code: "NB-CONNECTION-FAILED",
        class: Class::Transient,
        text: "{peer} failed: {source}",
        hints: hint!("run `ip route get {host}`; see firewalls"),
        page: "The system reported an error of the connection, such as no route to the host.",
    }
    MESSAGE_TOO_LONG {
        code: "NB-MESSAGE-TOO-LONG",
        class: Class::Transient,
        text: "a message has {octets} octets, more than a frame's {octets_max}",
        hints: hint!("please report this fault in nsbridge"),
        page: "A fault in nsbridge: it divides changes into messages that are short enough.",
    }
    CONNECTION_UNUSABLE {
        code: "NB-CONNECTION-UNUSABLE",
        class: Class::Transient,
        text: "{peer}: an earlier message was cut",
        hints: &[],
        page: "The message before it was sent in part only.",
    }
    NO_ADDRESS_USABLE {
        code: "NB-NO-ADDRESS-USABLE",
        class: Class::Transient,
        text: "none of the {number} addresses of `{host}` can be used: {failures}",
        hints: &[],
        page: "Each address of the host was tried, and the text has the failure of each.",
    }
    TLS {
        code: "NB-TLS",
        class: Class::Context,
        text: "{peer}: {cause}",
        hints: &[],
        page: "",
    }
    TLS_UNKNOWN_ISSUER {
        code: "NB-TLS-UNKNOWN-ISSUER",
        class: Class::Transient,
        text: "no CA in `tls-ca-file` signed its certificate",
        hints: hint!("add its authority, or `tls-pins`"),
        page: concat!("The chain of the server's certificate ends at an authority that the configuration does not name. The pin of a certificate is printed by `", pin_command!(), "`."),
    }
    TLS_SELF_SIGNED {
        code: "NB-TLS-SELF-SIGNED",
        class: Class::Transient,
        text: "its certificate is that of an authority",
        hints: hint!("set `tls-pins` in place of `tls-ca-file`"),
        page: concat!("The server presents the certificate of an authority as its own, as `openssl req -x509` makes it. Such a certificate is trusted by its key. The pin of a certificate is printed by `", pin_command!(), "`."),
    }
    TLS_OTHER_NAME {
        code: "NB-TLS-OTHER-NAME",
        class: Class::Transient,
        text: "certificate for {presented}, not `{expected}`",
        hints: hint!("`tls-name = \"{name}\"`, if right"),
        page: "The server's certificate is for another name than `tls-name`, or than `address` without that. Make sure that the server is the right one, and set `tls-name` to a name in its certificate.",
    }
    TLS_NO_NAME {
        code: "NB-TLS-NO-NAME",
        class: Class::Transient,
        text: "its certificate names no host",
        hints: hint!("use a certificate with a subjectAltName, or `tls-pins`"),
        page: "The server's certificate has no subjectAltName.",
    }
    TLS_OTHER_PIN {
        code: "NB-TLS-OTHER-PIN",
        class: Class::Transient,
        text: "its key fits no pin",
        hints: hint!("if it is right, `tls-pins = [\"{presented}\"]`"),
        page: concat!("The server has another key than those that the configuration trusts. The hint has the pin of the key that it presented. Set `tls-pins` to it if the server prints the same pin by the command below. If the pins differ, something between here and the server answers in its place. The pin of a certificate is printed by `", pin_command!(), "`."),
    }
    TLS_EXPIRED {
        code: "NB-TLS-EXPIRED",
        class: Class::Transient,
        text: "its certificate has expired",
        hints: hint!("renew it, or set this clock: `timedatectl`"),
        page: "By the clock of this machine, the certificate is no longer valid.",
    }
    TLS_NOT_YET_VALID {
        code: "NB-TLS-NOT-YET-VALID",
        class: Class::Transient,
        text: "its certificate is not valid yet",
        hints: hint!("set this clock: `timedatectl set-ntp true`"),
        page: "By the clock of this machine, the certificate becomes valid later.",
    }
    TLS_CLIENT_CERTIFICATE {
        code: "NB-TLS-CLIENT-CERTIFICATE",
        class: Class::Transient,
        text: "it wants another client certificate: {alert}",
        hints: hint!("set `tls-certificate-file`"),
        page: "The server requires a client certificate, or another one than it got. Set `tls-certificate-file` and `tls-key-file` to a certificate that the server's authority has signed.",
    }
    TLS_NOT_SPOKEN {
        code: "NB-TLS-NOT-SPOKEN",
        class: Class::Transient,
        text: "it speaks no TLS on this port",
        hints: hint!("set `transport` to \"tcp\", or the port for TLS (853)"),
        page: "The server answered with something else than TLS.",
    }
    TLS_FAILED {
        code: "NB-TLS-FAILED",
        class: Class::Transient,
        text: "TLS failed: {source}",
        hints: hint!("see the server's log for the handshake"),
        page: "The TLS library reported another error. The server's log may say more.",
    }
    TLS_NO_TRUST {
        code: "NB-TLS-NO-TRUST",
        class: Class::Setup,
        text: "TLS needs `tls-ca-file` or `tls-pins`",
        hints: hint!("set `tls-pins` to the server's pin, or `tls-ca-file`"),
        page: concat!("TLS protects only if the server proves which server it is. For a certificate of a public authority, set `tls-ca-file` to the system's list: /etc/ssl/certs/ca-certificates.crt or /etc/pki/tls/certs/ca-bundle.crt. The pin of a certificate is printed by `", pin_command!(), "`."),
    }
    TLS_NAME_INVALID {
        code: "NB-TLS-NAME-INVALID",
        class: Class::Setup,
        text: "`{name}` is neither a host name nor an IP address",
        hints: hint!("set `tls-name` to a name in the certificate"),
        page: "The name that the server's certificate must have cannot be in any certificate.",
    }
    TLS_FILE_EMPTY {
        code: "NB-TLS-FILE-EMPTY",
        class: Class::Setup,
        text: "`{path}` is empty",
        hints: hint!("copy {part} into it, in PEM"),
        page: "The file must hold the certificate or private key that its option names. A command that failed may have left it empty.",
    }
    TLS_CA_UNREADABLE {
        code: "NB-TLS-CA-UNREADABLE",
        class: Class::Setup,
        text: "`{path}` has a part that is no PEM: {source}",
        hints: hint!("copy it again, each part from its BEGIN to its END line"),
        page: "In the file of authorities, each certificate must begin with the line `-----BEGIN CERTIFICATE-----` and end with `-----END CERTIFICATE-----`, with nothing but base64 between them.",
    }
    TLS_CA_EMPTY {
        code: "NB-TLS-CA-EMPTY",
        class: Class::Setup,
        text: "`{path}` has no PEM certificate",
        hints: hint!("`openssl x509 -in {quoted} -out {quoted}.pem`, and name that file"),
        page: pem_certificate!("The file of authorities"),
    }
    TLS_CERTIFICATE_UNREADABLE {
        code: "NB-TLS-CERTIFICATE-UNREADABLE",
        class: Class::Setup,
        text: "`{path}` has no PEM certificate",
        hints: hint!("`openssl x509 -in {quoted} -out {quoted}.pem`, and name that file"),
        page: pem_certificate!("The file of the client's certificate"),
    }
    TLS_KEY_UNREADABLE {
        code: "NB-TLS-KEY-UNREADABLE",
        class: Class::Setup,
        text: "`{path}` has no PEM private key, or one with a passphrase",
        hints: hint!("`openssl pkey -in {quoted} -out {quoted}.pem`, and name that file"),
        page: "The private key of the client's certificate must be in PEM, and without a passphrase. The command reads DER and PKCS #12, too, and asks for the passphrase; if the file holds no private key, it says so. The new file must belong to the user that nsbridge runs as.",
    }
    TLS_IDENTITY_UNFIT {
        code: "NB-TLS-IDENTITY-UNFIT",
        class: Class::Setup,
        text: "`{key}` is not for `{certificate}`",
        hints: hint!("run `openssl pkey -pubout -in {quoted_key}`, `openssl x509 -noout -pubkey -in {quoted_certificate}`"),
        page: "Both commands print the public key, and must print the same one. If the file of the certificate has several certificates, that of the client must be the first. Set `tls-certificate-file` and `tls-key-file` to files that belong together.",
    }
    TLS_IDENTITY_UNUSABLE {
        code: "NB-TLS-IDENTITY-UNUSABLE",
        class: Class::Setup,
        text: "`{key}` and `{certificate}` cannot be used: {source}",
        hints: hint!("`openssl pkey -noout -text -in {quoted_key}` shows its kind"),
        page: "The TLS library does not know the kind of the private key, or cannot read the certificate. Keys of the kinds RSA (2048 bits and more), ECDSA with the curves P-256 and P-384, and Ed25519 can be used.",
    }
    TLS_UNAVAILABLE {
        code: "NB-TLS-UNAVAILABLE",
        class: Class::Setup,
        text: "TLS cannot be set up: {source}",
        hints: hint!("this is a fault in nsbridge; please report it"),
        page: "The TLS library refuses its own defaults.",
    }
}
