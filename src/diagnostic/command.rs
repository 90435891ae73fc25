//! The command line: its arguments, its input and output, and what single commands report.

use super::entry::{Class, entries, hint};

entries! {
    USAGE {
        code: "NB-USAGE",
        class: Class::Setup,
        text: "{problem}",
        hints: hint!("`{help}` shows its arguments"),
        page: "The command line has a command, option or value that does not exist, lacks one, or has two that exclude each other. nsbridge's own options of `nsbridge nsupdate` are among those of `nsbridge nsupdate --help`; there the status is 1, as nsupdate has it.",
    }
    NO_AUTHORITIES {
        code: "NB-NO-AUTHORITIES",
        class: Class::Setup,
        text: "no certificate authorities are installed on this machine",
        hints: hint!("name a file of them by `-A`, or install `ca-certificates`"),
        page: "`nsbridge nsupdate -S` verifies the server by the authorities of the system: /etc/ssl/certs/ca-certificates.crt or /etc/pki/tls/certs/ca-bundle.crt. Neither is there. For a server with an authority of your own, name its certificate by `-A`.",
    }
    INPUT_UNREADABLE {
        code: "NB-INPUT-UNREADABLE",
        class: Class::Input,
        text: "cannot read {input}: {source}",
        hints: hint!("name a file that can be read, or `-` for standard input"),
        page: "The file on the command line cannot be read, or standard input failed. Nothing was attempted.",
    }
    FAULT {
        code: "NB-FAULT",
        class: Class::Remark,
        text: "internal error: {source}",
        hints: hint!("report it, please"),
        page: "The system gave this process no runtime or no signals, a part of the program failed, or a document cannot be written as JSON (status 70). Jobs that are in the queue stay there.",
    }
    OUTPUT_LOST {
        code: "NB-OUTPUT-LOST",
        class: Class::Remark,
        text: "cannot write to standard output: {source}",
        hints: hint!("free space there, and run the command again"),
        page: "Results are missing in the output (status 70). The changes themselves are not affected.",
    }
    CODE_UNKNOWN {
        code: "NB-CODE-UNKNOWN",
        class: Class::Setup,
        text: "`{code}` is no code of a message",
        hints: hint!("`nsbridge explain` lists the codes"),
        page: "`nsbridge explain` has no page of that name.",
    }
    KEY_CHOICE {
        code: "NB-KEY-CHOICE",
        class: Class::Setup,
        text: "`{path}` has the keys {names}",
        hints: hint!("name one of them by `--key`"),
        page: "The file of `--key-file` has several keys, and `--key` names none of them.",
    }
    CHALLENGE_NAME_INVALID {
        code: "NB-CHALLENGE-NAME-INVALID",
        class: Class::Input,
        text: "`{name}`: {source}",
        hints: hint!("with `--exact` nothing is put in front of the name"),
        page: "With `_acme-challenge` in front, the name is too long for a domain name. Nothing was attempted.",
    }
    CHALLENGE_NOT_SEEN {
        code: "NB-CHALLENGE-NOT-SEEN",
        class: Class::Transient,
        text: "not seen by all name servers after {seconds} s: {missing}",
        hints: hint!("see whether the primary notifies them"),
        page: "The primary has the change. The name servers that the text names, each with the reason, do not show it yet. If the zone has no name servers that could be asked, it has no NS records, or none of their names has an address. See whether they answer over TCP, too.",
    }
    HOST_NAME_INVALID {
        code: "NB-HOST-NAME-INVALID",
        class: Class::Input,
        text: "{source}",
        hints: hint!("give the address first, then the name of the host that has it"),
        page: "A PTR value that is to be added must be the name of a host: neither the root nor an address. A value that is there already can be removed. Nothing was attempted.",
    }
    PTR_NETWORKS_EMPTY {
        code: "NB-PTR-NETWORKS-EMPTY",
        class: Class::Permanent,
        text: "`ptr.networks` is empty",
        hints: hint!("name the networks whose PTR records nsbridge may change"),
        page: "The configuration allows nsbridge to manage the PTR records of no address. Nothing was attempted, and nothing is kept in the queue.",
    }
    PTR_ADDRESSES_OUTSIDE {
        code: "NB-PTR-ADDRESSES-OUTSIDE",
        class: Class::Remark,
        text: "{outside} of {all} addresses are outside `ptr.networks`, and left alone",
        hints: hint!("add the networks that are yours to `ptr.networks`"),
        page: "nsbridge changes PTR records of addresses in `ptr.networks` only. `-v` prints this.",
    }
    PTR_OTHER_ADDRESS {
        code: "NB-PTR-OTHER-ADDRESS",
        class: Class::Remark,
        text: "the host does not have this address",
        hints: hint!("`--prune` removes the value"),
        page: "A PTR value that nsbridge did not add names a host of the zone which has other addresses. The value stays.",
    }
    PTR_ZONE_UNREAD {
        code: "NB-PTR-ZONE-UNREAD",
        class: Class::Remark,
        text: "old values not seen: {cause}",
        hints: &[],
        page: "The reverse zone cannot be read, for the reason in the text. The values that the zone asks for are added all the same.",
    }
    PTR_ZONE_FROM_MEMORY {
        code: "NB-PTR-ZONE-FROM-MEMORY",
        class: Class::Remark,
        text: "values of others are not seen, since `{primary}` is read from memory",
        hints: hint!("allow the transfer, and set `read = \"transfer\"`"),
        page: "nsbridge does not read the zones of this primary (`read = \"memory\"` or `\"none\"`). PTR values of others there are neither reported nor removed.",
    }
    SERIAL_FAR_BEHIND {
        code: "NB-SERIAL-FAR-BEHIND",
        class: Class::Remark,
        text: "the serial is far behind {newest} of an earlier call; the later call counts",
        hints: hint!("was a clock set back, or a server restored?"),
        page: "Calls about a zone are ordered by their serials. This call is so much older than an earlier one that a clock must have been set back, or a server was restored. It is carried out.",
    }
    JOB_UNKNOWN {
        code: "NB-JOB-UNKNOWN",
        class: Class::Input,
        text: "there is no job `{job}`",
        hints: hint!("`nsbridge queue list` shows the jobs that there are"),
        page: "No job has that number, or is about that zone or address. It may be delivered by now: a job leaves the queue when its change is in place.",
    }
    ZONE_NOT_KEPT {
        code: "NB-ZONE-NOT-KEPT",
        class: Class::Input,
        text: "no deletion within {days} days has removed it",
        hints: hint!("`nsbridge log` shows what was deleted"),
        page: "nsbridge keeps the contents of a zone that a deletion removed for as many days as `history-days` says, and this zone is not among them. Perhaps it was not deleted, or longer ago, or by another installation.",
    }
    ZONE_NEVER_DELIVERED {
        code: "NB-ZONE-NEVER-DELIVERED",
        class: Class::Input,
        text: "nothing was delivered to it",
        hints: hint!("`nsbridge zone list` shows the zones that nsbridge knows"),
        page: "nsbridge compares and brings back what it has delivered, and it has delivered nothing to this zone, or a deletion has removed it since.",
    }
    PRUNE_UNREAD {
        code: "NB-PRUNE-UNREAD",
        class: Class::Setup,
        text: "`--prune` cannot be done on `{primary}`, whose zones are not read",
        hints: hint!("set `read = \"transfer\"`, or leave `--prune` away"),
        page: "`--prune` removes records that others wrote, and must read the zone to find them (status 64). The primary has `read = \"memory\"` or `\"none\"`, so nsbridge does not see what others wrote. Let it transfer the zone, or remove those records by hand.",
    }
    NAME_SERVER_INVALID {
        code: "NB-NAME-SERVER-INVALID",
        class: Class::Input,
        text: "name server {nameserver}: {source}",
        hints: hint!("give the name of a host"),
        page: "A name server must be the name of a host: neither the root nor an address. Nothing was attempted. Its address stands in the zone that the name is in.",
    }
    ADOPTION_UNNOTICED {
        code: "NB-ADOPTION-UNNOTICED",
        class: Class::Remark,
        text: "`{instance}` does not notice this, and may go on changing the zone",
        hints: hint!("put the zone into `deny-zones` of that installation"),
        page: "This installation adopted the zone of another one, on a primary without a catalog, where installations do not see each other. If the other \
               installation still has the zone, both change it.",
    }
    WORKER_LOCK_FAILED {
        code: "NB-WORKER-LOCK-FAILED",
        class: Class::Setup,
        text: "cannot lock `{path}`: {source}",
        hints: hint!("run `ls -ld {directory}` and `df {directory}`, or set `queue.path`"),
        page: "The worker locks a file beside that of the queue, so that there is only one worker. The system does not let it.",
    }
    WORKER_TAKEN {
        code: "NB-WORKER-TAKEN",
        class: Class::Permanent,
        text: "another `nsbridge serve` works on `{path}`",
        hints: hint!("stop one of them, or set another `queue.path`"),
        page: "A queue has one worker. The other one goes on. One worker is enough for all primaries.",
    }
    SERVE_LISTEN_FAILED {
        code: "NB-SERVE-LISTEN-FAILED",
        class: Class::Setup,
        text: "cannot listen on {address}: {source}",
        hints: hint!("set another `serve.listen`, or stop what listens there"),
        page: "The worker answers `/metrics` and `/health` at the address of `listen` under `[serve]`, and the system does not give it that address and port: another program has the port, the address is none of this machine, or a port below 1024 needs rights of root.",
    }
    PRIMARY_UNREACHABLE {
        code: "NB-PRIMARY-UNREACHABLE",
        class: Class::Remark,
        text: "{primary} does not answer; it is tried again in {seconds} s",
        hints: hint!("`nsbridge check` shows why, and what to do"),
        page: "The worker leaves the primary alone for a while, and its jobs wait. The jobs of other primaries go on.",
    }
    CATALOG_BROUGHT_BACK {
        code: "NB-CATALOG-BROUGHT-BACK",
        class: Class::Remark,
        text: "the catalog on {primary} lost {entries} entries; they are back",
        hints: hint!("find out which key removed them"),
        page: "Entries of this installation were gone from the catalog, or the primary had lost the catalog. The worker found that by its audit and wrote the entries again, with their labels, so that secondaries keep the zones or get them back.",
    }
    ZONE_DIFFERS {
        code: "NB-ZONE-DIFFERS",
        class: Class::Remark,
        text: "{key} differs on {primary}: {first} and {more} more",
        hints: hint!("run `nsbridge audit --repair {key}`"),
        page: "`nsbridge audit` shows the differences. The worker compares each zone from time to time with what was delivered to it, and somebody has changed this one on its primary since. `nsbridge status` shows all zones that differ.",
    }
    PRIMARY_BACK {
        code: "NB-PRIMARY-BACK",
        class: Class::Remark,
        text: "{primary} answers again",
        hints: &[],
        page: "The worker now delivers the jobs that waited for the primary.",
    }
}
