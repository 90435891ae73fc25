//! Excerpts of foreign text for messages.

/// Escapes the unprintable characters of foreign text and shortens it to `characters_max` characters, so that it
/// fits on one line of a message. A backslash stays, since it has a meaning of its own in master
/// files and in JSON.
pub fn excerpt(text: &str, characters_max: usize) -> String {
    let mut excerpt = String::with_capacity(text.len().min(characters_max));
    let mut room = characters_max;
    for character in text.chars() {
        let escaped: String = match character {
            '"' | '\'' | '\\' => character.into(),
            _ => character.escape_debug().collect(),
        };
        let Some(left) = room.checked_sub(escaped.chars().count()) else {
            excerpt.push('…');
            break;
        };
        room = left;
        excerpt.push_str(&escaped);
    }
    excerpt
}

/// The characters that a name or an address has in a message, by the law of lengths.
const NAME_CHARACTERS: usize = 12;

/// Shortens the data of a record to `characters_max` characters. Names and addresses count as 12 characters at most.
pub fn excerpt_of_data(data: &str, characters_max: usize) -> String {
    let words: Vec<(&str, usize)> = data.split(' ').map(|it| (it, counted(it))).collect();
    let all: usize = words.iter().map(|(_, number)| number + 1).sum();
    if all <= characters_max + 1 {
        return data.to_owned();
    }
    let (mut excerpt, mut room) = (String::new(), characters_max.saturating_sub(3));
    for (index, (word, number)) in words.into_iter().enumerate() {
        if index > 0 {
            excerpt.push(' ');
            room = room.saturating_sub(1);
        }
        if number > room {
            excerpt.extend(word.chars().take(room));
            break;
        }
        excerpt.push_str(word);
        room -= number;
    }
    excerpt.trim_end().to_owned() + "..."
}

/// Counts the characters of a word of a record.
fn counted(word: &str) -> usize {
    let is_of_name = |it: char| it.is_ascii_alphanumeric() || "._-*:".contains(it);
    let is_name = word.trim_matches('.').contains(['.', ':']) && word.chars().all(is_of_name);
    match word.chars().count() {
        count if is_name => count.min(NAME_CHARACTERS),
        count => count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_of_data_keeps_names_and_cuts_others() {
        for (whole, characters_max) in [
            ("65535 a.host.with.a.long.name.example.", 18),
            ("2001:db8:1111:2222:3333:4444:5555:6666", 12),
            ("\"short\"", 7),
        ] {
            assert_eq!(excerpt_of_data(whole, characters_max), whole);
        }
        let srv = "10 20 5060 a.host.with.a.long.name.example.";
        assert_eq!(excerpt_of_data(srv, 23), srv);
        assert_eq!(excerpt_of_data(srv, 22), "10 20 5060 a.host.w...");
        assert_eq!(excerpt_of_data(srv, 17), "10 20 5060 a.h...");
        assert_eq!(excerpt_of_data(srv, 14), "10 20 5060...");
        assert_eq!(
            excerpt_of_data(&format!("\"{}\"", "x".repeat(100)), 8),
            "\"xxxx..."
        );
        assert_eq!(excerpt_of_data("a-host-of-one-label.", 12), "a-host-of...");
        assert_eq!(excerpt_of_data("1 0 0 -", 3), "...");
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt("it's \"\\032\"", 80), r#"it's "\032""#);
        assert_eq!(excerpt("a\r\n\u{1b}\u{202e}", 80), r"a\r\n\u{1b}\u{202e}");
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("äöü\n", 3), "äöü…");
        assert_eq!(excerpt("a\u{7f}b", 6), "a…");
        assert_eq!(excerpt("a\u{7f}b", 7), r"a\u{7f}…");
    }
}
