//! Plesk's payload.

use super::entry::{Class, entries, hint};

/// The hint for JSON that has another structure than Plesk's.
macro_rules! structure {
    () => {
        hint!("see what called nsbridge, or report the payload")
    };
}

entries! {
    PAYLOAD_NOT_JSON {
        code: "NB-PAYLOAD-NOT-JSON",
        class: Class::Input,
        text: "the payload is not JSON (line {line}, column {column}): {source}",
        hints: hint!("Plesk's JSON is expected, an array of commands"),
        page: "Standard input, or the file, is not valid JSON as a whole. nsbridge uses no part of it.",
    }
    PAYLOAD_TOO_LARGE {
        code: "NB-PAYLOAD-TOO-LARGE",
        class: Class::Input,
        text: "the payload has {octets} octets, more than the {limit} that are taken",
        hints: hint!("send the commands in several calls"),
        page: "nsbridge takes no larger payload. Nothing of it is used.",
    }
    PAYLOAD_TOO_MANY_COMMANDS {
        code: "NB-PAYLOAD-TOO-MANY-COMMANDS",
        class: Class::Input,
        text: "the payload has {commands} commands, more than the {limit} that are taken",
        hints: hint!("send the commands in several calls"),
        page: "nsbridge takes no more commands in one payload. Nothing of it is used.",
    }
    PAYLOAD_PART {
        code: "NB-PAYLOAD-PART",
        class: Class::Context,
        text: "{place} left out: {cause}: `{excerpt}`",
        hints: &[],
        page: "",
    }
    PAYLOAD_PLACE {
        code: "NB-PAYLOAD-PLACE",
        class: Class::Context,
        text: "{place} left out: {cause}",
        hints: &[],
        page: "",
    }
    PAYLOAD_TTL_OF {
        code: "NB-PAYLOAD-TTL-OF",
        class: Class::Context,
        text: "{place}: {cause}: `{excerpt}`",
        hints: &[],
        page: "",
    }
    PAYLOAD_NOTE {
        code: "NB-PAYLOAD-NOTE",
        class: Class::Context,
        text: "{place}: {cause}",
        hints: &[],
        page: "",
    }
    PAYLOAD_WRONG_SHAPE {
        code: "NB-PAYLOAD-WRONG-SHAPE",
        class: Class::Input,
        text: "{found} stands where {expected} belongs",
        hints: structure!(),
        page: "A value of the payload has another type than Plesk's JSON has at this place.",
    }
    PAYLOAD_BAD_STRING {
        code: "NB-PAYLOAD-BAD-STRING",
        class: Class::Input,
        text: "a string has a `\\u` escape that is no character",
        hints: structure!(),
        page: "An escape in a string is half of a surrogate pair, which stands for no character.",
    }
    PAYLOAD_MISSING {
        code: "NB-PAYLOAD-MISSING",
        class: Class::Input,
        text: "`{key}` is missing",
        hints: structure!(),
        page: "A command, zone or record lacks a member that it must have.",
    }
    PAYLOAD_UNKNOWN_COMMAND {
        code: "NB-PAYLOAD-UNKNOWN-COMMAND",
        class: Class::Input,
        text: "the command is unknown",
        hints: hint!("known: `create`, `update`, `delete`, `createPTRs`, `deletePTRs`"),
        page: "The payload has a command that nsbridge does not know. Its other commands are carried out. The commands are `create`, `update`, `delete`, `createPTRs` and `deletePTRs`.",
    }
    PAYLOAD_ZONE_NAME {
        code: "NB-PAYLOAD-ZONE-NAME",
        class: Class::Input,
        text: "the zone name is wrong: {source}",
        hints: hint!("correct the name of the domain in Plesk"),
        page: "The name of the zone is no domain name, so the whole command is left out. Names are taken as they are sent; Plesk sends internationalised ones as `xn--…`, and nsbridge converts none.",
    }
    PAYLOAD_ROOT_ZONE {
        code: "NB-PAYLOAD-ROOT-ZONE",
        class: Class::Input,
        text: "the root zone is not served",
        hints: hint!("give the zone a name of at least one label"),
        page: "The name of the zone is `.`, the root. The whole command is left out.",
    }
    PAYLOAD_TOO_MANY_RECORDS {
        code: "NB-PAYLOAD-TOO-MANY-RECORDS",
        class: Class::Input,
        text: "the zone has {records} records, more than the {limit} that are taken",
        hints: hint!("delegate a part of it"),
        page: "nsbridge takes no larger zone. The whole command is left out, and the zone stays as it is.",
    }
    PAYLOAD_MAILBOX {
        code: "NB-PAYLOAD-MAILBOX",
        class: Class::Input,
        text: "the mailbox is wrong: {source}",
        hints: hint!("correct it in the SOA settings of the zone in Plesk"),
        page: "The address of the zone's hostmaster is no mailbox `user@domain`. Only the mailbox of the SOA record stays as it is.",
    }
    PAYLOAD_NUMBER {
        code: "NB-PAYLOAD-NUMBER",
        class: Class::Input,
        text: "this is no whole number from 0 to {max}",
        hints: hint!("correct the number in the DNS settings of the domain in Plesk"),
        page: "A number of the SOA record is no number, or is out of its range. Only that field stays as it is.",
    }
    PAYLOAD_TTL {
        code: "NB-PAYLOAD-TTL",
        class: Class::Input,
        text: "the TTL is no whole number from 0 to {max}; {taken} is taken",
        hints: hint!("correct the TTL of the record in Plesk"),
        page: "The record is delivered with the TTL of the zone, which is that of its SOA record.",
    }
    PAYLOAD_OUT_OF_ZONE {
        code: "NB-PAYLOAD-OUT-OF-ZONE",
        class: Class::Input,
        text: "the name is not in the zone `{zone}`",
        hints: hint!("remove it in Plesk, or create it in its zone"),
        page: "The owner name of the record does not end in the name of the zone. The record is left out.",
    }
    PAYLOAD_NAME {
        code: "NB-PAYLOAD-NAME",
        class: Class::Input,
        text: "{source}",
        hints: hint!("correct the name of the record in Plesk"),
        page: "The owner name of a record, or a name in its data, is no domain name: it is too long, has an empty label, a blank or a bad escape, or a character outside ASCII. Names are taken as they are sent; Plesk sends internationalised ones as `xn--…`. Nothing is converted, since full-width letters or ideographic full stops would then name the zone of another customer.",
    }
    PAYLOAD_NO_HOST_NAME {
        code: "NB-PAYLOAD-NO-HOST-NAME",
        class: Class::Input,
        text: "{source}",
        hints: hint!("set its value to the name of a host"),
        page: "A name in the data of a record, such as the target of a CNAME, NS, MX or SRV record, is written as an address or a URL, or has a `@`; or a PTR value that is to be added is one of these or the root. It is left out. A PTR value that is there already can be removed.",
    }
    PAYLOAD_BELOW_DELEGATION {
        code: "NB-PAYLOAD-BELOW-DELEGATION",
        class: Class::Input,
        text: "the name is below the delegation of `{delegation}`",
        hints: hint!("remove it, or the NS records that delegate"),
        page: "NS records below the apex give the names below them to another zone. This zone may have the addresses of name servers there (glue), and nothing else. Create the record in the delegated zone, or remove the NS records that delegate it.",
    }
    PAYLOAD_DS_AT_APEX {
        code: "NB-PAYLOAD-DS-AT-APEX",
        class: Class::Input,
        text: "a DS record stands at the zone's own apex",
        hints: hint!("remove it in Plesk: it belongs in the parent zone"),
        page: "The DS records of a zone are in the zone above it (RFC 4035 section 2.4): the registrar adds them there.",
    }
    PAYLOAD_DS_WITHOUT_DELEGATION {
        code: "NB-PAYLOAD-DS-WITHOUT-DELEGATION",
        class: Class::Input,
        text: "no NS record delegates the name",
        hints: hint!("add the NS records, or drop the DS"),
        page: "A DS record belongs beside the NS records of a delegated zone (RFC 4035 section 2.4).",
    }
    PAYLOAD_CNAME_AT_APEX {
        code: "NB-PAYLOAD-CNAME-AT-APEX",
        class: Class::Input,
        text: "a CNAME record stands at the zone's apex",
        hints: hint!("use A and AAAA records: an apex cannot be an alias"),
        page: "The apex has SOA and NS records, and a CNAME record stands beside no others (RFC 1034 section 3.6.2).",
    }
    PAYLOAD_CNAME_BESIDE_OTHER {
        code: "NB-PAYLOAD-CNAME-BESIDE-OTHER",
        class: Class::Input,
        text: "a CNAME stands beside other records",
        hints: hint!("keep the CNAME or the others"),
        page: "A CNAME record stands beside no others (RFC 1034 section 3.6.2). The CNAME record is left out, since the name had no CNAME record before.",
    }
    PAYLOAD_BESIDE_CNAME {
        code: "NB-PAYLOAD-BESIDE-CNAME",
        class: Class::Input,
        text: "the name has a CNAME, which stands alone",
        hints: hint!("keep the CNAME or the others"),
        page: "A CNAME record stands beside no others (RFC 1034 section 3.6.2). The name has one that Plesk still wants, so it stays, and the other records are left out.",
    }
    PAYLOAD_SECOND_CNAME {
        code: "NB-PAYLOAD-SECOND-CNAME",
        class: Class::Input,
        text: "the name has another CNAME record",
        hints: hint!("keep one of them"),
        page: "A name has at most one CNAME record (RFC 2181 section 10.1). The one that is in the zone stays, or else one of them is written.",
    }
    PAYLOAD_UNMANAGED_TYPE {
        code: "NB-PAYLOAD-UNMANAGED-TYPE",
        class: Class::Input,
        text: "Plesk manages no such type",
        hints: hint!("remove it in Plesk, add it by nsupdate"),
        page: "Plesk has no form for records of this type, so nsbridge does not know how Plesk would write them. The record is left out. Records of nsupdate stay if `foreign-records` is `keep`.",
    }
    PAYLOAD_SPF {
        code: "NB-PAYLOAD-SPF",
        class: Class::Input,
        text: "type SPF is obsolete",
        hints: hint!("publish the text as a TXT record (RFC 7208 section 3.1) and remove this one"),
        page: "Mail servers read SPF from TXT records only. The record is left out.",
    }
    PAYLOAD_DATA {
        code: "NB-PAYLOAD-DATA",
        class: Class::Input,
        text: "this is not {expected}",
        hints: hint!("correct the record in Plesk"),
        page: "The value of a record does not have the form of its type. The record is left out.",
    }
    PAYLOAD_TEXT {
        code: "NB-PAYLOAD-TEXT",
        class: Class::Input,
        text: "{source}",
        hints: hint!("correct the record in Plesk"),
        page: "The value of a record cannot be read as data of its type; the text names the field. The record is left out.",
    }
    PAYLOAD_ISSUER {
        code: "NB-PAYLOAD-ISSUER",
        class: Class::Input,
        text: "the issuer is no domain name",
        hints: hint!("name the CA, such as `ca.example`, or `;` for none"),
        page: "The value of a CAA record with the tag `issue`, `issuewild` or `issuemail` begins with the domain name of a CA (RFC 8659 section 4.2). One that no CA can read forbids every CA to issue. The record is left out.",
    }
    PAYLOAD_TOO_LARGE_TO_SEND {
        code: "NB-PAYLOAD-TOO-LARGE-TO-SEND",
        class: Class::Input,
        text: "{records} records have {octets} octets, over the {limit} of a name and type",
        hints: hint!("send fewer or shorter ones"),
        page: "All records of one name and type are changed by one message, which has room for their old and their new values: 31,000 octets each, of which every record has ten and its name. The records are left out.",
    }
    PAYLOAD_NO_COMMAND {
        code: "NB-PAYLOAD-NO-COMMAND",
        class: Class::Remark,
        text: "no command given; nothing was done for it",
        hints: hint!("nothing, if the domain's DNS is off in Plesk"),
        page: "Plesk sends an element without a command for a domain whose DNS is switched off.",
    }
    PAYLOAD_NO_RECORDS {
        code: "NB-PAYLOAD-NO-RECORDS",
        class: Class::Remark,
        text: "no records given; nothing changed",
        hints: &[],
        page: "A zone without the member `rr` says nothing about its records, so they stay as they are. To empty a zone, `rr` must be there and be empty.",
    }
    PAYLOAD_NOT_MASTER {
        code: "NB-PAYLOAD-NOT-MASTER",
        class: Class::Remark,
        text: "the type of the zone is `{rtype}`, not `master`; nothing changed",
        hints: hint!("nothing, if another server is its primary"),
        page: "Plesk says by the member `type` of `soa` that another server is the primary of the zone. The zone stays as it is.",
    }
    PAYLOAD_SWITCHED_OFF {
        code: "NB-PAYLOAD-SWITCHED-OFF",
        class: Class::Remark,
        text: "the status of the zone is `{status}`, not 0; nothing changed",
        hints: hint!("nothing, if the zone is off in Plesk"),
        page: "Plesk says by the member `status` of `soa` that the zone is switched off. The zone stays as it is.",
    }
    PAYLOAD_NO_RECORD_LEFT {
        code: "NB-PAYLOAD-NO-RECORD-LEFT",
        class: Class::Remark,
        text: "every record was left out; nothing changed",
        hints: hint!("correct the records that the other messages name"),
        page: "Each record of the zone was wrong, so that the zone would be empty. It stays as it is.",
    }
    PAYLOAD_NO_PREFERENCE {
        code: "NB-PAYLOAD-NO-PREFERENCE",
        class: Class::Remark,
        text: "no preference given; taken as 0",
        hints: &[],
        page: "An MX record came without its preference.",
    }
    PAYLOAD_TEXT_QUOTED {
        code: "NB-PAYLOAD-TEXT-QUOTED",
        class: Class::Remark,
        text: "the text looks like that of a master file, and is published as it is",
        hints: hint!("remove quotes, parentheses and backslashes in Plesk"),
        page: "The text of a TXT record is in quotes or parentheses, or has `\\;`, as text copied from a master file or from another panel. Plesk takes text without these, so readers of the record see them.",
    }
    PAYLOAD_TEXT_LINES {
        code: "NB-PAYLOAD-TEXT-LINES",
        class: Class::Remark,
        text: "the text has a line break, which is published as well",
        hints: hint!("join its lines in Plesk"),
        page: "The text of a TXT record has a carriage return or a line feed. Readers such as those of SPF and DKIM may not understand it.",
    }
    PAYLOAD_TTLS_DIFFER {
        code: "NB-PAYLOAD-TTLS-DIFFER",
        class: Class::Remark,
        text: "the records of one name and type have different TTLs; {smallest} is taken for all",
        hints: hint!("give them one TTL in Plesk"),
        page: "The records of one name and type share one TTL (RFC 2181 section 5.2).",
    }
}
