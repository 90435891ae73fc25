//! The creation and deletion of zones over BIND's control channel.

use super::entry::{Class, entries, hint};

entries! {
    RNDC_SETTING_UNWRITABLE {
        code: "NB-RNDC-SETTING-UNWRITABLE",
        class: Class::Setup,
        text: "{what} `{text}` cannot be written in an rndc command",
        hints: hint!("use letters, digits, `-`, `_` and `.` only"),
        page: "A control command cannot quote names, so the name of a view, template or key must do without other \
               characters, here and in named.conf.",
    }
    RNDC_ZONE_UNWRITABLE {
        code: "NB-RNDC-ZONE-UNWRITABLE",
        class: Class::Permanent,
        text: "zone `{zone}`: its name cannot be written in an rndc command",
        hints: hint!("create the zone by hand"),
        page: "A control command cannot quote the zone's name. nsbridge also updates a zone that an operator creates by hand. rndc can carry zone names of letters, digits, `-`, `_` and, not first, `/` only.",
    }
    CONTROL_WITHOUT_RANDOM {
        code: "NB-CONTROL-WITHOUT-RANDOM",
        class: Class::Transient,
        text: "no random number to sign a command: {source}",
        hints: &[],
        page: "The kernel gave no random number, so no command was sent. This does not happen on a healthy machine.",
    }
    CONTROL_UNREACHABLE {
        code: "NB-CONTROL-UNREACHABLE",
        class: Class::Transient,
        text: "cannot reach {server}: {source}",
        hints: hint!("see `controls`"),
        page: "Nothing listens at `control`, or a firewall on the way refuses or drops the packets. named.conf needs `controls { inet * port PORT allow { HOST; } keys { \"KEY\"; }; };`, with this host and the key of `control-key`.",
    }
    CONTROL_CONNECTION_TIMED_OUT {
        code: "NB-CONTROL-CONNECTION-TIMED-OUT",
        class: Class::Transient,
        text: "cannot connect to `control`, {server}: no answer in time",
        hints: hint!("allow TCP to port {port} in the firewalls"),
        page: "No answer to the TCP handshake came in time: a firewall that drops, a wrong address, or a host that is down.",
    }
    CONTROL_UNANSWERED {
        code: "NB-CONTROL-UNANSWERED",
        class: Class::Transient,
        text: "named closed the connection to `control` without an answer",
        hints: hint!("see named's log: port of `controls` (953), key, clock"),
        page: "BIND closes the connection if it refuses the key or the address, and reports the reason only in its log. \
               It also does so while it stops. Compare name, secret and algorithm of `control-key` with the key in \
               named.conf, compare both clocks, and see that `keys` of `controls` names the key, and `allow` this host. Clocks may differ by 300 s at most.",
    }
    CONTROL_LOST {
        code: "NB-CONTROL-LOST",
        class: Class::Transient,
        text: "the connection to `control` broke: {source}",
        hints: hint!("see named's log: it may have been restarted"),
        page: "The connection broke after the server had answered a command, so the last command may have been carried \
               out. The next attempt begins with the zone's status on the server. named's log may have the reason.",
    }
    CONTROL_REPLY_UNUSABLE {
        code: "NB-CONTROL-REPLY-UNUSABLE",
        class: Class::Transient,
        text: "a bad reply from `control`, {server}: {source}",
        hints: hint!("set `control` to the address of named's `controls`"),
        page: "The reply is not one of the control channel, or is not signed with this key. See the address and port in \
               `control`, and `control-key`.",
    }
    CONTROL_COMMAND_TOO_LONG {
        code: "NB-CONTROL-COMMAND-TOO-LONG",
        class: Class::Permanent,
        text: "a command has {octets} octets, more than {limit}",
        hints: hint!("shorten `view` and `template`, or create it by hand"),
        page: "BIND accepts no longer command. See the length of the zone's name, and of the names in the table `provision`.",
    }
    CONTROL_TIMED_OUT {
        code: "NB-CONTROL-TIMED-OUT",
        class: Class::Transient,
        text: "time ran out at `control`: {step}",
        hints: hint!("see named's load, or raise `queue.deadline-seconds`"),
        page: "The deadline of the call passed, or no answer to a command came for as long as `deadline-seconds` says, and \
               for 10 s at least. The server may have carried the command out, so the next attempt begins with the zone's \
               status there. See the load of the server, a firewall that forgets connections, and `deadline-seconds`.",
    }
    RNDC_COMMAND_FAILED {
        code: "NB-RNDC-COMMAND-FAILED",
        class: Class::Permanent,
        text: "zone `{zone}`: `{verb}` failed: {answer}",
        hints: hint!("see named's log for the reason"),
        page: "The server refused the command. The end of the text is the server's.",
    }
    ZONE_NOT_ADDED {
        code: "NB-ZONE-NOT-ADDED",
        class: Class::Transient,
        text: "zone `{zone}`: named failed to add it",
        hints: hint!("see its log, `df`, and `named-checkconf -p | grep directory`"),
        page: "`addzone` failed, and named's log has the reason. Mostly it could not write to its database of added zones, since its disk is full. nsbridge takes back what named kept of the zone.",
    }
    NEW_ZONES_OFF {
        code: "NB-NEW-ZONES-OFF",
        class: Class::Permanent,
        text: "zone `{zone}`: the server allows no new zones",
        hints: hint!("add `allow-new-zones yes;` to `options` or the view"),
        page: "BIND creates zones at run time only with `allow-new-zones yes;`. The setting belongs in `options`, or in the view.",
    }
    VIEW_UNKNOWN {
        code: "NB-VIEW-UNKNOWN",
        class: Class::Permanent,
        text: "zone `{zone}`: {answer}",
        hints: hint!("set `view` to the one whose `match-clients` has the key"),
        page: "The server has no view of that name, or it has views, and the table `provision` names none of them in `view`.",
    }
    TEMPLATE_REFUSED {
        code: "NB-TEMPLATE-REFUSED",
        class: Class::Permanent,
        text: "zone `{zone}`: no zone came from template `{template}`",
        hints: hint!("see named's log, and its `template {template}`"),
        page: "BIND reports the reason only in its log. No zone was created. `nsbridge check` prints the template that \
               named.conf needs. Templates are known since BIND 9.21.9: with an older one set `way = \"seed\"`.",
    }
    TEMPLATE_FILE_MISSING {
        code: "NB-TEMPLATE-FILE-MISSING",
        class: Class::Permanent,
        text: "no file for template `{template}`",
        hints: hint!("see `initial-file` and `file` of `template {template}`"),
        page: "The template's `initial-file` is absent, or named must not write where `file` points. No zone was created. A `/` in the zone's name is a directory there.",
    }
    TEMPLATE_FILE_REFUSED {
        code: "NB-TEMPLATE-FILE-REFUSED",
        class: Class::Permanent,
        text: "zone `{zone}`: named refuses the file of `{template}`: {answer}",
        hints: hint!("repair `initial-file`; remove its copy"),
        page: "The template's `initial-file` is not a valid zone. `named-checkzone` with the file shows why. The copy \
               that named has made of it must be removed, too. named's log names the line.",
    }
    ZONE_FILE_MISSING {
        code: "NB-ZONE-FILE-MISSING",
        class: Class::Permanent,
        text: "zone `{zone}`: the server has no file `{file}`",
        hints: hint!("create it, or set `way = \"seed\"`"),
        page: "With `way = \"file\"`, a program of yours must put the zone's file in place before nsbridge creates the zone. A relative name counts from `directory` in named.conf.",
    }
    CONTENTS_REFUSED {
        code: "NB-CONTENTS-REFUSED",
        class: Class::Permanent,
        text: "zone `{zone}`: its contents are refused: {answer}",
        hints: hint!("see named's log"),
        page: "BIND does not load the zone with these records.",
    }
    NAME_SERVER_WITHOUT_ADDRESS {
        code: "NB-NAME-SERVER-WITHOUT-ADDRESS",
        class: Class::Permanent,
        text: "zone `{zone}`: no name server in it has an address",
        hints: hint!("add address records for {names}"),
        page: "An NS record at the apex names a server within the zone, and the zone has no address of it.",
    }
    BIND_ZONE_NOT_PRIMARY {
        code: "NB-BIND-ZONE-NOT-PRIMARY",
        class: Class::Permanent,
        text: "zone `{zone}`: it is {kind} there",
        hints: hint!("route it to its primary, or remove it there"),
        page: "The zone is a secondary or forward zone there, or one of BIND's own. It stays as it is.",
    }
    BIND_ZONE_NOT_LOADED {
        code: "NB-BIND-ZONE-NOT-LOADED",
        class: Class::Transient,
        text: "zone `{zone}`: the server has not loaded it",
        hints: hint!("see named's log; then `rndc reload`"),
        page: "The zone's file is broken, or the server is still loading it.",
    }
    CONTENTS_NOT_FETCHED {
        code: "NB-CONTENTS-NOT-FETCHED",
        class: Class::Transient,
        text: "not fetched from {from}: {seen}",
        hints: hint!("allow UDP and TCP to {from}; see `serial-query-rate`"),
        page: "With `way = \"seed\"`, BIND fetches the first contents of a new zone from nsbridge. No query arrived: a \
               firewall between both may drop it, or named.conf has no key of that name. The server must reach the address over UDP and TCP; `listen` sets it. By default BIND fetches 20 new zones a second (`serial-query-rate`), so that many zones in one call need more time than it has.",
    }
    CONTENTS_KEY_UNFIT {
        code: "NB-CONTENTS-KEY-UNFIT",
        class: Class::Transient,
        text: "not fetched from {from}: {seen}",
        hints: hint!("compare the transfer key with named.conf"),
        page: "With `way = \"seed\"`, BIND fetches the first contents of a new zone from nsbridge, and its queries must \
               be signed with the transfer key. Name, algorithm and secret must be the same on both sides.",
    }
    CONTENTS_FOR_STRANGER {
        code: "NB-CONTENTS-FOR-STRANGER",
        class: Class::Transient,
        text: "not fetched from {from}: {seen}",
        hints: hint!("if that is the server, allow its UDP"),
        page: "With `way = \"seed\"`, BIND fetches the first contents of a new zone from nsbridge. Only the server may connect: the addresses of `control` and of `address`, and each address from which a query came that the transfer key signed. BIND sends such a query over UDP first, so a firewall that drops it hides which address the server uses.",
    }
    CONTENTS_NOT_TRANSFERRED {
        code: "NB-CONTENTS-NOT-TRANSFERRED",
        class: Class::Transient,
        text: "not fetched from {from}: {seen}",
        hints: hint!("allow TCP, then restart named"),
        page: "With `way = \"seed\"`, BIND fetches the first contents of a new zone from nsbridge. Its queries were \
               answered, and it did not complete the transfer. The server must reach the address over TCP, too. named's log may have the reason. If it says `unreachable (cached)`, two connections to this address and port failed, and BIND makes no other one \
               for 10 minutes. No command ends that (BIND 9.18, 9.20); a restart of named does. A range of ports, such as `listen = \"198.51.100.7:5300-5309\"`, lets nsbridge take another port.",
    }
    ZONE_FILE_UNWRITTEN {
        code: "NB-ZONE-FILE-UNWRITTEN",
        class: Class::Transient,
        text: "zone `{zone}`: named did not write its file",
        hints: hint!("see its log, `df`, and `named-checkconf -p | grep directory`"),
        page: "With `way = \"seed\"`, BIND fetches the first contents of a new zone from nsbridge and writes them to a file in its `directory`, whose path BIND tells no client. It fetched them several times, \
               and no file was there. named's log has the reason: the directory belongs to another user, AppArmor does not let named write there (Debian: only to /var/cache/bind and /var/lib/bind), or the disk is full.",
    }
    LISTEN_FAILED {
        code: "NB-LISTEN-FAILED",
        class: Class::Transient,
        text: "cannot listen on {address}: {source}",
        hints: hint!("change `listen`"),
        page: "`listen` of the table `provision` is no address of this host, or nsbridge may not use the port: ports below 1024 are for root. Without `listen` nsbridge takes a free port. `Too many open files`: the limit of the process (`ulimit -n`) is too low; BIND was not told to fetch anything.",
    }
    LISTEN_BUSY {
        code: "NB-LISTEN-BUSY",
        class: Class::Transient,
        text: "{address} stayed in use by another process",
        hints: hint!("`ss -lnp` shows it; set `listen` to free ports, such as ADDRESS:5300-5309"),
        page: "With a fixed port in `listen`, one process at a time can offer first contents; the deadline of this one \
               passed first. Other processes of nsbridge take turns on it. Of a range of ports, nsbridge takes one that is free.",
    }
}
