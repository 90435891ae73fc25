//! Parses nsupdate's options: single letters that may be bundled, each argument joined or apart, up
//! to the first word that is no option. The error texts are nsupdate's, because callers compare
//! them. The options of ours are words, so that they conflict with no letter.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::message::Message;
use super::nsupdate_help::LETTERS;
use crate::diagnostic::{case, command};

/// The last line of the text about an invalid option, and of `-h`.
const USAGE: &str = "usage: nsupdate [-CdDi] [-L level] [-l] [-g | -o | -y keyname:secret | -k keyfile] [-p port] [-v] [-V] [-P] [-T] [-4 | -6] [filename]";

/// The way in which nsupdate was called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Program {
    /// As a command of nsbridge.
    Nsbridge,
    /// By the name of the program, of which this is the path.
    Nsupdate(String),
}

/// The name at the start of nsupdate's messages.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nsbridge => "nsupdate",
            Self::Nsupdate(path) => path,
        })
    }
}

/// The options of a run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line, which may be given with any other"
)]
pub(super) struct Options {
    pub(super) family: Option<char>,
    pub(super) ca_file: Option<String>,
    pub(super) resolv_conf: String,
    pub(super) debug: u8,
    pub(super) certificate_file: Option<String>,
    pub(super) private_key_file: Option<String>,
    pub(super) tls_name: Option<String>,
    pub(super) interactive: bool,
    pub(super) localhost_only: bool,
    pub(super) key_file: Option<String>,
    pub(super) key_text: Option<String>,
    pub(super) unverified: bool,
    pub(super) tls: bool,
    pub(super) tcp: bool,
    pub(super) port: u16,
    pub(super) udp_retries: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) udp_wait: Option<Duration>,
    pub(super) gss: bool,
    /// The script; `None` for standard input.
    pub(super) file: Option<String>,
    /// Ours: allows one batch to be in several zones.
    pub(super) split_zones: bool,
    /// Ours: keeps the batches in the queue until they are in place.
    pub(super) durable: bool,
    /// Ours: prints the results as JSON.
    pub(super) json: bool,
    /// Ours: starts errors with file and line.
    pub(super) line_numbers: bool,
    /// Ours: requests explanations of the response codes.
    pub(super) ede: bool,
    /// Ours: the configuration file.
    pub(super) config: Option<String>,
}

/// A reason why the options give no run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Instead {
    /// They ask for the version.
    Version,
    /// They ask for the help.
    Help,
    /// They ask for the known types, those of private use, or both.
    Types { known: bool, private: bool },
    /// They are invalid, or a file that they name is, in nsupdate's words. The text ends without its last line end.
    Wrong(String),
    /// What nsupdate has no text for is wrong.
    Own(Box<Message>),
}

impl Instead {
    /// Returns that nsbridge's own options are used in a wrong way.
    fn usage(problem: impl fmt::Display) -> Self {
        let help = "nsbridge nsupdate --help";
        Message::of(&case!(command::USAGE, problem, help)).into()
    }
}

impl From<Message> for Instead {
    fn from(message: Message) -> Self {
        Self::Own(Box::new(message))
    }
}

impl From<String> for Instead {
    fn from(text: String) -> Self {
        Self::Wrong(text)
    }
}

impl Options {
    /// Parses the arguments that follow the program.
    pub(super) fn read(program: &Program, arguments: &[String]) -> Result<Self, Instead> {
        let mut options = Self {
            resolv_conf: "/etc/resolv.conf".to_owned(),
            port: 53,
            udp_retries: 3,
            timeout: Some(Duration::from_secs(300)),
            udp_wait: Some(Duration::from_secs(3)),
            ..Self::default()
        };
        let letters = options.read_words(program, arguments)?;
        // nsupdate: looks at these options first.
        let has = |wanted| letters.iter().any(|(letter, _)| *letter == wanted);
        if has('4') && has('6') {
            return Err("only one of -4 and -6 allowed".to_owned().into());
        }
        if has('V') {
            return Err(Instead::Version);
        }
        let (known, private) = (has('T'), has('P'));
        if known || private {
            return Err(Instead::Types { known, private });
        }
        for (letter, argument) in letters {
            options.set(letter, argument)?;
        }
        if options.durable && options.names_server_or_key() {
            return Err(Instead::usage("`--durable` excludes `-k`, `-y` and `-l`"));
        }
        match options.conflict() {
            Some(options) => Err(format!("{program}: cannot specify {options}").into()),
            None => Ok(options),
        }
    }

