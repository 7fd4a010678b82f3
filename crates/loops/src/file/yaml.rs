//! The text as a tree of nodes that know where they stand.

use flyball_core::limits;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::problem::{Place, Problem};

/// Deepest nesting: a loop file needs six levels, the parameters of a trainer a few more. It bounds the stack.
const DEPTH: usize = 16;

/// A value of the file.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// A scalar. `quoted` ones are always text; `verbatim` says that the text stands on its line as it is, so that a
    /// position in it is a position in the file: it begins at this column.
    Scalar {
        text: String,
        quoted: bool,
        verbatim: Option<usize>,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Place,
}

/// Reads one document. What is wrong is added to `problems`; a text that is no YAML at all gives `None`.
pub(super) fn tree(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let start = Place { line: 1, column: 1, width: 1 };
    if text.len() > limits::LOOP_FILE_BYTES {
        let most = limits::LOOP_FILE_BYTES / 1024;
        problems.push(Problem::new(start, "", format!("the file is larger than {most} KiB")));
        return None;
    }
    if let Some(place) = misleading(text) {
        let message = "a control, direction-changing or private-use character";
        problems.push(Problem::new(place, "", message).hint("remove it: the file would not mean what it shows"));
        return None;
    }
    let masked = mask_calls(text);
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let mut builder = Builder { parser: Parser::new_from_str(&masked), lines: &lines, problems };
    match builder.document() {
        Ok(node) => Some(node),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    }
}

/// The place of the first character that an editor shows otherwise than it is read.
fn misleading(text: &str) -> Option<Place> {
    let bad = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e000}'..='\u{f8ff}')
    };
    text.split('\n').enumerate().find_map(|(line, content)| {
        let column = content.chars().position(bad)?;
        Some(Place { line: line + 1, column: column + 1, width: 1 })
    })
}

const COMMA: char = '\u{e000}';
const COLON: char = '\u{e001}';

/// `worst(auc, by: carrier)` holds a comma and a colon that YAML would take for its own. Inside the brackets of a call
/// they are replaced, character by character so that positions stay, and put back when the scalar is read. Private-use
/// characters are refused before, so nothing else is put back.
fn mask_calls(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let mut comma = None;
    let mut call = false;
    for at in 0..letters.len() {
        match letters[at] {
            '(' => call = at > 0 && letters[at - 1].is_ascii_alphabetic(),
            ')' | '\n' => call = false,
            ',' if call => comma = Some(at),
            ':' if call => {
                if let Some(from) = comma.take()
                    && letters[from + 1..at].iter().collect::<String>().trim() == "by"
                {
                    letters[from] = COMMA;
                    letters[at] = COLON;
                }
            }
            _ => {}
        }
        if !call {
            comma = None;
        }
    }
    letters.into_iter().collect()
}

type Built<T> = Result<T, Box<Problem>>;

struct Builder<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    lines: &'a [Vec<char>],
    problems: &'a mut Vec<Problem>,
}

impl Builder<'_> {
    fn document(&mut self) -> Built<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(refuse(&span, "a second document", "a loop file is one document; remove the '---'"));
                }
                Event::DocumentStart(_) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, &span, 0)?);
                }
                _ => return Err(refuse(&span, "something after the document", "remove it")),
            }
        }
        root.ok_or_else(|| {
            let place = Place { line: 1, column: 1, width: 1 };
            Box::new(Problem::new(place, "", "the file is empty").hint("'flyball init' writes one to start from"))
        })
    }

    fn next(&mut self) -> Built<(Event<'static>, Span)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((owned(event), span)),
            Some(Err(error)) => {
                let place = place(error.marker(), 1);
                Err(Box::new(Problem::new(place, "", format!("this is not YAML: {}", error.info()))))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'static>, span: &Span, depth: usize) -> Built<Node> {
        if depth == DEPTH {
            return Err(refuse(span, &format!("nested deeper than {DEPTH} levels"), "flatten it"));
        }
        let (anchor, tag) = match &event {
            Event::Alias(_) => (1, false),
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if tag {
            return Err(refuse(span, "a YAML tag", "the loop file has no tags; remove it"));
        }
        if anchor != 0 {
            return Err(refuse(span, "a YAML anchor or alias", "the loop file has none; write the value itself"));
        }
        match event {
            Event::Scalar(text, style, _, _) => Ok(self.scalar(&text, style, span)),
            Event::SequenceStart(..) => self.list(span, depth),
            Event::MappingStart(..) => self.map(span, depth),
            _ => Err(refuse(span, "nothing where a value belongs", "write a value")),
        }
    }

    fn list(&mut self, start: &Span, depth: usize) -> Built<Node> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Node { place: place(&start.start, 1), content: Content::List(items) });
            }
            items.push(self.node(event, &span, depth + 1)?);
        }
    }

    fn map(&mut self, start: &Span, depth: usize) -> Built<Node> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                let place = entries.first().map_or(place(&start.start, 1), |(key, _)| key.place);
                return Ok(Node { place, content: Content::Map(entries) });
            }
            let key = self.node(event, &span, depth + 1)?;
            let Content::Scalar { text, .. } = key.content else {
                return Err(refuse(&span, "a key that is not a word", "write key: value"));
            };
            let key = Key { text, place: key.place };
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            match entries.iter().find(|(other, _)| other.text == key.text) {
                Some((first, _)) => self.problems.push(
                    Problem::new(key.place, "", format!("the key '{}' stands here twice", key.text))
                        .hint(format!("the first one is on line {}", first.place.line)),
                ),
                None => entries.push((key, value)),
            }
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: &Span) -> Node {
        let text = text.replace(COMMA, ",").replace(COLON, ":");
        let wide =
            if span.start.line() == span.end.line() { span.end.col().saturating_sub(span.start.col()) } else { 1 };
        let quoted = style != ScalarStyle::Plain;
        let column = span.start.col() + usize::from(quoted);
        let letters: Vec<char> = text.chars().collect();
        let line = span.start.line().checked_sub(1).and_then(|line| self.lines.get(line));
        let stands = line.and_then(|line| line.get(column..)).is_some_and(|rest| rest.starts_with(&letters));
        Node {
            place: place(&span.start, wide),
            content: Content::Scalar { text, quoted, verbatim: stands.then_some(column + 1) },
        }
    }
}

fn place(marker: &Marker, width: usize) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1, width: width.max(1) }
}

fn refuse(span: &Span, message: &str, hint: &str) -> Box<Problem> {
    Box::new(Problem::new(place(&span.start, 1), "", message).hint(hint))
}

/// The event without what it borrows from the text.
fn owned(event: Event<'_>) -> Event<'static> {
    let tag =
        |tag: Option<std::borrow::Cow<'_, saphyr_parser::Tag>>| tag.map(|t| std::borrow::Cow::Owned(t.into_owned()));
    match event {
        Event::Nothing => Event::Nothing,
        Event::StreamStart => Event::StreamStart,
        Event::StreamEnd => Event::StreamEnd,
        Event::DocumentStart(explicit) => Event::DocumentStart(explicit),
        Event::DocumentEnd => Event::DocumentEnd,
        Event::Alias(id) => Event::Alias(id),
        Event::Scalar(text, style, anchor, t) => Event::Scalar(text.into_owned().into(), style, anchor, tag(t)),
        Event::SequenceStart(anchor, t) => Event::SequenceStart(anchor, tag(t)),
        Event::SequenceEnd => Event::SequenceEnd,
        Event::MappingStart(anchor, t) => Event::MappingStart(anchor, tag(t)),
        Event::MappingEnd => Event::MappingEnd,
    }
}
