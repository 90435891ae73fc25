//! The creation and deletion of zones over `PowerDNS`'s API.

use super::entry::{Class, entries, hint};

entries! {
    API_KEY_UNUSABLE {
        code: "NB-API-KEY-UNUSABLE",
        class: Class::Setup,
        text: "the key of PowerDNS's API has characters that no key has",
        hints: hint!("write the value of `api-key` in pdns.conf to `api-key-file`"),
        page: "The key is a header of each request, which carries visible ASCII characters only. The file holds the key in one line.",
    }
    API_URL_UNUSABLE {
        code: "NB-API-URL-UNUSABLE",
        class: Class::Permanent,
        text: "`url` makes no request: {source}",
        hints: hint!("write `url` as `http://HOST:8081`"),
        page: "`url` is not the URL of an API. pdns.conf needs `api=yes`, `api-key=…`, and `webserver-address` and `webserver-port` as `url` has them, without a path (default port: 8081).",
    }
    API_CONNECTION_REFUSED {
        code: "NB-API-CONNECTION-REFUSED",
        class: Class::Transient,
        text: "`url`: {cause}",
        hints: hint!("does PowerDNS run there, with `api=yes`?"),
        page: "Nothing listens at the address and port of `url`. pdns.conf needs `api=yes`, `api-key=…`, and `webserver-address` and `webserver-port` as `url` has them, without a path (default port: 8081).",
    }
    API_WITHOUT_TLS {
        code: "NB-API-WITHOUT-TLS",
        class: Class::Transient,
        text: "cannot connect to `url` over TLS: {cause}",
        hints: hint!("`url = \"http://{server}\"`"),
        page: "`url` says https, and the TLS handshake failed as it does at a server that does not speak TLS. PowerDNS itself speaks plain HTTP: set `url` to `http://…`, or to the proxy before it that speaks TLS.",
    }
    API_UNREACHABLE {
        code: "NB-API-UNREACHABLE",
        class: Class::Transient,
        text: "cannot connect to `url`: {cause}",
        hints: &[],
        page: "The end of the text says why. See `webserver-address` and `webserver-port` in pdns.conf, http or https in \
               `url`, and the firewalls on the way.",
    }
    API_LOST {
        code: "NB-API-LOST",
        class: Class::Transient,
        text: "`url`: {source}",
        hints: hint!("see `webserver-allow-from`; is `url` the API?"),
        page: "The connection ended before the response, so PowerDNS may have carried out the request. The next attempt \
               begins with the zone's status on the server. PowerDNS hangs up on hosts that `webserver-allow-from` in pdns.conf does not have, and on TLS.",
    }
    API_TIMED_OUT {
        code: "NB-API-TIMED-OUT",
        class: Class::Transient,
        text: "time ran out at `url`: {step}",
        hints: hint!("see its load, or raise `queue.deadline-seconds`"),
        page: "The deadline of the call passed, or no response to a request came for as long as `deadline-seconds` says, and \
               for 10 s at least. The server may have carried the request out, so the next attempt begins with the zone's \
               status there. See the load of the server, a firewall that forgets connections, and `deadline-seconds`.",
    }
    API_ANSWER_TOO_LONG {
        code: "NB-API-ANSWER-TOO-LONG",
        class: Class::Transient,
        text: "an answer from `url` has more than {octets_max} octets",
        hints: hint!("see `api`, `webserver-port`; `url` has no path"),
        page: "No response of the API is so long: another service may listen at `url`. pdns.conf needs `api=yes`, `api-key=…`, and `webserver-address` and `webserver-port` as `url` has them, without a path (default port: 8081).",
    }
    API_KEY_REFUSED {
        code: "NB-API-KEY-REFUSED",
        class: Class::Transient,
        text: "PowerDNS does not accept the API key",
        hints: hint!("`api-key-file` must hold the value of `api-key` in pdns.conf"),
        page: "The server has another API key (status 401).",
    }
    API_FORBIDDEN {
        code: "NB-API-FORBIDDEN",
        class: Class::Transient,
        text: "PowerDNS forbids the request (status 403)",
        hints: hint!("allow this host: `webserver-allow-from` in pdns.conf"),
        page: "The server, or a proxy before it, forbids requests of this host or to this path.",
    }
    API_OTHER_SERVICE {
        code: "NB-API-OTHER-SERVICE",
        class: Class::Transient,
        text: "{server} is not PowerDNS's API (status {status})",
        hints: hint!("see `api`, `webserver-port`; `url` has no path"),
        page: "Another service listens there, or PowerDNS's web pages without the API, or PowerDNS Recursor. pdns.conf needs `api=yes`, `api-key=…`, and `webserver-address` and `webserver-port` as `url` has them, without a path (default port: 8081).",
    }
    API_REDIRECTED {
        code: "NB-API-REDIRECTED",
        class: Class::Transient,
        text: "{server} only redirects (status {status})",
        hints: hint!("set `url` to the API itself, mostly with https"),
        page: "nsbridge sends the API key to `url` only.",
    }
    API_PROXY_FAILED {
        code: "NB-API-PROXY-FAILED",
        class: Class::Transient,
        text: "a proxy answers for PowerDNS at {server} (status {status})",
        hints: hint!("see PowerDNS, and the proxy's log"),
        page: "A proxy does not reach PowerDNS, or limits the rate of requests.",
    }
    POWERDNS_KEY_UNKNOWN {
        code: "NB-POWERDNS-KEY-UNKNOWN",
        class: Class::Permanent,
        text: "PowerDNS lacks key `{key}`",
        hints: hint!("`pdnsutil import-tsig-key {name} ALGORITHM 'SECRET'`"),
        page: "Without the key, nsbridge could neither read nor update the zone; so a creation leaves nothing of it \
               behind. `pdnsutil list-tsig-keys` shows the keys. `pdnsutil generate-tsig-key NAME hmac-sha256` makes \
               a new key there instead, which then belongs in the key file here. Algorithm and secret are those of the key file.",
    }
    POWERDNS_REFUSED {
        code: "NB-POWERDNS-REFUSED",
        class: Class::Permanent,
        text: "PowerDNS refuses {step} (status {status}): {answer}",
        hints: hint!("correct what it names"),
        page: "The end of the text is the server's.",
    }
    POWERDNS_FAILED {
        code: "NB-POWERDNS-FAILED",
        class: Class::Transient,
        text: "PowerDNS refuses {step} (status {status}): {answer}",
        hints: hint!("run `journalctl -u pdns`"),
        page: "The server reports an error of its own, such as one of its database. The end of the text is the server's.",
    }
    POWERDNS_ZONE_NOT_PRIMARY {
        code: "NB-POWERDNS-ZONE-NOT-PRIMARY",
        class: Class::Permanent,
        text: "PowerDNS has it as {kind}",
        hints: hint!("route it there ([[routes]]), or `pdnsutil set-kind {name} primary`"),
        page: "A secondary, producer or consumer zone takes no updates. It stays as it is. Remove it from the server, route the zone to the server's own primary or, if it is this one, make it a primary zone.",
    }
    POWERDNS_ZONE_UNSTEADY {
        code: "NB-POWERDNS-ZONE-UNSTEADY",
        class: Class::Transient,
        text: "it comes and goes on PowerDNS",
        hints: hint!("see PowerDNS's log for the other program"),
        page: "Another program creates and deletes the same zone. See which other programs use the API.",
    }
    POWERDNS_ZONE_ROLLED_BACK {
        code: "NB-POWERDNS-ZONE-ROLLED-BACK",
        class: Class::Context,
        text: "{cause}; removed again",
        hints: &[],
        page: "",
    }
    POWERDNS_ZONE_UNFINISHED {
        code: "NB-POWERDNS-ZONE-UNFINISHED",
        class: Class::Context,
        text: "{cause}; unfinished",
        hints: &[],
        page: "",
    }
}
