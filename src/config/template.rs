//! The template of a configuration: what it shows of an option, for messages.

/// A commented configuration with every option and its default.
pub(crate) const TEMPLATE: &str = include_str!("template.toml");

/// Returns a line that sets an option, or that begins a table.
pub(super) fn example(key: &str) -> String {
    // The template has no catalog, and nothing that a configuration must have of these.
    match key {
        "catalog" => return "catalog = \"catalog.example\"".to_owned(),
        "primaries.NAME" => return "[primaries.main]".to_owned(),
        "routes" => return "[[routes]]".to_owned(),
        _ => {}
    }
    let found = options().find(|(_, line)| is_of(line, key));
    found.map_or_else(|| format!("{key} = …"), |(_, line)| line.to_owned())
}

/// Returns the first table that has an option: "[primaries.NAME]".
pub(super) fn table_of(key: &str) -> Option<String> {
    let (table, _) = options().find(|(table, line)| !table.is_empty() && is_of(line, key))?;
    Some(table.replace(".plesk", ".NAME").replace(".main", ".NAME"))
}

fn is_of(line: &str, key: &str) -> bool {
    let rest = line.strip_prefix(key);
    rest.is_some_and(|rest| rest.starts_with(" = "))
}

/// Returns the lines with options, each with its table.
fn options() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut table = "";
    TEMPLATE.lines().filter_map(move |line| {
        let line = line.strip_prefix('#').unwrap_or(line);
        if line.starts_with('[') {
            table = line;
        }
        Some((table, line)).filter(|_| line.starts_with(|it: char| it.is_ascii_lowercase()))
    })
}
