//! The configuration, and the key files that it names.

use super::entry::{Class, entries, hint};

/// The form of a key in a key file.
macro_rules! key_form {
    () => {
        hint!("copy it from the primary, as `tsig-keygen` prints it")
    };
}

/// The algorithms of keys.
macro_rules! key_algorithms {
    () => {
        hint!("hmac-sha256 and hmac-sha512 are usual")
    };
}

entries! {
    CONFIG_AT {
        code: "NB-CONFIG-AT",
        class: Class::Context,
        text: "{position}: {cause}",
        hints: &[],
        page: "",
    }
    CONFIG_FILE {
        code: "NB-CONFIG-FILE",
        class: Class::Context,
        text: "{position}: `{key}`: {cause}",
        hints: &[],
        page: "",
    }
    CONFIG_MISSING {
        code: "NB-CONFIG-MISSING",
        class: Class::Setup,
        text: "`{path}` does not exist",
        hints: hint!("`mkdir -p {directory}; nsbridge config template > {quoted}`, or `--config`"),
        page: "There is no configuration file of that name. The option `--config` and the variable `NSBRIDGE_CONFIG` name another one.",
    }
    CONFIG_TOO_LONG {
        code: "NB-CONFIG-TOO-LONG",
        class: Class::Setup,
        text: "`{path}` is longer than {limit} octets",
        hints: hint!("name nsbridge's configuration by `--config`"),
        page: "No configuration is that long: the path names another file.",
    }
    CONFIG_CERTIFICATES_TOO_LONG {
        code: "NB-CONFIG-CERTIFICATES-TOO-LONG",
        class: Class::Setup,
        text: "{position}: `{path}` is longer than {limit} octets",
        hints: hint!("set `{key}` to a file of PEM certificates and nothing else"),
        page: "No list of certificates is that long: the path names another file.",
    }
    CONFIG_SYNTAX {
        code: "NB-CONFIG-SYNTAX",
        class: Class::Setup,
        text: "{position}: {message}",
        hints: hint!("correct this line; `nsbridge config template` shows the form of each"),
        page: "The configuration is no valid TOML (https://toml.io). The position is that of the first octet that does not fit; often a quotation mark or a bracket is missing shortly before it.",
    }
    CONFIG_MISSPELT_KEY {
        code: "NB-CONFIG-MISSPELT-KEY",
        class: Class::Setup,
        text: "{position}: unknown key `{key}` in {table}",
        hints: hint!("the nearest valid key is `{nearest}`"),
        page: "The table has no such key, and one of a similar name. An unknown key is an error: if it were ignored, a misspelt safeguard would be off.",
    }
    CONFIG_MISPLACED_KEY {
        code: "NB-CONFIG-MISPLACED-KEY",
        class: Class::Setup,
        text: "{position}: unknown key `{key}` in {table}",
        hints: hint!("move it under {home}"),
        page: "Another table has this key. In TOML, a line belongs to the last table above it.",
    }
    CONFIG_UNKNOWN_KEY {
        code: "NB-CONFIG-UNKNOWN-KEY",
        class: Class::Setup,
        text: "{position}: unknown key `{key}` in {table}",
        hints: hint!("remove it; valid: {valid}"),
        page: "No table has such a key, or one of a newer nsbridge has. `nsbridge config template` prints all keys.",
    }
    CONFIG_WRONG_TYPE {
        code: "NB-CONFIG-WRONG-TYPE",
        class: Class::Setup,
        text: "{position}: `{key}` must be {expected}, not {found}",
        hints: hint!("write it in the form `{example}`"),
        page: "The value has another type of TOML than the key takes: a string has quotation marks, a number has none, an array has brackets.",
    }
    CONFIG_MISSPELT_VALUE {
        code: "NB-CONFIG-MISSPELT-VALUE",
        class: Class::Setup,
        text: "{position}: `{key}` cannot be `{value}`",
        hints: hint!("write `{key} = \"{nearest}\"`; allowed is {allowed}"),
        page: "The value is none of those that the key takes, and one of them is similar. `nsbridge config template` explains each key.",
    }
    CONFIG_BAD_VALUE {
        code: "NB-CONFIG-BAD-VALUE",
        class: Class::Setup,
        text: "{position}: `{key}` cannot be `{value}`",
        hints: hint!("allowed is {allowed}"),
        page: "The value is none of those that the key takes. `nsbridge config template` explains each key.",
    }
    CONFIG_KEY_MISSING {
        code: "NB-CONFIG-KEY-MISSING",
        class: Class::Setup,
        text: "{position}: {table} needs `{key}`",
        hints: hint!("add a line such as `{example}`"),
        page: "The table has no value for a key that it must have. The position is the start of the table. `nsbridge config template` explains each key.",
    }
    CONFIG_NOT_APPLICABLE {
        code: "NB-CONFIG-NOT-APPLICABLE",
        class: Class::Setup,
        text: "{position}: `{key}` has no effect without `{needs}`",
        hints: hint!("remove the line, or set `{needs}`"),
        page: "The key has no effect beside the values of the other keys in its table. Remove it, or set the key that it belongs to as the text says.",
    }
    CONFIG_EXCLUDED {
        code: "NB-CONFIG-EXCLUDED",
        class: Class::Setup,
        text: "{position}: `{key}` has no effect beside `{other}`",
        hints: hint!("remove one of the two"),
        page: "A primary that creates zones, or keeps a catalog, is one of your own and takes all of RFC 2136: the key is for zones that must exist on the primary, such as those of a hosted service. With `read = \"none\"` nsbridge asks the primary nothing, so options for questions do not go with it.",
    }
    CONFIG_API_KEY_MISSING {
        code: "NB-CONFIG-API-KEY-MISSING",
        class: Class::Setup,
        text: "{position}: `api-key-file`: `{path}` does not exist",
        hints: hint!("`(umask 077; sed -n 's/^api-key=//p' /etc/powerdns/pdns.conf > {quoted})`"),
        page: "The file must hold the key of PowerDNS's API and nothing else. The command takes it out of PowerDNS's configuration on this machine (on some systems /etc/pdns/pdns.conf); of a PowerDNS on another machine, write the value of `api-key` to the file.",
    }
    CONFIG_NO_API_KEY {
        code: "NB-CONFIG-NO-API-KEY",
        class: Class::Setup,
        text: "{position}: `{path}` is not one line of visible ASCII",
        hints: hint!("write the value of `api-key` in pdns.conf to it"),
        page: "The file must hold the key of PowerDNS's API and nothing else.",
    }
    CONFIG_NOT_EXECUTABLE {
        code: "NB-CONFIG-NOT-EXECUTABLE",
        class: Class::Setup,
        text: "{position}: `{path}` is not an executable file",
        hints: hint!("run `chmod a+rx {quoted}`"),
        page: "The program that creates and deletes zones is not a plain file, or nobody may execute it.",
    }
    CONFIG_WRITABLE_PROGRAM {
        code: "NB-CONFIG-WRITABLE-PROGRAM",
        class: Class::Setup,
        text: "{position}: everybody can write to the program `{path}`",
        hints: hint!("run `chmod o-w {quoted}`"),
        page: "Every user of the machine could replace the program by another one, which nsbridge would then run.",
    }
    CONFIG_OPEN_PROGRAM {
        code: "NB-CONFIG-OPEN-PROGRAM",
        class: Class::Setup,
        text: "root does not run `{program}`: `{place}` has owner {owner} and mode {mode}",
        hints: hint!("run `chown root {quoted} && chmod go-w {quoted}`"),
        page: "Users other than root could have root run a program of theirs: through the program, the configuration file, or a directory above one of them. If another user owns the directory of the queue, nsbridge runs the program as that user, who may own these files as well.",
    }
    KEY_FILE_MISSING {
        code: "NB-KEY-FILE-MISSING",
        class: Class::Setup,
        text: "`{path}` does not exist",
        hints: hint!("copy it, or `mkdir -p {directory}; (umask 077; tsig-keygen {name} > {quoted})`"),
        page: "There is no key file of that name. If the name server has a key for nsbridge, copy that. The command makes a new key for the user that runs it, in a directory that is there, and the name server must get the same one, with the same name, algorithm and secret: include the file in named.conf, or use `pdnsutil import-tsig-key NAME ALGORITHM 'SECRET'` or a `key` section of knot.conf.",
    }
    KEY_FILE_NOT_TEXT {
        code: "NB-KEY-FILE-NOT-TEXT",
        class: Class::Setup,
        text: "`{path}` is not a text file",
        hints: key_form!(),
        page: "The file has octets that are no UTF-8, so it is no file of `key` statements.",
    }
    KEY_FILE_EMPTY {
        code: "NB-KEY-FILE-EMPTY",
        class: Class::Setup,
        text: "`{path}` holds no key",
        hints: hint!("`tsig-keygen {name} > {quoted}`; give the primary this key"),
        page: "The file is empty, or has nothing but comments. The command makes a new key, which the name server then needs, too. If the name server has a key for nsbridge already, write that to the file.",
    }
    KEY_FILE_AMBIGUOUS {
        code: "NB-KEY-FILE-AMBIGUOUS",
        class: Class::Setup,
        text: "`{path}` has no key `{wanted}`, but {names}",
        hints: hint!("name the table under `[keys]` as the key is named"),
        page: "From a file with several keys, nsbridge takes the one that has the name of the table `[keys.NAME]`.",
    }
    KEY_FILE_LINE {
        code: "NB-KEY-FILE-LINE",
        class: Class::Context,
        text: "{path}:{line}: {cause}",
        hints: &[],
        page: "",
    }
    KEY_WORD_EXPECTED {
        code: "NB-KEY-WORD-EXPECTED",
        class: Class::Setup,
        text: "expected {expected}",
        hints: key_form!(),
        page: "The line has another word or mark than a key file has there: `key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };` and nothing else. The message does not quote the line, because it may hold the secret.",
    }
    KEY_UNCLOSED {
        code: "NB-KEY-UNCLOSED",
        class: Class::Setup,
        text: "{mark} is never closed",
        hints: key_form!(),
        page: "A quotation mark must be closed in its line, and a comment that begins with `/*` must end with `*/`.",
    }
    KEY_OPTION_TWICE {
        code: "NB-KEY-OPTION-TWICE",
        class: Class::Setup,
        text: "`{option}` stands twice in this key",
        hints: key_form!(),
        page: "A key has one algorithm and one secret. Two keys may have run together, for example by a missing `};`.",
    }
    KEY_OPTION_MISSING {
        code: "NB-KEY-OPTION-MISSING",
        class: Class::Setup,
        text: "key `{key}` has no `{option}`",
        hints: key_form!(),
        page: "A key needs both an `algorithm` and a `secret`.",
    }
    KEY_TWICE {
        code: "NB-KEY-TWICE",
        class: Class::Setup,
        text: "key `{key}` stands twice in this file",
        hints: key_form!(),
        page: "Two keys of the file have the same name. Keep the one that the name server has.",
    }
    KEY_NAME_INVALID {
        code: "NB-KEY-NAME-INVALID",
        class: Class::Setup,
        text: "the key's name is no domain name: {source}",
        hints: key_form!(),
        page: "A key has a domain name as its name (RFC 8945 section 4.2), such as `plesk` or `plesk.example.com`.",
    }
    KEY_ALGORITHM_UNKNOWN {
        code: "NB-KEY-ALGORITHM-UNKNOWN",
        class: Class::Setup,
        text: "unknown algorithm",
        hints: key_algorithms!(),
        page: "The algorithm of the key is none of those that sign DNS messages: hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384 and hmac-sha512, and truncated ones such as hmac-sha256-128. It must be the one that the name server has for the key.",
    }
    KEY_BITS_INVALID {
        code: "NB-KEY-BITS-INVALID",
        class: Class::Setup,
        text: "the number at the algorithm's end is out of range",
        hints: key_algorithms!(),
        page: "The number at the end of an algorithm shortens its signatures. It must be a multiple of 8, and neither above the length of a whole signature nor below the shortest that RFC 8945 allows.",
    }
    KEY_SECRET_INVALID {
        code: "NB-KEY-SECRET-INVALID",
        class: Class::Setup,
        text: "the secret is not base64",
        hints: hint!("copy the secret again, whole and without line breaks"),
        page: "The secret has a character that base64 has not, or its length is wrong: often the `=` at its end is missing.",
    }
    KEY_SECRET_EMPTY {
        code: "NB-KEY-SECRET-EMPTY",
        class: Class::Setup,
        text: "the secret is empty",
        hints: key_form!(),
        page: "A key without a secret protects nothing.",
    }
    KEY_PAIR_FORMAT {
        code: "NB-KEY-PAIR-FORMAT",
        class: Class::Setup,
        text: "bad key format",
        hints: hint!("copy both files again; `dnssec-keygen` writes them"),
        page: "The files `K*.key` and `K*.private` lack a line, or have one that cannot be read. `dnssec-keygen -T KEY -n HOST -a ECDSAP256SHA256 NAME` makes both anew.",
    }
    KEY_PAIR_ELSEWHERE {
        code: "NB-KEY-PAIR-ELSEWHERE",
        class: Class::Setup,
        text: "the private key is not in the file",
        hints: hint!("use a key of `dnssec-keygen` without an engine or label"),
        page: "The private key is kept elsewhere, for example in a hardware module, which nsbridge does not use.",
    }
    KEY_PAIR_NO_PUBLIC {
        code: "NB-KEY-PAIR-NO-PUBLIC",
        class: Class::Setup,
        text: "the `.key` file is missing",
        hints: hint!("copy `K*.key` into the directory of `K*.private`"),
        page: "A private key (SIG(0)) needs the file `K*.key` beside `K*.private`: it holds the KEY record with the name of the key.",
    }
    KEY_PAIR_NOT_KEY {
        code: "NB-KEY-PAIR-NOT-KEY",
        class: Class::Setup,
        text: "the `.key` file has no KEY record",
        hints: hint!("`dnssec-keygen -T KEY -n HOST -a ECDSAP256SHA256 NAME` makes one"),
        page: "The file holds a record of another type, such as a DNSKEY record, which signs zones and not messages.",
    }
    KEY_PAIR_PRIVATE {
        code: "NB-KEY-PAIR-PRIVATE",
        class: Class::Setup,
        text: "{source}",
        hints: hint!("`dnssec-keygen -T KEY -n HOST -a ECDSAP256SHA256 NAME` makes one"),
        page: "The private key cannot sign messages: its algorithm is not supported, or its parts do not fit each other.",
    }
}
