//! Counts what a request holds before it is decoded. An empty attribute is two bytes on the wire and sixty in memory, so
//! the size of a body says little about what decoding it costs.

use flyball_core::{Error, Result, limits};

use super::too_many;

/// The messages in which other messages lie.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Span,
    Event,
    Link,
    KeyValue,
    AnyValue,
    ArrayValue,
    KeyValueList,
}

impl Kind {
    /// The kind of the message in a field, when it is one.
    fn field(self, number: u64) -> Option<Kind> {
        match (self, number) {
            (Kind::Request, 1) => Some(Kind::ResourceSpans),
            (Kind::ResourceSpans, 1) => Some(Kind::Resource),
            (Kind::ResourceSpans, 2) => Some(Kind::ScopeSpans),
            (Kind::ScopeSpans, 2) => Some(Kind::Span),
            (Kind::Span, 11) => Some(Kind::Event),
            (Kind::Span, 13) => Some(Kind::Link),
            (Kind::Resource, 1) | (Kind::Span, 9) | (Kind::Event, 3) | (Kind::Link, 4) | (Kind::KeyValueList, 1) => {
                Some(Kind::KeyValue)
            }
            (Kind::KeyValue, 2) | (Kind::ArrayValue, 1) => Some(Kind::AnyValue),
            (Kind::AnyValue, 5) => Some(Kind::ArrayValue),
            (Kind::AnyValue, 6) => Some(Kind::KeyValueList),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Census {
    spans: usize,
    values: usize,
}

/// Deepest nesting of messages; the decoder refuses it at 100 too.
const DEPTH: usize = 100;

/// Checks the limits on a request in protobuf.
pub(super) fn of_protobuf(body: &[u8]) -> Result<()> {
    Census::default().walk(Kind::Request, body, DEPTH)
}

impl Census {
    fn walk(&mut self, kind: Kind, mut rest: &[u8], depth: usize) -> Result<()> {
        let malformed = || Error::invalid("Invalid OpenTelemetry format");
        if depth == 0 {
            return Err(malformed());
        }
        while !rest.is_empty() {
            let tag = varint(&mut rest).ok_or_else(malformed)?;
            let content = match tag & 7 {
                0 => varint(&mut rest).map(|_| None),
                1 => take(&mut rest, 8).map(|_| None),
                2 => varint(&mut rest).and_then(|length| take(&mut rest, usize::try_from(length).ok()?)).map(Some),
                5 => take(&mut rest, 4).map(|_| None),
                _ => None,
            };
            if let (Some(content), Some(inner)) = (content.ok_or_else(malformed)?, kind.field(tag >> 3)) {
                self.count(inner)?;
                self.walk(inner, content, depth - 1)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, kind: Kind) -> Result<()> {
        self.values += 1;
        self.spans += usize::from(kind == Kind::Span);
        spans(self.spans)?;
        values(self.values)
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// Checks the limits on a request in JSON, where every span and value is an object.
pub(super) fn of_json(body: &[u8]) -> Result<()> {
    let (mut objects, mut in_text, mut escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' if !in_text => objects += 1,
            _ => {}
        }
    }
    values(objects)
}

pub(super) fn spans(count: usize) -> Result<()> {
    if count > limits::TRACE_SPANS { Err(too_many("spans", limits::TRACE_SPANS)) } else { Ok(()) }
}

fn values(count: usize) -> Result<()> {
    if count > limits::TRACE_VALUES { Err(too_many("values", limits::TRACE_VALUES)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use flyball_core::ErrorCode;

    use super::*;

    /// A field that holds `content`.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut length = content.len();
        let mut bytes = vec![number << 3 | 2];
        while length >= 0x80 {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(content);
        bytes
    }

    fn request(spans: &[u8]) -> Vec<u8> {
        field(1, &field(2, spans))
    }

    #[test]
    fn too_many_spans_or_values_are_refused_before_they_are_decoded() {
        let spans = |count: usize| request(&field(2, &[]).repeat(count));
        assert!(of_protobuf(&spans(limits::TRACE_SPANS)).is_ok());
        assert_eq!(of_protobuf(&spans(limits::TRACE_SPANS + 1)).unwrap_err().code(), ErrorCode::LimitExceeded);
        let values = request(&field(2, &field(9, &[]).repeat(limits::TRACE_VALUES)));
        assert_eq!(of_protobuf(&values).unwrap_err().code(), ErrorCode::LimitExceeded);
        let objects = "{},".repeat(limits::TRACE_VALUES + 1);
        assert_eq!(of_json(objects.as_bytes()).unwrap_err().code(), ErrorCode::LimitExceeded);
        assert!(of_json(format!("[\"{objects}\\\"{objects}\"]").as_bytes()).is_ok(), "braces in a text are no objects");
    }

    #[test]
    fn lengths_past_the_end_and_bottomless_nesting_are_malformed() {
        for bad in [vec![0x0a, 0x7f], vec![0x0a], vec![0xff; 11], vec![0x0b]] {
            assert_eq!(of_protobuf(&bad).unwrap_err().code(), ErrorCode::InvalidInput, "{bad:?}");
        }
        let mut nested = Vec::new();
        for _ in 0..200 {
            nested = field(5, &field(1, &nested));
        }
        let nested = request(&field(2, &field(9, &field(2, &nested))));
        assert_eq!(of_protobuf(&nested).unwrap_err().code(), ErrorCode::InvalidInput);
    }
}
