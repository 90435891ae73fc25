//! nsupdate's options: single letters that may be bundled, each argument joined or apart, up to the
//! first word that is none. Callers know the texts and the status 1 of what is wrong. Our own options are words.

use std::time::Duration;

/// What options there are; a colon says that an argument follows.
const LETTERS: &str = "46A:C:dDE:ghH:iK:lL:MoOk:p:Pr:R:St:Tu:vVy:";
/// What is printed where an option is wrong, and for `-h`.
const USAGE: &str = "usage: nsupdate [-CdDi] [-L level] [-l] [-g | -o | -y keyname:secret | -k keyfile] [-p port] [-v] [-V] [-P] [-T] [-4 | -6] [filename]";

/// What the command line asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
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
    pub(super) file: Option<String>,
    pub(super) own: Own,
}

/// Options that nsupdate does not have: they are words, so that they are in the way of none of its letters.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line, which may be given with any other"
)]
pub(super) struct Own {
    /// One batch may lie in several zones.
    pub(super) split_zones: bool,
    /// What is asked for is kept in the queue until it is in place.
    pub(super) durable: bool,
    /// Results as JSON.
    pub(super) json: bool,
    /// Errors begin with file and line.
    pub(super) line_numbers: bool,
    /// Servers are asked for the reasons of what they answer.
    pub(super) ede: bool,
    /// The configuration.
    pub(super) config: Option<String>,
}

/// What the command line asks for in place of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Instead {
    /// To print the version.
    Version,
    /// To print types: those known, those of private use, or both.
    Types { known: bool, private: bool },
    /// Nothing: it is wrong. The text ends without its last line end.
    Wrong(String),
}

impl Options {
    fn new() -> Self {
        Self {
            family: None,
            ca_file: None,
            resolv_conf: "/etc/resolv.conf".to_owned(),
            debug: 0,
            certificate_file: None,
            private_key_file: None,
            tls_name: None,
            interactive: false,
            localhost_only: false,
            key_file: None,
            key_text: None,
            unverified: false,
            tls: false,
            tcp: false,
            port: 53,
            udp_retries: 3,
            timeout: Some(Duration::from_secs(300)),
            udp_wait: Some(Duration::from_secs(3)),
            file: None,
            own: Own::default(),
        }
    }

    /// Reads the arguments that follow `program`.
    pub(super) fn read(program: &str, arguments: &[String]) -> Result<Self, Instead> {
        let (letters, own, file) = split_options(program, arguments)?;
        prepare(&letters)?;
        let mut options = Self::new();
        options.own = own;
        let mut gss = false;
        for (letter, argument) in &letters {
            gss |= matches!(letter, 'g' | 'o');
            options.take(*letter, argument)?;
        }
        options.file = file;
        let wrong = |reason: &str| Err(Instead::Wrong(format!("{program}: {reason}")));
        if options.key_file.is_some() && options.key_text.is_some() {
            return wrong("cannot specify both -k and -y");
        }
        if gss && (options.key_file.is_some() || options.key_text.is_some()) {
            return wrong("cannot specify -g with -k or -y");
        }
        if gss {
            return wrong("cannot specify -g or -o, program not linked with GSS API Library");
        }
        let has_key = options.key_file.is_some() || options.key_text.is_some();
        if options.own.durable && (has_key || options.localhost_only) {
            return wrong("cannot specify --durable with -k, -y or -l");
        }
        if options.unverified && (options.ca_file.is_some() || options.tls_name.is_some()) {
            return wrong("cannot specify -O with -A or -H");
        }
        if options.certificate_file.is_some() != options.private_key_file.is_some() {
            return wrong("cannot specify only one of -E and -K");
        }
        Ok(options)
    }

    /// Takes one option.
    fn take(&mut self, letter: char, argument: &str) -> Result<(), Instead> {
        let text = || Some(argument.to_owned());
        match letter {
            '4' | '6' => self.family = Some(letter),
            'A' => (self.ca_file, self.tls) = (text(), true),
            'C' => argument.clone_into(&mut self.resolv_conf),
            'd' => self.debug = self.debug.max(1),
            'D' | 'M' => self.debug = 2,
            'E' => (self.certificate_file, self.tls) = (text(), true),
            'H' => (self.tls_name, self.tls) = (text(), true),
            'i' => self.interactive = true,
            'K' => (self.private_key_file, self.tls) = (text(), true),
            'l' => self.localhost_only = true,
            'L' => {
                number(argument, "library debug value")?;
            }
            'k' => self.key_file = text(),
            'O' => (self.unverified, self.tls) = (true, true),
            'p' => {
                let port = number(argument, "port number")?;
                self.port = u16::try_from(port).map_err(|_| bad("port number", argument))?;
            }
            'r' => self.udp_retries = number(argument, "udp retries")?,
            'R' => {
                let text = "The -R option has been deprecated.";
                return Err(Instead::Wrong(text.to_owned()));
            }
            'S' => self.tls = true,
            't' => self.timeout = seconds(number(argument, "timeout")?),
            'u' => self.udp_wait = seconds(number(argument, "udp timeout")?),
            'v' => self.tcp = true,
            'y' => self.key_text = text(),
            // `split_options` lets no other letter through; `g`, `o`, `h`, `P`, `T` and `V` are seen to before.
            _ => {}
        }
        Ok(())
    }
}

