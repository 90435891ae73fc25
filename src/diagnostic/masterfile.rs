//! Master files.

use super::entry::{Class, entries, hint};

/// The form of a line of a master file.
macro_rules! line_form {
    () => {
        hint!("a line is: owner, TTL, class, type, data; write an unknown type as `TYPE65534`")
    };
}

/// The forms of the directives.
macro_rules! directive_forms {
    () => {
        hint!("`nsbridge explain MASTER-FILE-DIRECTIVE-SHORT` has the forms")
    };
}

/// The end of each page.
macro_rules! whole {
    ($page:expr) => {
        concat!(
            $page,
            " Like a name server, nsbridge takes a file as a whole or not at all."
        )
    };
}

/// The end of the page of an error after which the file is not read on.
macro_rules! ends {
    ($page:expr) => {
        concat!(
            $page,
            " nsbridge does not read the rest of the file. Like a name server, nsbridge takes a file as a whole or not at all.",
        )
    };
}

entries! {
    MASTER_FILE_AT {
        code: "NB-MASTER-FILE-AT",
        class: Class::Context,
        text: "{file}:{line}:{column}: {cause}",
        hints: &[],
        page: "",
    }
    MASTER_FILE_DATA {
        code: "NB-MASTER-FILE-DATA",
        class: Class::Input,
        text: "{source}",
        hints: hint!("correct it; `named-checkzone` reads it, too"),
        page: whole!("The data of a record cannot be read; the text names the field."),
    }
    MASTER_FILE_NO_OWNER {
        code: "NB-MASTER-FILE-NO-OWNER",
        class: Class::Input,
        text: "the owner of the record before is meant, and there is none",
        hints: hint!("begin the line with a name; `@` is the origin"),
        page: whole!("The first record begins with a blank, which stands for the owner name of the record before it. See whether a name or `@` is missing."),
    }
    MASTER_FILE_NAME {
        code: "NB-MASTER-FILE-NAME",
        class: Class::Input,
        text: "`{word}` is no domain name: {source}",
        hints: hint!("correct the name; an internationalised one is written as `xn--…`"),
        page: whole!("A name is too long, or has an empty label, a bad escape or a character outside ASCII."),
    }
    MASTER_FILE_OUT_OF_ZONE {
        code: "NB-MASTER-FILE-OUT-OF-ZONE",
        class: Class::Input,
        text: "`{owner}` is not in the zone `{zone}`",
        hints: hint!("give the right zone, or see `$ORIGIN` and the final dot"),
        page: whole!("The owner name does not end in the name of the zone. Most servers ignore such a record; nsbridge takes it for a mistake. See whether it is the file of that zone."),
    }
    MASTER_FILE_TTL {
        code: "NB-MASTER-FILE-TTL",
        class: Class::Input,
        text: "`{word}` is no TTL: seconds up to {limit}, or a period such as `1h30m`",
        hints: hint!("write a number of seconds"),
        page: whole!("A TTL is neither a number nor a period of weeks, days, hours, minutes and seconds, or it is too large (RFC 2181)."),
    }
    MASTER_FILE_NO_TTL {
        code: "NB-MASTER-FILE-NO-TTL",
        class: Class::Input,
        text: "the record has no TTL, and neither `$TTL` nor a record before it says one",
        hints: hint!("begin the file with `$TTL 1h`, for example"),
        page: whole!("The first record has no TTL. Only an SOA record needs none: its minimum counts."),
    }
    MASTER_FILE_CLASS {
        code: "NB-MASTER-FILE-CLASS",
        class: Class::Input,
        text: "class `{word}` is not served, only IN",
        hints: hint!("leave the class out, or write IN"),
        page: whole!("A record is of another class than IN."),
    }
    MASTER_FILE_NO_TYPE {
        code: "NB-MASTER-FILE-NO-TYPE",
        class: Class::Input,
        text: "the type of the record is missing",
        hints: line_form!(),
        page: whole!("The line ends before the type."),
    }
    MASTER_FILE_TYPE {
        code: "NB-MASTER-FILE-TYPE",
        class: Class::Input,
        text: "`{word}` is no record type",
        hints: line_form!(),
        page: whole!("The word in the place of the type is none. Often the owner name is missing, or a blank at the start of the line. A type that nsbridge does not know is written as `TYPE` and its number, with its data as `\\# LENGTH HEX`."),
    }
    MASTER_FILE_META_TYPE {
        code: "NB-MASTER-FILE-META-TYPE",
        class: Class::Input,
        text: "there are no records of type {rtype} in a zone",
        hints: hint!("remove the record"),
        page: whole!("The type exists in queries and messages only, such as ANY or OPT, or is obsolete (MD, MF)."),
    }
    MASTER_FILE_SOA_BELOW_APEX {
        code: "NB-MASTER-FILE-SOA-BELOW-APEX",
        class: Class::Input,
        text: "an SOA record stands below the apex, at `{owner}`",
        hints: hint!("a file holds one zone, with one SOA record at its apex"),
        page: whole!("The file holds another zone, or the SOA record has the wrong owner name. Check the name of the zone on the command line, and `$ORIGIN`."),
    }
    MASTER_FILE_SECOND_SOA {
        code: "NB-MASTER-FILE-SECOND-SOA",
        class: Class::Input,
        text: "another SOA record stands before this one",
        hints: hint!("a file holds one zone, with one SOA record at its apex"),
        page: whole!("The file has two SOA records that differ. Two equal ones are accepted, as `dig axfr` prints them."),
    }
    MASTER_FILE_DS_AT_APEX {
        code: "NB-MASTER-FILE-DS-AT-APEX",
        class: Class::Input,
        text: "a DS record stands at the zone's own apex",
        hints: hint!("remove the record, or put it into the parent zone"),
        page: whole!("The DS records of a zone are in the zone above it."),
    }
    MASTER_FILE_UNKNOWN_DIRECTIVE {
        code: "NB-MASTER-FILE-UNKNOWN-DIRECTIVE",
        class: Class::Input,
        text: "`{word}` is no directive",
        hints: hint!("write a name that begins with `$` as `\\$`"),
        page: ends!("A line begins with `$` and an unknown word. The directives are `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`."),
    }
    MASTER_FILE_DIRECTIVE_SHORT {
        code: "NB-MASTER-FILE-DIRECTIVE-SHORT",
        class: Class::Input,
        text: "`{directive}` needs {needed}",
        hints: directive_forms!(),
        page: ends!("A directive ends early. The forms are `$ORIGIN NAME`, `$TTL PERIOD`, `$INCLUDE FILE [ORIGIN]` and `$GENERATE RANGE OWNER [TTL] [CLASS] TYPE DATA`; data with blanks need quotes."),
    }
    MASTER_FILE_DIRECTIVE_LONG {
        code: "NB-MASTER-FILE-DIRECTIVE-LONG",
        class: Class::Input,
        text: "`{word}` is too much for `{directive}`",
        hints: directive_forms!(),
        page: ends!("A directive has more words than it takes. The data of `$GENERATE` need quotes if they have blanks."),
    }
    MASTER_FILE_RANGE {
        code: "NB-MASTER-FILE-RANGE",
        class: Class::Input,
        text: "`{word}` is no range such as `1-254` or `0-254/2`",
        hints: hint!("correct the range"),
        page: whole!("The range of `$GENERATE` has another form, goes down, or has a step of 0."),
    }
    MASTER_FILE_LONG_RANGE {
        code: "NB-MASTER-FILE-LONG-RANGE",
        class: Class::Input,
        text: "the range has {steps} steps, more than the {limit} that are taken",
        hints: hint!("divide the range"),
        page: whole!("The range of `$GENERATE` is too long."),
    }
    MASTER_FILE_PATTERN {
        code: "NB-MASTER-FILE-PATTERN",
        class: Class::Input,
        text: "`{word}` is no pattern of `$GENERATE`, or its number is out of range",
        hints: hint!("write `$` or `${OFFSET,WIDTH,BASE}`"),
        page: whole!("The owner name or the data of `$GENERATE` have a `${…}` of another form, or its number is out of range. The width is up to 255, the base one of d, o, x, X, n and N, and numbers go from 0 to 2147483647."),
    }
    MASTER_FILE_INCLUDE {
        code: "NB-MASTER-FILE-INCLUDE",
        class: Class::Input,
        text: "cannot read `{name}`: {source}",
        hints: hint!("names count from the including file"),
        page: ends!(
            "The file that `$INCLUDE` names cannot be read, or a file of a panel (`--trust panel`) names one outside of its folder."
        ),
    }
    MASTER_FILE_INCLUDE_DEPTH {
        code: "NB-MASTER-FILE-INCLUDE-DEPTH",
        class: Class::Input,
        text: "files are included more than {limit} deep",
        hints: hint!("look for a file that includes itself"),
        page: ends!("A file includes itself, mostly by way of others. Check the `$INCLUDE` lines."),
    }
    MASTER_FILE_TOO_LARGE {
        code: "NB-MASTER-FILE-TOO-LARGE",
        class: Class::Input,
        text: "the file has more than {limit} octets, with what it includes and generates",
        hints: hint!("delegate parts of the zone"),
        page: ends!("nsbridge takes no larger file. See whether it is the right one."),
    }
    MASTER_FILE_TOO_MANY_RECORDS {
        code: "NB-MASTER-FILE-TOO-MANY-RECORDS",
        class: Class::Input,
        text: "the file has more than {limit} records",
        hints: hint!("delegate parts of the zone"),
        page: ends!("nsbridge takes no file with more records."),
    }
    MASTER_FILE_SIGNED {
        code: "NB-MASTER-FILE-SIGNED",
        class: Class::Remark,
        text: "DNSSEC records left out: {count}; those of the primary stay as they are",
        hints: &[],
        page: "A primary that signs the zone makes these records itself, so those of the file are not used.",
    }
    MASTER_FILE_TARGET {
        code: "NB-MASTER-FILE-TARGET",
        class: Class::Input,
        text: "{owner} {rtype} {target} left out: an address is no host name",
        hints: hint!("give the address a name, and write that"),
        page: "The target of the record is written as an address, for which no lookup finds a host. The record is left out, and what nsbridge delivered at the name for this type stays if the file has no other record of it.",
    }
    MASTER_FILE_TOO_LARGE_TO_SEND {
        code: "NB-MASTER-FILE-TOO-LARGE-TO-SEND",
        class: Class::Input,
        text: "{records} records {owner} {rtype} left out: {octets} octets, more than {limit}",
        hints: hint!("write fewer, or shorter ones"),
        page: "All records of one name and type are changed by one message, which has room for their old and their new values: 31,000 octets each, of which every record has ten and its name.",
    }
    MASTER_FILE_TTLS_DIFFER {
        code: "NB-MASTER-FILE-TTLS-DIFFER",
        class: Class::Remark,
        text: "the {rtype} records of {owner} have different TTLs; {smallest} is taken for all",
        hints: hint!("give all of them one TTL"),
        page: "The records of one name and type share one TTL (RFC 2181 section 5.2).",
    }
}
