//! The texts of docs/servers.md that tests run as they stand there.

/// The block of docs/servers.md that begins with this line.
#[track_caller]
pub(crate) fn documented(first: &str) -> String {
    let text = include_str!("../../../docs/servers.md");
    let start = text
        .find(first)
        .unwrap_or_else(|| panic!("no block `{first}`"));
    let block = text[start..].split("```").next();
    block.unwrap_or_default().to_owned()
}
