//! CoNLL-2003: a token a line with its entity in the last column, an empty line behind each sentence.

use std::fmt::Write;

use flyball_core::Result;
use serde_json::json;

use super::{Everything, Format, Item, only, shown, utf8, wrong};
use crate::label::{Label, Span, text_of};
use crate::model::{Kind, Settings};

/// A sentence under construction.
#[derive(Default)]
struct Sentence {
    line: usize,
    text: String,
    characters: usize,
    spans: Vec<Span>,
    open: bool,
}

impl Sentence {
    /// Adds a token with its tag. `I-` begins a span too where none of its class is open, as the older scheme writes it.
    fn push(&mut self, token: &str, tag: &str, place: &str) -> Result<()> {
        if !self.text.is_empty() {
            self.text.push(' ');
            self.characters += 1;
        }
        let start = self.characters;
        self.text.push_str(token);
        self.characters += token.chars().count();
        if tag == "O" {
            self.open = false;
            return Ok(());
        }
        let (prefix, class) = tag
            .split_once('-')
            .filter(|(prefix, class)| matches!(*prefix, "B" | "I") && !class.is_empty())
            .ok_or_else(|| {
                wrong(place, format_args!("'{}' is no tag", shown(tag))).hint("tags are O, B-CLASS and I-CLASS")
            })?;
        match self.spans.last_mut().filter(|last| self.open && prefix == "I" && last.class == class) {
            Some(last) => last.end = self.characters,
            None => self.spans.push(Span { start, end: self.characters, class: class.to_owned() }),
        }
        self.open = true;
        Ok(())
    }

    fn finish(&mut self, settings: &Settings, items: &mut Vec<Item>) {
        let done = std::mem::take(self);
        if done.text.is_empty() {
            return;
        }
        let column = settings.text.as_deref().unwrap_or("text");
        items.push(Item {
            place: format!("the sentence of line {}", done.line),
            data: json!({ column: done.text }),
            answers: vec![(Some("conll".to_owned()), Some(Label::Spans(done.spans)))],
            ..Item::default()
        });
    }
}

pub(super) fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Item>> {
    only(settings, Kind::Spans, Format::Conll)?;
    let (mut items, mut sentence, mut columns) = (Vec::new(), Sentence::default(), None);
    for (at, line) in utf8(bytes)?.lines().enumerate() {
        let place = format!("line {}", at + 1);
        let parts: Vec<&str> = line.split_whitespace().collect();
        match parts.as_slice() {
            [] => sentence.finish(settings, &mut items),
            ["-DOCSTART-", ..] => sentence.finish(settings, &mut items),
            [_] => {
                return Err(wrong(&place, "a token without a tag").hint("the last column is the entity: O, B-PER, …"));
            }
            [token, .., tag] => {
                if *columns.get_or_insert(parts.len()) != parts.len() {
                    let message =
                        format!("{} columns where the others have {}", parts.len(), columns.unwrap_or_default());
                    return Err(wrong(&place, message));
                }
                if sentence.text.is_empty() {
                    sentence.line = at + 1;
                }
                sentence.push(token, tag, &place)?;
            }
        }
    }
    sentence.finish(settings, &mut items);
    Ok(items)
}

pub(super) fn write(everything: &Everything) -> Result<Vec<u8>> {
    let settings = &everything.project.settings;
    only(settings, Kind::Spans, Format::Conll)?;
    let agreed = everything.agreed();
    let mut out = String::from("-DOCSTART- -X- -X- O\n");
    for task in &everything.tasks {
        let Some(Label::Spans(spans)) = agreed.get(&task.id).map(|one| &one.label) else { continue };
        let place = || format!("task '{}'", shown(&task.key));
        if let Some(pair) = spans.windows(2).find(|pair| pair[1].start < pair[0].end) {
            let message = format!("the spans at {} and {} overlap", pair[0].start, pair[1].start);
            return Err(wrong(place(), message).hint("CoNLL has one entity a token; export jsonl or label-studio"));
        }
        out.push('\n');
        let text: Vec<char> = text_of(settings, &task.data)?.chars().collect();
        for (token, tag) in tokens(&text, spans) {
            let _infallible = writeln!(out, "{token} -X- _ {tag}");
        }
    }
    Ok(out.into_bytes())
}

/// The tokens between white space and the ends of spans, each with its tag.
fn tokens(text: &[char], spans: &[Span]) -> Vec<(String, String)> {
    let is_edge = |at: usize| spans.iter().any(|span| span.start == at || span.end == at);
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, character) in text.iter().enumerate() {
        if character.is_whitespace() {
            open = false;
            continue;
        }
        if !open || is_edge(at) {
            found.push((at, String::new()));
        }
        open = true;
        if let Some((_, token)) = found.last_mut() {
            token.push(*character);
        }
    }
    let mut begun = None;
    let tagged = found.into_iter().map(|(at, token)| {
        let span = spans.iter().position(|span| (span.start..span.end).contains(&at));
        let tag = match span {
            None => "O".to_owned(),
            Some(place) if begun == span => format!("I-{}", spans[place].class),
            Some(place) => format!("B-{}", spans[place].class),
        };
        begun = span;
        (token, tag)
    });
    tagged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_inside_words_cut_them() {
        let text: Vec<char> = "Año-Nuevo in Rome".chars().collect();
        let span = |start, end, class: &str| Span { start, end, class: class.to_owned() };
        let found = tokens(&text, &[span(4, 9, "DAY"), span(13, 17, "LOC")]);
        let flat: Vec<String> = found.iter().map(|(token, tag)| format!("{token}/{tag}")).collect();
        assert_eq!(flat, ["Año-/O", "Nuevo/B-DAY", "in/O", "Rome/B-LOC"]);
    }
}