    /// Sets the options that are words, and the file. Returns the letters with their arguments.
    fn read_words(
        &mut self,
        program: &Program,
        arguments: &[String],
    ) -> Result<Vec<(char, String)>, Instead> {
        let mut letters = Vec::new();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let Some(bundle) = word.strip_prefix('-').filter(|it| !it.is_empty()) else {
                self.file = Some(word.clone());
                break;
            };
            if bundle == "-" {
                self.file = words.next().cloned();
                break;
            }
            if word == "--help" && *program == Program::Nsbridge {
                return Err(Instead::Help);
            }
            if let Some(option) = bundle.strip_prefix('-') {
                let known = self.set_word(option, &mut words);
                if known.map_err(|reason| Instead::usage(format!("`{word}` {reason}")))? {
                    continue;
                }
            }
            let mut rest = bundle.chars();
            while let Some(letter) = rest.next() {
                let Some((_, value, _)) = LETTERS.iter().find(|it| it.0.starts_with(letter)) else {
                    return Err(usage(program, Some("illegal option"), letter));
                };
                if letter == 'h' {
                    return Err(usage(program, None, letter));
                }
                let mut argument = String::new();
                if !value.is_empty() {
                    argument = rest.by_ref().collect();
                    if argument.is_empty() {
                        argument = words.next().cloned().ok_or_else(|| {
                            usage(program, Some("option requires an argument"), letter)
                        })?;
                    }
                }
                letters.push((letter, argument));
            }
        }
        Ok(letters)
    }

    /// Sets an option that is a word, without its two hyphens; its value is joined by `=`, or the
    /// next word. Returns `false` if there is no such option.
    fn set_word<'w>(
        &mut self,
        option: &str,
        words: &mut impl Iterator<Item = &'w String>,
    ) -> Result<bool, &'static str> {
        let (name, joined) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        let switch = match name {
            "split-zones" => &mut self.split_zones,
            "durable" => &mut self.durable,
            "line-numbers" => &mut self.line_numbers,
            "ede" => &mut self.ede,
            "config" => {
                let value = joined.or_else(|| words.next().cloned());
                self.config = Some(value.ok_or("needs a file")?);
                return Ok(true);
            }
            "output" => {
                let value = joined.or_else(|| words.next().cloned());
                self.json = match value.as_deref() {
                    Some("json") => true,
                    Some("text") => false,
                    _ => return Err("needs `text` or `json`"),
                };
                return Ok(true);
            }
            _ => return Ok(false),
        };
        if joined.is_some() {
            return Err("takes no value");
        }
        *switch = true;
        Ok(true)
    }

    /// Sets an option that is a letter.
    fn set(&mut self, letter: char, argument: String) -> Result<(), Instead> {
        self.tls |= "AEHKOS".contains(letter);
        match letter {
            '4' | '6' => self.family = Some(letter),
            'A' => self.ca_file = Some(argument),
            'C' => self.resolv_conf = argument,
            'd' => self.debug = self.debug.max(1),
            'D' | 'M' => self.debug = 2,
            'E' => self.certificate_file = Some(argument),
            'g' | 'o' => self.gss = true,
            'H' => self.tls_name = Some(argument),
            'i' => self.interactive = true,
            'K' => self.private_key_file = Some(argument),
            'l' => self.localhost_only = true,
            'L' => drop(number::<u32>(&argument, "library debug value")?),
            'k' => self.key_file = Some(argument),
            'O' => self.unverified = true,
            'p' => self.port = number(&argument, "port number")?,
            'r' => self.udp_retries = number(&argument, "udp retries")?,
            'R' => return Err("The -R option has been deprecated.".to_owned().into()),
            't' => self.timeout = seconds(&argument, "timeout")?,
            'u' => self.udp_wait = seconds(&argument, "udp timeout")?,
            'v' => self.tcp = true,
            'y' => self.key_text = Some(argument),
            // `S` is one of those that set `tls`.
            _ => {}
        }
        Ok(())
    }

    fn names_server_or_key(&self) -> bool {
        self.key_file.is_some() || self.key_text.is_some() || self.localhost_only
    }

    /// Returns the options that exclude one another, in nsupdate's wording.
    fn conflict(&self) -> Option<&'static str> {
        let (has_file, has_text) = (self.key_file.is_some(), self.key_text.is_some());
        let has_key = has_file || has_text;
        let verifies = self.ca_file.is_some() || self.tls_name.is_some();
        let has_half = self.certificate_file.is_some() != self.private_key_file.is_some();
        let no_gss = "-g or -o, program not linked with GSS API Library";
        let conflicts = [
            (has_file && has_text, "both -k and -y"),
            (self.gss && has_key, "-g with -k or -y"),
            (self.gss, no_gss),
            (self.unverified && verifies, "-O with -A or -H"),
            (has_half, "only one of -E and -K"),
        ];
        let mut conflicts = conflicts.into_iter();
        conflicts.find_map(|(exists, options)| exists.then_some(options))
    }
}

/// Returns the text about an invalid letter, or about `-h`, which has no `reason`.
fn usage(program: &Program, reason: Option<&str>, letter: char) -> Instead {
    let reason = reason.map(|it| format!("{program}: {it} -- {letter}\n"));
    let reason = reason.unwrap_or_default();
    let invalid = match letter {
        '?' => String::new(),
        _ => format!("{program}: invalid argument -{letter}\n"),
    };
    Instead::Wrong(format!("{reason}{invalid}{USAGE}"))
}

