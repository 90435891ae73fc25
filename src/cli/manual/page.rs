//! One manual page in roff, with the macros of man(7).

use roff::{Inline, Roff, bold, roman};

/// A page that is being written.
pub(super) struct Page {
    roff: Roff,
    /// Whether the next paragraph must be parted from the one before.
    follows_text: bool,
}

impl Page {
    /// Begins a page with its title line and the section NAME. `date` may be empty.
    pub(super) fn new(name: &str, section: u8, date: &str, purpose: &str) -> Self {
        let mut page = Self {
            roff: Roff::new(),
            follows_text: false,
        };
        let source = concat!("nsbridge ", env!("CARGO_PKG_VERSION"));
        let (title, section) = (name.to_uppercase(), section.to_string());
        // An empty argument must be quoted, for those after it to stay in their places.
        let date = if date.is_empty() { "\"\"" } else { date };
        let arguments = [&title, &section, date, source, "nsbridge"];
        page.roff.control("TH", arguments);
        // The names of commands and options stay whole.
        page.roff.control("nh", []);
        page.section("NAME");
        page.line(vec![roman(name), roman(" - "), roman(purpose)]);
        page
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) {
        self.roff.control("SH", [title]);
        self.follows_text = false;
    }

    /// Begins a part of a section.
    pub(super) fn part(&mut self, title: &str) {
        self.roff.control("SS", [title]);
        self.follows_text = false;
    }

    /// Writes the words of a command: those before `rest` in bold face.
    pub(super) fn command(&mut self, name: &str, rest: &str) {
        self.line(vec![bold(name), roman(rest)]);
    }

    /// Writes paragraphs, which empty lines part.
    pub(super) fn text(&mut self, text: &str) {
        for paragraph in text.split("\n\n") {
            if self.follows_text {
                self.roff.control("PP", []);
            }
            self.line(marked(&paragraph.replace('\n', " ")));
        }
    }

    /// Writes an entry of a list: its head, and its paragraphs.
    pub(super) fn entry(&mut self, head: Vec<Inline>, text: &str) {
        self.roff.control("TP", []);
        self.roff.text(head);
        for (index, paragraph) in text.split("\n\n").enumerate() {
            if index > 0 {
                self.roff.control("IP", []);
            }
            self.line(marked(&paragraph.replace('\n', " ")));
        }
    }

    /// Writes lines as they are, indented.
    pub(super) fn lines(&mut self, lines: &str) {
        for (request, argument) in [("PP", None), ("RS", Some("4")), ("nf", None)] {
            self.roff.control(request, argument);
        }
        for line in lines.lines() {
            self.roff.text([roman(line)]);
        }
        for request in ["fi", "RE"] {
            self.roff.control(request, []);
        }
        self.follows_text = true;
    }

    /// Returns the page in roff.
    pub(super) fn render(&self) -> String {
        self.roff.render()
    }

    fn line(&mut self, words: Vec<Inline>) {
        self.roff.text(words);
        self.follows_text = true;
    }
}

/// Parses a text: the words in backticks become bold.
pub(super) fn marked(text: &str) -> Vec<Inline> {
    let pieces = text.split('`').enumerate();
    let pieces = pieces.filter(|(_, piece)| !piece.is_empty());
    pieces
        .map(|(index, piece)| match index % 2 {
            0 => roman(piece),
            _ => bold(piece),
        })
        .collect()
}