impl Own {
    /// Takes an option without its two hyphens; its value is joined by `=`, or the next word. It is false where
    /// the option is not known.
    fn take<'w>(
        &mut self,
        option: &str,
        words: &mut impl Iterator<Item = &'w String>,
    ) -> Result<bool, &'static str> {
        let (name, joined) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        let is_switch = ["split-zones", "durable", "line-numbers", "ede"].contains(&name);
        if is_switch && joined.is_some() {
            return Err("takes no value");
        }
        match name {
            "split-zones" => self.split_zones = true,
            "durable" => self.durable = true,
            "line-numbers" => self.line_numbers = true,
            "ede" => self.ede = true,
            "config" => {
                let value = joined.or_else(|| words.next().cloned());
                self.config = Some(value.ok_or("wants a file")?);
            }
            "output" => {
                let value = joined.or_else(|| words.next().cloned());
                self.json = match value.as_deref() {
                    Some("json") => true,
                    Some("text") => false,
                    _ => return Err("wants `text` or `json`"),
                };
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The options with their arguments, in their order, our own ones, and the first other word.
type Cut = (Vec<(char, String)>, Own, Option<String>);

fn split_options(program: &str, arguments: &[String]) -> Result<Cut, Instead> {
    let (mut letters, mut own) = (Vec::new(), Own::default());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let bundle = match word.strip_prefix('-') {
            Some("-") => return Ok((letters, own, words.next().cloned())),
            Some(bundle) if !bundle.is_empty() => bundle,
            _ => return Ok((letters, own, Some(word.clone()))),
        };
        if let Some(option) = bundle.strip_prefix('-') {
            let taken = own.take(option, &mut words);
            let taken =
                taken.map_err(|reason| Instead::Wrong(format!("{program}: `{word}` {reason}")))?;
            if taken {
                continue;
            }
        }
        let mut rest = bundle.chars();
        while let Some(letter) = rest.next() {
            let known = LETTERS.find(letter).filter(|_| letter != ':');
            let Some(at) = known else {
                let text = format!("{program}: illegal option -- {letter}\n");
                return Err(usage(program, &text, letter));
            };
            if letter == 'h' {
                return Err(usage(program, "", letter));
            }
            if !LETTERS[at + 1..].starts_with(':') {
                letters.push((letter, String::new()));
                continue;
            }
            let joined = rest.as_str();
            let argument = if joined.is_empty() {
                words.next().cloned().ok_or_else(|| {
                    let text = format!("{program}: option requires an argument -- {letter}\n");
                    usage(program, &text, letter)
                })?
            } else {
                joined.to_owned()
            };
            letters.push((letter, argument));
            break;
        }
    }
    Ok((letters, own, None))
}

/// What is looked at before all other options.
fn prepare(letters: &[(char, String)]) -> Result<(), Instead> {
    let has = |wanted| letters.iter().any(|(letter, _)| *letter == wanted);
    if has('4') && has('6') {
        let text = "only one of -4 and -6 allowed";
        return Err(Instead::Wrong(text.to_owned()));
    }
    if has('V') {
        return Err(Instead::Version);
    }
    let (known, private) = (has('T'), has('P'));
    if known || private {
        return Err(Instead::Types { known, private });
    }
    Ok(())
}

fn usage(program: &str, before: &str, letter: char) -> Instead {
    let invalid = if letter == '?' {
        String::new()
    } else {
        format!("{program}: invalid argument -{letter}\n")
    };
    Instead::Wrong(format!("{before}{invalid}{USAGE}"))
}

fn number(text: &str, what: &str) -> Result<u32, Instead> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| bad(what, text))
}

fn bad(what: &str, text: &str) -> Instead {
    Instead::Wrong(format!("bad {what} '{text}'"))
}

/// Zero is no limit of its own.
fn seconds(number: u32) -> Option<Duration> {
    (number > 0).then(|| Duration::from_secs(number.into()))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn read(words: &[&str]) -> Result<Options, Instead> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Options::read("nsupdate", &words)
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
        let own = Own {
            split_zones: true,
            durable: false,
            json: true,
            line_numbers: true,
            ede: true,
            config: Some("a.toml".to_owned()),
        };
        assert_eq!(options.own, own);
        assert!(!read(&["--output", "text"]).unwrap().own.json);
        assert_eq!(read(&["-k", "--ede"]).unwrap().own, Own::default());
        assert_eq!(wrong(&["--ede=x"]), "nsupdate: `--ede=x` takes no value");
        assert_eq!(wrong(&["--config"]), "nsupdate: `--config` wants a file");
        let output = "nsupdate: `--output=xml` wants `text` or `json`";
        assert_eq!(wrong(&["--output=xml"]), output);
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
