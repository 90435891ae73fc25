//! Gives a zone that was made at run time other keys, with `showzone` and `modzone`.

use tokio::time::Instant;

use super::command::{Target, Word};
use super::control::{CommandResult, Control};
use super::error::RndcError;
use super::status::options_at_run_time;
use crate::provision::status::{KeyPlace, Rekeyed};

/// The keys that a zone is to have.
pub(super) struct NewKeys<'a> {
    /// The first one may update the zone.
    pub(super) update: &'a [Word],
    /// The first one may transfer the zone.
    pub(super) transfer: &'a [Word],
    /// Whether the others may do so no more.
    pub(super) retires: bool,
}

/// Gives the zone its keys.
///
/// # Errors
/// Those of [`Control::command`], and [`RndcError::Failed`].
pub(super) async fn rekey(
    control: &mut Control<'_>,
    target: &Target<'_>,
    keys: &NewKeys<'_>,
    deadline: Instant,
) -> Result<Rekeyed, RndcError> {
    let Some(shown) = options_at_run_time(control, target, deadline).await? else {
        return Ok(Rekeyed::Elsewhere(KeyPlace::NamedConf));
    };
    let Some(before) = Block::read(&shown) else {
        return Ok(Rekeyed::Elsewhere(KeyPlace::Server));
    };
    let after = match keys.in_options(&before) {
        Ok(after) if after == before => return Ok(Rekeyed::Unchanged),
        Ok(after) => after,
        Err(place) => return Ok(Rekeyed::Elsewhere(place)),
    };
    let command = target.modzone(&after.to_text());
    let answer = control.command(&command, deadline).await?;
    match answer.result {
        CommandResult::Success => Ok(Rekeyed::Changed),
        CommandResult::AlreadyExists
        | CommandResult::NotFound
        | CommandResult::FileNotFound
        | CommandResult::NotLoaded
        | CommandResult::PermissionDenied
        | CommandResult::Failure
        | CommandResult::Unexpected => Err(control.failed(target, "modzone", &answer)),
    }
}

/// What stands between braces: statements, each with a block of its own or none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Block(Vec<(String, Option<Self>)>);

impl Block {
    /// Reads the options in `zone "example" { type primary; … };`. `None` if they are cut off.
    fn read(shown: &str) -> Option<Self> {
        let mut stack = vec![Self::default()];
        let (mut words, mut is_quoted) = (String::new(), false);
        for character in shown.chars() {
            match character {
                '"' => {
                    is_quoted = !is_quoted;
                    words.push(character);
                }
                _ if is_quoted => words.push(character),
                '{' => {
                    let statement = (take(&mut words), None);
                    stack.last_mut()?.0.push(statement);
                    stack.push(Self::default());
                }
                '}' => {
                    let inner = stack.pop()?;
                    stack.last_mut()?.0.last_mut()?.1 = Some(inner);
                    words.clear();
                }
                ';' => {
                    let words = take(&mut words);
                    if !words.is_empty() {
                        stack.last_mut()?.0.push((words, None));
                    }
                }
                _ => words.push(character),
            }
        }
        let [Self(whole)] = &stack[..] else {
            return None;
        };
        whole.first()?.1.clone()
    }

    /// Returns the statements as named reads them.
    fn to_text(&self) -> String {
        let statements = self.0.iter().map(|(words, block)| match block {
            Some(block) => format!("{words} {{ {} }};", block.to_text()),
            None => format!("{words};"),
        });
        statements.collect::<Vec<_>>().join(" ")
    }
}

fn take(words: &mut String) -> String {
    std::mem::take(words).trim().to_owned()
}

impl NewKeys<'_> {
    /// Returns the options of a zone with these keys.
    ///
    /// # Errors
    /// The place where the keys stand if that is not among the options.
    fn in_options(&self, before: &Block) -> Result<Block, KeyPlace> {
        let mut after = Block::default();
        let (mut has_rights, mut template) = (false, None);
        for (words, block) in &before.0 {
            let block = match (words.as_str(), block) {
                ("update-policy" | "allow-update", Some(block)) => {
                    has_rights = true;
                    let mut block = self.in_list(block, self.update);
                    if !names(&block, &self.update[0]) {
                        block.0.insert(0, self.right(words));
                    }
                    Some(block)
                }
                ("allow-transfer", Some(block)) => Some(self.in_list(block, self.transfer)),
                (_, block) => block.clone(),
            };
            template = template.or(words.strip_prefix("template "));
            has_rights |= words.starts_with("update-policy ");
            after.0.push((words.clone(), block));
        }
        if has_rights {
            return Ok(after);
        }
        if let Some(name) = template {
            return Err(KeyPlace::Template(unquoted(name).to_owned()));
        }
        let words = "update-policy";
        let rights = Block(vec![self.right(words)]);
        after.0.push((words.to_owned(), Some(rights)));
        Ok(after)
    }

    /// Returns a list of rights or addresses in which the first key has what any key has, and the others have what they had,
    /// or nothing.
    fn in_list(&self, before: &Block, keys: &[Word]) -> Block {
        let mut after = Block::default();
        for (words, block) in &before.0 {
            let Some((verb, name, rest)) = parts(words) else {
                after.0.push((words.clone(), block.clone()));
                continue;
            };
            let index = keys.iter().position(|key| is(key, name));
            if index.is_some() {
                let first = format!("{verb} \"{}\"{rest}", keys[0].as_str());
                if after.0.iter().all(|(words, _)| *words != first) {
                    after.0.push((first, None));
                }
            }
            let stays = index.is_none() || index != Some(0) && !self.retires;
            if stays {
                after.0.push((words.clone(), block.clone()));
            }
        }
        after
    }

    /// Returns the right to update all of a zone, for the first key.
    fn right(&self, list: &str) -> (String, Option<Block>) {
        let key = self.update[0].as_str();
        let words = match list {
            "update-policy" => format!("grant \"{key}\" zonesub ANY"),
            _ => format!("key \"{key}\""),
        };
        (words, None)
    }
}

/// Returns the verb, the key and the rest of a statement about a key, such as `grant "plesk" zonesub ANY`.
fn parts(words: &str) -> Option<(&str, &str, &str)> {
    let (verb, rest) = words.split_once(' ')?;
    let rest = rest.trim_start();
    let end = rest.find(' ').unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let is_of_key = match verb {
        "grant" | "deny" => true,
        "key" => rest.is_empty(),
        _ => false,
    };
    is_of_key.then_some((verb, unquoted(name), rest))
}

/// Returns whether a list lets a key do something.
fn names(list: &Block, key: &Word) -> bool {
    let mut statements = list.0.iter().filter_map(|(words, _)| parts(words));
    statements.any(|(verb, name, _)| verb != "deny" && is(key, name))
}

fn is(key: &Word, name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    key.as_str().eq_ignore_ascii_case(name)
}

fn unquoted(word: &str) -> &str {
    word.trim().trim_matches('"')
}

#[cfg(test)]
mod tests;
