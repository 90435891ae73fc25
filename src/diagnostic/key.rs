//! Keys and signatures of requests and responses.

use super::entry::{Class, Software, entries, hint};

entries! {
    KEY_UNKNOWN {
        code: "NB-KEY-UNKNOWN",
        class: Class::Transient,
        text: "the primary lacks `{key}` of this algorithm (BADKEY)",
        hints: &[
            (Software::Bind, "make the `key` of both sides the same"),
            (Software::PowerDns, "`pdnsutil import-tsig-key {key} ALGORITHM KEY`"),
            (Software::Knot, "see the key and the zone's `acl` in knot.conf"),
            (Software::Unknown, "add `{key}` with this algorithm there"),
        ],
        page: "The server has no key of this name, or has another algorithm for it. Knot 3.2 gives the same answer if no `acl` of \
               the zone allows the key; for members of a catalog, the `acl` of the template counts. Algorithm and secret must be those of the key file.",
    }
    KEY_SECRET_DIFFERS {
        code: "NB-KEY-SECRET-DIFFERS",
        class: Class::Transient,
        text: "the primary has another secret for `{key}` (BADSIG)",
        hints: &[
            (Software::PowerDns, "run `pdnsutil list-tsig-keys`"),
            (Software::Knot, "copy its `secret` from knot.conf"),
            (Software::Unknown, "copy its key into the key file"),
        ],
        page: "Both sides know the name of the key, and their secrets differ.",
    }
    CLOCKS_DIFFER {
        code: "NB-CLOCKS-DIFFER",
        class: Class::Transient,
        text: "the primary's clock is {seconds} s {direction} ours (BADTIME)",
        hints: hint!("set both clocks: `timedatectl set-ntp true`"),
        page: "A signature is valid for five minutes around the time of signing.",
    }
    MAC_TRUNCATED {
        code: "NB-MAC-TRUNCATED",
        class: Class::Transient,
        text: "the primary wants full MACs by `{key}` (BADTRUNC)",
        hints: hint!("use `hmac-sha256`, not `hmac-sha256-128`"),
        page: "The algorithm of the key file names a number of bits, and the server requires longer signatures.",
    }
    UPDATES_UNSUPPORTED {
        code: "NB-UPDATES-UNSUPPORTED",
        class: Class::Transient,
        text: "the primary answers {rcode} without a signature",
        hints: hint!("update its primary, or set `query-address`"),
        page: "The server does not implement the request. NSD takes no updates. A hosted service may answer no queries where it takes updates: `query-address` names a server that answers, and with `read = \"none\"` nsbridge asks nothing.",
    }
    UNSIGNED_REFUSAL {
        code: "NB-UNSIGNED-REFUSAL",
        class: Class::Transient,
        text: "the primary answers {rcode} without a signature",
        hints: &[
            (Software::PowerDns, "compare key and clocks: `pdnsutil list-tsig-keys`"),
            (Software::Knot, "see the key `{key}` and the zone's `acl` in knot.conf"),
            (Software::Unknown, "compare the key `{key}` on both sides"),
        ],
        page: "Some servers answer so if the key, its permissions or the zone do not match, or if they are not the primary. Compare \
               both configurations. PowerDNS answers so, too, if the clocks differ by more than 300 s. `nsbridge check` prints the \
               lines that the server needs. Knot answers so if it does not know the key, and if no `acl` of the zone allows it. PowerDNS answers so if it does not have the key, or has another secret or algorithm for it.",
    }
    UNSIGNED_ERROR {
        code: "NB-UNSIGNED-ERROR",
        class: Class::Transient,
        text: "the primary answers {rcode} without a signature",
        hints: hint!("see its log, and compare the key `{key}`"),
        page: "Nothing proves that the response is the server's, since it has no signature. The server may be overloaded or failing.",
    }
    KEYS_ELSEWHERE {
        code: "NB-KEYS-ELSEWHERE",
        class: Class::Transient,
        text: "the key `{key}` has no right in {place}",
        hints: hint!("name `{key}` there"),
        page: "`nsbridge zone rekey` changes the keys of zones that nsbridge created over BIND's control channel, not from a template, or over PowerDNS's API. \
               The keys of another zone stand where the text says. If the primary does not know the key yet, make it known first. \
               `nsbridge check ZONE` prints the lines. Then run `nsbridge zone rekey` again: it ends with 0 when the zone takes the key.",
    }
    RESPONSE_FORGED {
        code: "NB-RESPONSE-FORGED",
        class: Class::Transient,
        text: "untrusted: {source}",
        hints: hint!("check its address and the path to it"),
        page: "The signature of the response is not valid, so nsbridge uses nothing of it. Another machine on the way may answer in place of the primary.",
    }
    RESPONSE_TIME {
        code: "NB-RESPONSE-TIME",
        class: Class::Transient,
        text: "the answer's time is {seconds} s {direction} ours, over {fudge} s",
        hints: hint!("set both clocks: `timedatectl set-ntp true`"),
        page: "The signature is that of the key, and its time is too far from the clock of this machine, so nsbridge uses nothing of the response. One of the clocks is wrong, or another host sends an old response again.",
    }
    RESPONSE_MALFORMED {
        code: "NB-RESPONSE-MALFORMED",
        class: Class::Transient,
        text: "unusable: {source}",
        hints: hint!("see which server listens there"),
        page: "The response is no DNS message, or answers another request. Nothing was changed. The server's log may say more.",
    }
}
