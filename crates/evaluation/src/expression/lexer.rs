//! The words and signs of a condition.

use super::parse::ExpressionError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sign {
    /// A metric, flag, function, subject, column or keyword.
    Word(String),
    /// A number; a percentage is already divided by 100.
    Number(f64),
    /// An operator or bracket.
    Mark(&'static str),
}

/// A sign with the range of characters that it takes in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) sign: Sign,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The marks, longer ones first so that `>=` is not read as `>`.
const MARKS: &[&str] = &[">=", "<=", "==", "!=", ">", "<", "+", "-", "*", "/", "(", ")", "[", "]", ",", ":", "."];

/// Cuts a text into tokens; positions count characters.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let start = at;
        let run = |from: usize, good: fn(char) -> bool| {
            letters.get(from..).unwrap_or_default().iter().take_while(|&&c| good(c)).count()
        };
        let sign = if letter.is_whitespace() {
            at += 1;
            continue;
        } else if letter.is_alphabetic() || letter == '_' {
            at += run(at, |c| c.is_alphanumeric() || c == '_');
            Sign::Word(letters[start..at].iter().collect())
        } else if letter.is_ascii_digit() {
            at += run(at, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
            let digits: String = letters[start..at].iter().collect();
            let value = digits.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(|| {
                ExpressionError::new(start, at, format!("'{digits}' is not a number")).hint("write it as 0.65 or 5%")
            })?;
            let percent = letters.get(at) == Some(&'%');
            at += usize::from(percent);
            Sign::Number(if percent { value / 100.0 } else { value })
        } else {
            let mark = MARKS.iter().find(|mark| mark.chars().enumerate().all(|(i, c)| letters.get(at + i) == Some(&c)));
            let Some(mark) = mark else {
                let hint = match letter {
                    '&' => "write 'and'",
                    '|' => "write 'or'",
                    '!' => "write 'not', or '!=' between two values",
                    '=' => "write '==' to compare",
                    _ => "a condition is written like auc >= 0.65",
                };
                return Err(
                    ExpressionError::new(start, start + 1, format!("'{letter}' has no meaning here")).hint(hint)
                );
            };
            at += mark.len();
            Sign::Mark(mark)
        };
        tokens.push(Token { sign, start, end: at });
    }
    Ok(tokens)
}
