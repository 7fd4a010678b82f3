//! Light colouring of a loop file: comments, keys and texts. Everything else stays plain.

/// A piece of a line and the class that colours it (empty for none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) class: &'static str,
    pub(crate) text: &'a str,
}

/// The pieces of one line of YAML. Joined they are the line.
pub(crate) fn line(text: &str) -> Vec<Piece<'_>> {
    let (code, comment) = text.split_at(comment_start(text));
    let mut pieces = Vec::with_capacity(4);
    let indent = code.len() - code.trim_start_matches([' ', '-']).len();
    match key_end(&code[indent..]) {
        Some(length) => {
            pieces.push(Piece { class: "", text: &code[..indent] });
            pieces.push(Piece { class: "key", text: &code[indent..indent + length] });
            pieces.push(value(&code[indent + length..]));
        }
        None => pieces.push(value(code)),
    }
    pieces.push(Piece { class: "comment", text: comment });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

fn value(text: &str) -> Piece<'_> {
    let quoted = text.trim_start_matches([':', ' ']).starts_with(['"', '\'']);
    Piece { class: if quoted { "text" } else { "" }, text }
}

/// Where the comment begins: a `#` at the start or after a space, outside quotes.
fn comment_start(text: &str) -> usize {
    let (mut quote, mut before) = (None, ' ');
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '#') if before.is_whitespace() => return at,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        before = character;
    }
    text.len()
}

fn key_end(code: &str) -> Option<usize> {
    let end = code.find(':')?;
    let is_key = end > 0 && code[..end].chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    let followed = code[end + 1..].is_empty() || code[end + 1..].starts_with(' ');
    (is_key && followed).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_texts_and_comments_are_told_apart() {
        let classes = |text| line(text).iter().map(|piece| piece.class).collect::<Vec<_>>();
        assert_eq!(classes("  window: 90d   # event time"), ["", "key", "", "comment"]);
        assert_eq!(classes("name: \"a # b\""), ["key", "text"]);
        assert_eq!(classes("  - auc >= 0.65"), [""]);
        assert_eq!(classes("# all"), ["comment"]);
        assert_eq!(classes(""), [""; 0]);
    }

    #[test]
    fn joined_pieces_are_the_line() {
        for text in ["a: b # c", "  - unique: [flight_id]", "é: 'ü' #", "http://x", ":", "- - a:", "<b>: \"</b>\""] {
            assert_eq!(line(text).iter().map(|piece| piece.text).collect::<String>(), text);
        }
    }
}
