//! Walks a filter or order text once, from left to right, and reads its words.

use flyball_core::{Error, Result};

use crate::search::grammar::Comparator;

/// A text and the place reached in it.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// `entity.key`, or a key alone.
pub(super) struct Identifier<'a> {
    pub(super) entity: Option<&'a str>,
    pub(super) key: String,
    /// As written.
    pub(super) text: &'a str,
}

/// What stands on the right of a comparator, as written.
pub(super) enum Literal<'a> {
    Number(&'a str),
    Text(&'a str),
    List(Vec<&'a str>),
    /// A word or a key in backticks: not a value.
    Bare(&'a str),
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What is left.
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The text from a place to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// The place, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The place of a byte, counted in characters from 1.
    pub(super) fn column(&self, at: usize) -> usize {
        self.text[..at].chars().count() + 1
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn take_while(&mut self, good: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !good(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// A word of letters, digits and underscores; empty when there is none here.
    pub(super) fn word(&mut self) -> &'a str {
        self.take_while(is_word)
    }

    /// Takes this keyword, in upper or lower case, if it stands here as a whole word.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let start = self.at;
        let found = self.word().eq_ignore_ascii_case(keyword);
        if !found {
            self.at = start;
        }
        found
    }

    /// The text between two of the quotes that stand here. A quote within is written twice and stays twice.
    fn quoted(&mut self) -> Result<&'a str> {
        let start = self.at;
        let Some(quote) = self.peek() else { return Ok("") };
        self.at += quote.len_utf8();
        loop {
            match self.rest().find(quote) {
                Some(length) => self.at += length + quote.len_utf8(),
                None => {
                    self.at = self.text.len();
                    return Err(self.invalid_clause(start).hint(format!("close the quotation with {quote}")));
                }
            }
            if quote == '`' || !self.take_if(quote) {
                let whole = self.since(start);
                return Ok(&whole[quote.len_utf8()..whole.len() - quote.len_utf8()]);
            }
        }
    }

    pub(super) fn identifier(&mut self) -> Result<Identifier<'a>> {
        let start = self.at;
        let first = match self.peek() {
            Some('`' | '"') => self.quoted()?,
            Some(c) if c.is_alphabetic() || c == '_' => self.word(),
            Some('\'' | '0'..='9' | '-' | '.') => return Err(self.not_an_identifier(start)),
            _ => return Err(self.invalid_clause(start)),
        };
        if !self.rest().starts_with('.') {
            return Ok(Identifier { entity: None, key: first.to_owned(), text: self.since(start) });
        }
        let mut key = String::new();
        while self.take_if('.') {
            if !key.is_empty() {
                key.push('.');
            }
            match self.peek() {
                Some('`' | '"' | '\'') => key.push_str(self.quoted()?),
                Some(c) if is_word(c) => key.push_str(self.word()),
                _ => return Err(self.not_an_identifier(start)),
            }
        }
        Ok(Identifier { entity: Some(first), key, text: self.since(start) })
    }

    /// A comparator; one that the language does not know comes back as it is written.
    pub(super) fn comparator(&mut self) -> Result<Comparator, &'a str> {
        let start = self.at;
        if self.take_while(|c| matches!(c, '=' | '!' | '<' | '>' | '~')).is_empty() {
            let first = self.word();
            let more = if first.eq_ignore_ascii_case("not") {
                1
            } else if first.eq_ignore_ascii_case("is") {
                2
            } else {
                0
            };
            for place in 0..more {
                let before = self.at;
                self.skip_space();
                let word = self.word();
                // After `IS` comes `NULL`, or `NOT` and then `NULL`.
                if word.is_empty() || (place == 1 && !word.eq_ignore_ascii_case("null")) {
                    self.at = before;
                }
                if word.eq_ignore_ascii_case("null") {
                    break;
                }
            }
        }
        let written = self.since(start);
        let same = |comparator: &Comparator| {
            comparator
                .as_str()
                .split(' ')
                .map(str::to_owned)
                .eq(written.split_whitespace().map(str::to_ascii_uppercase))
        };
        Comparator::ALL.into_iter().find(same).ok_or(written)
    }

    pub(super) fn literal(&mut self) -> Result<Literal<'a>> {
        let start = self.at;
        match self.peek() {
            Some('\'' | '"') => Ok(Literal::Text(self.quoted()?)),
            Some('(') => self.list().map(Literal::List),
            Some('`') => {
                self.quoted()?;
                Ok(Literal::Bare(self.since(start)))
            }
            Some(c) if c.is_alphabetic() || c == '_' => {
                self.take_while(|c| is_word(c) || c == '.');
                Ok(Literal::Bare(self.since(start)))
            }
            Some('0'..='9' | '-' | '.') => self.number(),
            _ => Err(self.invalid_clause(start)),
        }
    }

    fn number(&mut self) -> Result<Literal<'a>> {
        let start = self.at;
        let digits = |c: char| c.is_ascii_digit();
        self.take_if('-');
        let mut count = self.take_while(digits).len();
        if self.take_if('.') {
            count += self.take_while(digits).len();
        }
        if count > 0 && self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            let _sign = self.take_if('-') || self.take_if('+');
            count = self.take_while(digits).len();
        }
        let more = self.take_while(|c| is_word(c) || c == '.');
        match (count, more) {
            (0, "") => Err(self.invalid_clause(start)),
            (1.., "") => Ok(Literal::Number(self.since(start))),
            _ => Ok(Literal::Bare(self.since(start))),
        }
    }

    fn list(&mut self) -> Result<Vec<&'a str>> {
        let start = self.at;
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(')') => break,
                Some('\'' | '"') => values.push(self.quoted()?),
                _ => return Err(self.ill_formed_list(start)),
            }
            self.skip_space();
            if !self.take_if(',') && !self.rest().starts_with(')') {
                return Err(self.ill_formed_list(start));
            }
        }
        self.at += 1;
        if values.is_empty() {
            let message =
                "While parsing a list in the query, expected a non-empty list of string values, but got empty list";
            return Err(Error::invalid(message).hint("write it as ('a', 'b')"));
        }
        Ok(values)
    }

    fn ill_formed_list(&mut self, start: usize) -> Error {
        self.take_while(|c| c != ')');
        let whole = self.since(start);
        // A number or a word between the commas is a value of the wrong type; anything else is no list at all.
        let other =
            whole[1..].split(',').any(|part| part.trim().starts_with(|c: char| c.is_alphanumeric() || c == '-'));
        let what = if other {
            "expected string value, punctuation, or whitespace, but got different type in list"
        } else {
            "expected a non-empty list of string values, but got ill-formed list"
        };
        Error::invalid(format!("While parsing a list in the query, {what}: {}", excerpt(whole)))
            .hint("write it as ('a', 'b')")
    }

    fn not_an_identifier(&mut self, start: usize) -> Error {
        self.take_while(|c| !c.is_whitespace());
        Error::invalid(format!(
            "Invalid comparison clause at character {}. Expected 'Identifier' found {}",
            self.column(start),
            excerpt(self.since(start))
        ))
        .hint("write it as entity.key, such as metrics.loss or params.`learning rate`")
    }

    /// What stands here, up to the next space, has no place in a filter.
    pub(super) fn invalid_clause(&mut self, start: usize) -> Error {
        if self.take_while(|c| !c.is_whitespace()).is_empty() && self.since(start).is_empty() {
            return Error::invalid("Invalid clause(s) in filter string: it ends in the middle of a comparison")
                .hint("complete the last comparison, as in metrics.loss < 0.5");
        }
        let clause = excerpt(self.since(start));
        Error::invalid(format!("Invalid clause(s) in filter string: {clause} at character {}", self.column(start)))
            .hint("a filter is comparisons joined by AND; keys other than words go into backticks")
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The beginning of a client's text in quotes, without line breaks and other control characters.
pub(super) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 60;
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    let shown = text[..end].replace(|c: char| c.is_control() && c != '\t', " ");
    format!("'{shown}{}'", if end < text.len() { "…" } else { "" })
}