/// Parses digits without a sign.
fn number<N: FromStr>(text: &str, what: &str) -> Result<N, Instead> {
    let number = text.parse().ok().filter(|_| !text.starts_with('+'));
    number.ok_or_else(|| Instead::Wrong(format!("bad {what} '{text}'")))
}

/// Parses a time limit; 0 is none.
fn seconds(text: &str, what: &str) -> Result<Option<Duration>, Instead> {
    let seconds: u32 = number(text, what)?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds.into())))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn read(words: &[&str]) -> Result<Options, Instead> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Options::read(&Program::Nsupdate("nsupdate".into()), &words)
    }

    fn wrong(words: &[&str]) -> String {
        match read(words) {
            Err(Instead::Wrong(text)) => text,
            other => panic!("{words:?} gives {other:?}"),
        }
    }

    #[test]
    fn letters_are_bundled_and_arguments_joined_or_apart() {
        let options = read(&["-dvp5300", "-k", "a.key", "-t0", "-u", "0", "script", "-x"]).unwrap();
        assert_eq!((options.debug, options.tcp, options.port), (1, true, 5300));
        assert_eq!(options.key_file.as_deref(), Some("a.key"));
        assert_eq!((options.timeout, options.udp_wait), (None, None));
        assert_eq!(options.file.as_deref(), Some("script"));
        assert_eq!(read(&["--", "-x"]).unwrap().file.as_deref(), Some("-x"));
        assert_eq!(read(&["-"]).unwrap().file.as_deref(), Some("-"));
        assert!(read(&["-OD"]).unwrap().tls);
        assert_eq!(
            read(&["-PT"]),
            Err(Instead::Types {
                known: true,
                private: true
            })
        );
        assert_eq!(read(&["-k", "x", "-V", "-y", "z"]), Err(Instead::Version));
    }

    #[test]
    fn our_own_options_are_words_that_are_in_the_way_of_no_letter() {
        let words = [
            "-d",
            "--split-zones",
            "--config",
            "a.toml",
            "--output=json",
            "-v",
        ];
        let options = read(&[&words[..], &["--line-numbers", "--ede", "script", "--x"]].concat());
        let options = options.unwrap();
        assert_eq!((options.debug, options.tcp), (1, true));
        assert_eq!(options.file.as_deref(), Some("script"));
        let own = [
            options.split_zones,
            options.json,
            options.line_numbers,
            options.ede,
        ];
        assert_eq!((own, options.durable), ([true; 4], false));
        assert_eq!(options.config.as_deref(), Some("a.toml"));
        assert!(!read(&["--output", "text"]).unwrap().json);
        let taken_as_argument = read(&["-k", "--ede"]).unwrap();
        assert_eq!(taken_as_argument.key_file.as_deref(), Some("--ede"));
        assert!(!taken_as_argument.ede);
        let own = |words: &[&str]| match read(words) {
            Err(Instead::Own(message)) => message.to_string(),
            other => panic!("{words:?} gives {other:?}"),
        };
        for (words, start) in [
            (&["--ede=x"][..], "`--ede=x` takes no value;"),
            (&["--config"], "`--config` needs a file;"),
            (&["--output=xml"], "`--output=xml` needs `text` or `json`;"),
            (&["--durable", "-l"], "`--durable` excludes `-k`"),
        ] {
            let text = own(words);
            assert!(
                text.starts_with(&format!("error[NB-USAGE]: {start}")),
                "{text}"
            );
        }
        assert!(wrong(&["--split"]).starts_with("nsupdate: illegal option -- -\n"));
    }

    #[test]
    fn what_is_wrong_is_said_in_nsupdates_words() {
        assert_eq!(wrong(&["-46"]), "only one of -4 and -6 allowed");
        assert_eq!(wrong(&["-p", "70000"]), "bad port number '70000'");
        assert_eq!(wrong(&["-t", "x"]), "bad timeout 'x'");
        assert_eq!(wrong(&["-u", "-1"]), "bad udp timeout '-1'");
        assert_eq!(wrong(&["-r", ""]), "bad udp retries ''");
        assert_eq!(
            wrong(&["-kx", "-yz"]),
            "nsupdate: cannot specify both -k and -y"
        );
        assert_eq!(
            wrong(&["-gkx"]),
            "nsupdate: cannot specify -g with -k or -y"
        );
        assert!(wrong(&["-o"]).contains("not linked with GSS API"));
        assert_eq!(wrong(&["-Rx"]), "The -R option has been deprecated.");
        let text = wrong(&["-Z"]);
        assert!(text.starts_with("nsupdate: illegal option -- Z\nnsupdate: invalid argument -Z\n"));
        assert!(text.ends_with("[-4 | -6] [filename]"));
        assert!(wrong(&["-dp"]).starts_with("nsupdate: option requires an argument -- p\n"));
        assert!(wrong(&["-h"]).starts_with("nsupdate: invalid argument -h\nusage: "));
        assert!(wrong(&["-E", "x"]).contains("-E and -K"));
        assert!(wrong(&["-O", "-A", "x"]).contains("-O with -A"));
    }
}
