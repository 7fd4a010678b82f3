//! Searches on both databases, against plain evaluations of the same data.

mod experiments;
mod models;
mod patterns;
mod runs;
mod sample;

/// LIKE as it should be; with `fold` as ILIKE.
pub(crate) fn is_like(text: &str, pattern: &str, fold: bool) -> bool {
    fn go(text: &[char], pattern: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|skip| go(&text[skip..], rest)),
            Some(('_', rest)) => !text.is_empty() && go(&text[1..], rest),
            Some((c, rest)) => text.first() == Some(c) && go(&text[1..], rest),
        }
    }
    let characters = |text: &str| -> Vec<char> {
        if fold { text.to_ascii_lowercase().chars().collect() } else { text.chars().collect() }
    };
    go(&characters(text), &characters(pattern))
}
