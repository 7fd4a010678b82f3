//! Fields of protobuf messages, read and put together without knowing all of them: what is not changed stays as it is, byte
//! for byte.

use bytes::Bytes;
use flyball_core::{Error, ErrorCode, Result};

/// The content of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content<'a> {
    Varint(u64),
    /// Eight or four bytes.
    Fixed,
    /// A text, bytes or a message.
    Body(&'a [u8]),
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) content: Content<'a>,
    /// The whole field, with its tag.
    pub(crate) raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// The content of a field that has to be a text, bytes or a message.
    pub(crate) fn body(&self) -> Result<&'a [u8]> {
        match self.content {
            Content::Body(body) => Ok(body),
            _ => Err(broken()),
        }
    }

    /// The content as a text.
    pub(crate) fn text(&self) -> Result<&'a str> {
        std::str::from_utf8(self.body()?).map_err(|_| broken())
    }
}

/// That a message is no message.
pub(crate) fn broken() -> Error {
    Error::new(ErrorCode::InvalidData, "the file is no ONNX graph, or it is cut off")
}

/// The fields of a message in their order.
pub(crate) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = next_field(self.rest).ok_or_else(broken);
        self.rest = field.as_ref().map_or(&[], |field| &self.rest[field.raw.len()..]);
        Some(field)
    }
}

fn next_field(start: &[u8]) -> Option<Field<'_>> {
    let (tag, rest) = varint(start)?;
    let (content, rest) = match tag & 7 {
        0 => varint(rest).map(|(number, rest)| (Content::Varint(number), rest))?,
        1 => (Content::Fixed, rest.get(8..)?),
        2 => {
            let (length, rest) = varint(rest)?;
            let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            (Content::Body(body), rest)
        }
        5 => (Content::Fixed, rest.get(4..)?),
        // Groups, which ONNX never had.
        _ => return None,
    };
    let number = tag >> 3;
    (number > 0).then_some(Field { number, content, raw: &start[..start.len() - rest.len()] })
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[place + 1..]));
        }
    }
    None
}

/// A message that is put together; long parts are copied once, at the end.
#[derive(Debug, Default)]
pub(crate) struct Rope<'a> {
    parts: Vec<Part<'a>>,
    length: usize,
}

#[derive(Debug)]
enum Part<'a> {
    Kept(&'a [u8]),
    Made(Vec<u8>),
    Shared(Bytes),
}

impl Part<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Part::Kept(bytes) => bytes,
            Part::Made(bytes) => bytes,
            Part::Shared(bytes) => bytes,
        }
    }
}

impl<'a> Rope<'a> {
    fn push(&mut self, part: Part<'a>) {
        self.length += part.bytes().len();
        self.parts.push(part);
    }

    /// Adds a field as it was.
    pub(crate) fn keep(&mut self, field: &Field<'a>) {
        self.push(Part::Kept(field.raw));
    }

    /// Adds a field that is a message.
    pub(crate) fn message(&mut self, number: u64, body: Rope<'a>) {
        self.head(number, body.length);
        self.length += body.length;
        self.parts.extend(body.parts);
    }

    /// Adds a field that is a text.
    pub(crate) fn text(&mut self, number: u64, text: &'a str) {
        self.head(number, text.len());
        self.push(Part::Kept(text.as_bytes()));
    }

    /// Adds a field that is bytes.
    pub(crate) fn bytes(&mut self, number: u64, bytes: Bytes) {
        self.head(number, bytes.len());
        self.push(Part::Shared(bytes));
    }

    /// Adds a field that is a number.
    pub(crate) fn number(&mut self, number: u64, value: u64) {
        let mut made = Vec::new();
        put_varint(number << 3, &mut made);
        put_varint(value, &mut made);
        self.push(Part::Made(made));
    }

    fn head(&mut self, number: u64, length: usize) {
        let mut made = Vec::with_capacity(8);
        put_varint(number << 3 | 2, &mut made);
        put_varint(length as u64, &mut made);
        self.push(Part::Made(made));
    }

    /// The message in one piece.
    pub(crate) fn join(self) -> Vec<u8> {
        let mut joined = Vec::with_capacity(self.length);
        for part in &self.parts {
            joined.extend_from_slice(part.bytes());
        }
        joined
    }
}

fn put_varint(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// What becomes of a field.
pub(crate) enum Change<'a> {
    Keep,
    Drop,
    Replace(Rope<'a>),
}

/// The message with some of its fields changed; `None` when none is.
pub(crate) fn edit<'a>(
    message: &'a [u8],
    change: &mut dyn FnMut(&Field<'a>) -> Result<Change<'a>>,
) -> Result<Option<Rope<'a>>> {
    let mut rope = Rope::default();
    let mut changed = false;
    for field in fields(message) {
        let field = field?;
        match change(&field)? {
            Change::Keep => rope.keep(&field),
            Change::Drop => changed = true,
            Change::Replace(body) => {
                changed = true;
                rope.message(field.number, body);
            }
        }
    }
    Ok(changed.then_some(rope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_put_together_again() {
        let mut rope = Rope::default();
        rope.number(1, 300);
        rope.text(7, "graph");
        rope.bytes(4000, vec![9; 200].into());
        let message = rope.join();
        let read: Vec<Field<'_>> = fields(&message).collect::<Result<_>>().unwrap();
        assert_eq!(read.iter().map(|field| field.number).collect::<Vec<_>>(), [1, 7, 4000]);
        assert_eq!(read[0].content, Content::Varint(300));
        assert_eq!(read[1].text().unwrap(), "graph");
        assert_eq!(read.iter().map(|field| field.raw.len()).sum::<usize>(), message.len());
        assert!(edit(&message, &mut |_| Ok(Change::Keep)).unwrap().is_none());
        let without = edit(&message, &mut |field| Ok(if field.number == 7 { Change::Drop } else { Change::Keep }));
        let expected = [read[0].raw, read[2].raw].concat();
        assert_eq!(without.unwrap().unwrap().join(), expected);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bad in
            [&[0x0a, 5, 1][..], &[0x80; 12], &[0x0b, 0x0c], &[0x09, 1], &[0x00, 1], &[0x0a, 0xff, 0xff, 0xff, 0xff]]
        {
            assert!(fields(bad).any(|field| field.is_err()), "{bad:?}");
        }
    }
}
