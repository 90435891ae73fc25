//! A configuration of BIND: the zones that it lists.
//!
//! Source of the form: the ARM of BIND 9.18, and its parser (`lib/isccfg/parser.c`, `lib/isc/lex.c`).

use std::io;
use std::path::{Path, PathBuf};

use super::error::{NamedConfError, Problem};
use super::lexer::{Lexer, Opened, Token};

/// The zones of a configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NamedConf {
    /// The directory from which relative names of files start: that of `directory`, else that of the configuration.
    pub directory: PathBuf,
    /// The zones of class IN, in their order, those of all views.
    pub zones: Vec<ConfiguredZone>,
}

/// A zone of a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfiguredZone {
    /// Its name, as the configuration has it.
    pub name: String,
    /// The file and the line of the statement.
    pub place: (String, usize),
    /// What the server is for the zone.
    pub role: Role,
}

/// What a server is for a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Role {
    /// The primary, with the zone in this file.
    Primary(PathBuf),
    /// Something else, or the primary of a zone that is in no file.
    Other,
    /// The statement lacks this option, without which BIND refuses it.
    Lacking(&'static str),
}

impl NamedConf {
    /// Reads a configuration. For each `include`, calls `open` with its path, which may be a pattern of file names.
    ///
    /// # Errors
    /// The first error: BIND does not take a part of a configuration either.
    pub fn read(
        path: &Path,
        open: &mut dyn FnMut(&Path) -> io::Result<Vec<Opened>>,
    ) -> Result<Self, NamedConfError> {
        let start = path.parent().unwrap_or(Path::new(""));
        let unreadable = |source| NamedConfError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut files = open(path).map_err(unreadable)?;
        let gone = || unreadable(io::ErrorKind::NotFound.into());
        let first = files.pop().ok_or_else(gone)?;
        let mut reader = Reader {
            lexer: Lexer::new(first)?,
            open,
            start,
            read: Self {
                directory: start.to_owned(),
                zones: Vec::new(),
            },
        };
        reader.body(Block::File)?;
        Ok(reader.read)
    }
}

/// The block that a statement is in.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Block {
    File,
    Options,
    View { is_internet: bool },
    Zone,
}

/// What the statements of a zone say.
#[derive(Default)]
struct ZoneOptions {
    kind: Option<String>,
    file: Option<String>,
    /// The zone is that of another view, or its data come from elsewhere.
    is_elsewhere: bool,
}

struct Reader<'a> {
    lexer: Lexer,
    open: &'a mut dyn FnMut(&Path) -> io::Result<Vec<Opened>>,
    /// The directory of the configuration.
    start: &'a Path,
    read: NamedConf,
}

impl Reader<'_> {
    /// Reads the statements of a block, with its end. Returns the options if it is that of a zone.
    fn body(&mut self, block: Block) -> Result<ZoneOptions, NamedConfError> {
        let mut zone = ZoneOptions::default();
        loop {
            let word = match self.lexer.token()? {
                Token::Word(word) => word.to_ascii_lowercase(),
                Token::End if block == Block::File => return Ok(zone),
                Token::Mark(b'}') if block != Block::File => return Ok(zone),
                Token::Mark(_) | Token::End => return Err(self.expected("a statement")),
            };
            match (word.as_str(), block) {
                ("include", _) => self.include()?,
                ("options", Block::File) => {
                    self.mark(b'{', "`{`")?;
                    self.body(Block::Options)?;
                    self.end()?;
                }
                ("directory", Block::Options) => {
                    let directory = self.word("a directory")?;
                    self.read.directory = self.start.join(directory);
                    self.end()?;
                }
                ("view", Block::File) => {
                    self.word("the name of a view")?;
                    let is_internet = self.class(true)?;
                    self.body(Block::View { is_internet })?;
                    self.end()?;
                }
                ("zone", Block::File) => self.zone(true)?,
                ("zone", Block::View { is_internet }) => self.zone(is_internet)?,
                ("type", Block::Zone) => {
                    zone.kind = Some(self.word("the type of a zone")?.to_ascii_lowercase());
                    self.end()?;
                }
                ("file", Block::Zone) => {
                    zone.file = Some(self.word("the name of a file")?);
                    self.end()?;
                }
                ("in-view" | "database" | "dlz", Block::Zone) => {
                    zone.is_elsewhere = true;
                    self.skip()?;
                }
                _ => self.skip()?,
            }
        }
    }

    fn include(&mut self) -> Result<(), NamedConfError> {
        let name = self.word("the file to include")?;
        self.end()?;
        // BIND goes to the directory as soon as it has read the option.
        let path = self.read.directory.join(name);
        let files = (self.open)(&path);
        let files = files.map_err(|source| NamedConfError::Unreadable { path, source })?;
        self.lexer.include(files)
    }

    /// Reads a zone from its name on.
    fn zone(&mut self, is_internet: bool) -> Result<(), NamedConfError> {
        let name = self.word("the name of a zone")?;
        let place = self.lexer.place();
        let is_internet = self.class(is_internet)?;
        let options = self.body(Block::Zone)?;
        self.end()?;
        let is_primary = |kind: &String| ["master", "primary"].contains(&kind.as_str());
        let role = match (options.kind, options.file) {
            _ if options.is_elsewhere => Role::Other,
            (None, _) => Role::Lacking("type"),
            (Some(kind), Some(file)) if is_primary(&kind) => Role::Primary(file.into()),
            (Some(kind), None) if is_primary(&kind) => Role::Lacking("file"),
            (Some(_), _) => Role::Other,
        };
        if is_internet {
            self.read.zones.push(ConfiguredZone { name, place, role });
        }
        Ok(())
    }

    /// Reads the class, if there is one, and the `{` after it. Returns whether the class is IN.
    fn class(&mut self, default: bool) -> Result<bool, NamedConfError> {
        match self.lexer.token()? {
            Token::Mark(b'{') => Ok(default),
            Token::Word(class) => {
                self.mark(b'{', "`{`")?;
                Ok(class.eq_ignore_ascii_case("in"))
            }
            Token::Mark(_) | Token::End => Err(self.expected("a class or `{`")),
        }
    }

    /// Skips the rest of a statement.
    fn skip(&mut self) -> Result<(), NamedConfError> {
        let mut depth = 0_usize;
        loop {
            match self.lexer.token()? {
                Token::Mark(b';') if depth == 0 => return Ok(()),
                Token::Mark(b'{') => depth += 1,
                Token::Mark(b'}') if depth > 0 => depth -= 1,
                Token::Mark(b'}') | Token::End => return Err(self.expected("`;`")),
                Token::Mark(_) | Token::Word(_) => {}
            }
        }
    }

    fn word(&mut self, expected: &'static str) -> Result<String, NamedConfError> {
        match self.lexer.token()? {
            Token::Word(word) => Ok(word),
            Token::Mark(_) | Token::End => Err(self.expected(expected)),
        }
    }

    fn end(&mut self) -> Result<(), NamedConfError> {
        self.mark(b';', "`;`")
    }

    fn mark(&mut self, mark: u8, expected: &'static str) -> Result<(), NamedConfError> {
        match self.lexer.token()? {
            Token::Mark(found) if found == mark => Ok(()),
            Token::Mark(_) | Token::Word(_) | Token::End => Err(self.expected(expected)),
        }
    }

    fn expected(&self, expected: &'static str) -> NamedConfError {
        self.lexer.wrong(Problem::Expected(expected))
    }
}
