//! nsbridge.toml(5), from the document of the configuration: its table of options and its example.

use roff::roman;

use super::page::{Page, marked};
use crate::cli::configuration::CONFIG_PATH;

/// The document of the configuration.
const DOCUMENT: &str = include_str!("../../../docs/configuration.md");

/// Returns the page.
pub(super) fn page(date: &str) -> Page {
    let mut page = Page::new("nsbridge.toml", 5, date, "configuration of nsbridge");
    page.section("SYNOPSIS");
    page.text(CONFIG_PATH);
    page.section("DESCRIPTION");
    page.text(&plain(chapter("# Configuration")));
    page.text("The file is in TOML. A table is named in brackets; NAME is a name of your choice.");
    page.section("OPTIONS");
    // The first two rows are the head of the table and the line below it.
    for row in rows(chapter("## Options")).skip(2) {
        let [option, default, meaning] = row;
        if let Some(table) = option
            .strip_prefix("**`")
            .and_then(|it| it.strip_suffix("`**"))
        {
            page.part(table);
            let default = Some(default).filter(|it| !it.is_empty());
            let default = default.map(|it| format!("Default: {it}."));
            let texts = [
                default,
                Some(meaning).filter(|it| !it.is_empty()).map(sentence),
            ];
            let text = texts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            if !text.is_empty() {
                page.text(&text);
            }
            continue;
        }
        let mut head = marked(&option);
        let default = match default.as_str() {
            needed if needed.starts_with("needed") => format!("  ({needed})"),
            default => format!("  (default: {default})"),
        };
        head.push(roman(default.replace('`', "")));
        page.entry(head, &sentence(meaning));
    }
    page.section("FILES");
    page.entry(marked(&format!("`{CONFIG_PATH}`")), "the configuration");
    page.section("EXAMPLES");
    let (before, example) = chapter("## Two primaries")
        .split_once("```toml\n")
        .expect("an example");
    page.text(plain(before).trim());
    page.lines(example.split("```").next().unwrap_or_default());
    page.section("SEE ALSO");
    page.text("`nsbridge`(1), `nsbridge-config-check`(1), `nsbridge-config-template`(1)");
    page
}

/// Returns the text between a heading and the next one.
fn chapter(heading: &str) -> &'static str {
    let rest = DOCUMENT
        .split_once(&format!("{heading}\n"))
        .expect("the document has it")
        .1;
    rest.split("\n#").next().unwrap_or_default().trim()
}

/// Returns the cells of each row of a table.
fn rows(table: &'static str) -> impl Iterator<Item = [String; 3]> {
    table.lines().map(|line| {
        let mut cells = line.split('|').skip(1).map(|cell| plain(cell.trim()));
        [(); 3].map(|()| cells.next().expect("a row has three cells"))
    })
}

/// Returns a text with the capital letter and the full stop of a sentence.
fn sentence(text: String) -> String {
    let mut sentence = text;
    let first = sentence.split(' ').next().unwrap_or_default();
    // Before a colon stands a value as one writes it.
    let is_word = first
        .bytes()
        .all(|it| it.is_ascii_lowercase() || it == b',');
    if is_word && first != "nsbridge" {
        sentence[..1].make_ascii_uppercase();
    }
    if !sentence.ends_with(['.', ':']) {
        sentence.push('.');
    }
    sentence
}

/// Returns a text with the document that each link leads to behind the words of the link.
fn plain(text: &str) -> String {
    let mut pieces = text.split("](");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (target, rest) = piece.split_once(')').unwrap_or((piece, ""));
        let file = match target.split('#').next() {
            Some("") | None => "configuration.md",
            Some(file) => file,
        };
        let label = plain.rfind('[').expect("a link has a begin");
        plain.remove(label);
        plain.extend([" (docs/", file, ")", rest]);
    }
    plain
}
