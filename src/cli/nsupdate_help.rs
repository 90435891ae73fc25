//! The options of `nsbridge nsupdate` with their meaning: for its parser, its help and its manual page.

use clap::{Arg, ArgAction, Command};

/// The options that are letters, each with the name of its argument, which may be empty, and its meaning.
pub(super) const LETTERS: &[(&str, &str, &str)] = &[
    ("4", "", "Use IPv4 only"),
    ("6", "", "Use IPv6 only"),
    (
        "A",
        "FILE",
        "TLS: verify the server by the authorities in this file, in PEM. By default, by those of the system",
    ),
    (
        "C",
        "FILE",
        "Read the name servers from this file. By default, from /etc/resolv.conf",
    ),
    ("d", "", "Print what is sent and received"),
    ("D", "", "As -d"),
    (
        "E",
        "FILE",
        "TLS: show the server this certificate, in PEM; needs -K",
    ),
    (
        "g",
        "",
        "GSS-TSIG: refused, since nsbridge does not have it",
    ),
    (
        "h",
        "",
        "Print nsupdate's usage, and end with status 1 as nsupdate does",
    ),
    (
        "H",
        "NAME",
        "TLS: the name in the server's certificate. By default, that of the server",
    ),
    ("i", "", "Go on after a wrong line, as at a terminal"),
    (
        "K",
        "FILE",
        "TLS: the key of the certificate, in PEM; needs -E",
    ),
    (
        "l",
        "",
        "Send to this machine only, with the session key of its named, or that of -k",
    ),
    (
        "L",
        "LEVEL",
        "Taken, and means nothing: nsbridge has no log of the BIND library",
    ),
    (
        "k",
        "FILE",
        "Sign with the key in this file: a `key` statement as tsig-keygen prints it, or one of the files K*.key and K*.private",
    ),
    ("M", "", "As -d"),
    ("o", "", "As -g"),
    ("O", "", "TLS: do not verify the server"),
    (
        "p",
        "PORT",
        "The port of servers that the script names without one. By default 53",
    ),
    ("P", "", "Print the types for private use, and end"),
    (
        "r",
        "COUNT",
        "How often a request over UDP is repeated. By default 3",
    ),
    ("R", "ARGUMENT", "Refused, as nsupdate does"),
    (
        "S",
        "",
        "Use TLS (RFC 7858); -A, -E, -H, -K and -O do so, too",
    ),
    (
        "t",
        "SECONDS",
        "The longest time for an update; 0 is no limit. By default 300",
    ),
    ("T", "", "Print the known types, and end"),
    (
        "u",
        "SECONDS",
        "The time between two requests over UDP; 0 is a part of that of -t. By default 3",
    ),
    ("v", "", "Use TCP for small updates, too"),
    ("V", "", "Print the version, and end"),
    (
        "y",
        "[HMAC:]NAME:SECRET",
        "Sign with this key. Other users of the machine can see it: use -k",
    ),
];

/// nsbridge's own options, which nsupdate does not have, in the same form.
pub(super) const WORDS: &[(&str, &str, &str)] = &[
    (
        "split-zones",
        "",
        "Let the updates of one `send` lie in several zones: each zone gets a message of its own. If the script names no server, server and key of each are those of the configuration",
    ),
    (
        "durable",
        "",
        "Deliver each record through the queue of the configuration: at once if possible, else later",
    ),
    (
        "line-numbers",
        "",
        "Begin errors with the file and the line",
    ),
    (
        "ede",
        "",
        "Ask servers for the reason of a refusal (RFC 8914)",
    ),
    (
        "output",
        "FORMAT",
        "`text`, or `json` for a line of JSON for each message. By default `text`",
    ),
    (
        "config",
        "FILE",
        "The configuration, for --split-zones and --durable",
    ),
    (
        "help",
        "",
        "Print this help. The program under the name `nsupdate` does not have it",
    ),
];

/// Returns the definition for help and manual page, with the text of the definition that lists the command.
pub(super) fn command(listed: &Command) -> Command {
    let mut command = Command::new("nsupdate")
        .bin_name("nsbridge nsupdate")
        .override_usage("nsbridge nsupdate [OPTIONS] [FILE]")
        .disable_help_flag(true)
        .about(listed.get_about().cloned().unwrap_or_default())
        .long_about(listed.get_long_about().cloned().unwrap_or_default())
        .after_long_help(listed.get_after_long_help().cloned().unwrap_or_default())
        .arg(
            Arg::new("FILE")
                .help("A file with commands; `-` is standard input, as if there is none"),
        );
    let letters = LETTERS.iter().map(|(letter, value, help)| {
        let argument = Arg::new(*letter).short(letter.chars().next());
        (argument, value, help)
    });
    let words = WORDS
        .iter()
        .map(|(word, value, help)| (Arg::new(*word).long(*word), value, help));
    for (order, (argument, value, help)) in letters.chain(words).enumerate() {
        let argument = argument.help(*help).display_order(order);
        command = command.arg(match *value {
            "" => argument.action(ArgAction::SetTrue),
            value => argument.value_name(value),
        });
    }
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// nsupdate 9.18's, as for getopt(3): a letter with an argument is followed by a colon.
    const OF_NSUPDATE: &str = "46A:C:dDE:ghH:iK:lL:MoOk:p:Pr:R:St:Tu:vVy:";

    #[test]
    fn the_letters_are_those_of_nsupdate() {
        let colon = |value: &str| if value.is_empty() { "" } else { ":" };
        let letters = LETTERS.iter();
        let mut letters: Vec<String> = letters
            .map(|(letter, value, _)| format!("{letter}{}", colon(value)))
            .collect();
        letters.sort_unstable();
        let mut expected: Vec<String> =
            OF_NSUPDATE
                .split_inclusive(|_: char| true)
                .fold(Vec::new(), |mut all, piece| {
                    match all.last_mut() {
                        Some(last) if piece == ":" => String::push(last, ':'),
                        _ => all.push(piece.to_owned()),
                    }
                    all
                });
        expected.sort_unstable();
        assert_eq!(letters, expected);
    }
}
