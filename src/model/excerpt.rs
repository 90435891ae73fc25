//! Excerpts of foreign text for messages.

/// Shortens foreign text to `characters_max` characters and escapes unprintable ones, so that it
/// fits on one line of a message. A backslash stays, since it has a meaning of its own in master
/// files and in JSON.
pub fn excerpt(text: &str, characters_max: usize) -> String {
    let mut excerpt = String::with_capacity(text.len().min(characters_max));
    for (count, character) in text.chars().enumerate() {
        if count == characters_max {
            excerpt.push('…');
            break;
        }
        match character {
            '"' | '\'' | '\\' => excerpt.push(character),
            _ => excerpt.extend(character.escape_debug()),
        }
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt("it's \"\\032\"", 80), r#"it's "\032""#);
        assert_eq!(excerpt("a\r\n\u{1b}\u{202e}", 80), r"a\r\n\u{1b}\u{202e}");
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("äöü\n", 3), "äöü…");
    }
}
