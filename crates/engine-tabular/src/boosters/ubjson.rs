//! Universal Binary JSON, as a format of serde. Nothing is allocated by a length that the bytes claim, and containers
//! nest only so deep.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// Deepest nesting; a booster needs ten levels.
const DEEPEST: usize = 64;

/// Why bytes are no UBJSON, or not what is asked for.
#[derive(Debug)]
pub(super) struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

impl de::Error for Broken {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn broken(message: &str) -> Broken {
    Broken(message.to_owned())
}

/// Reads a value that fills the bytes.
pub(super) fn read<'de, T: de::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Broken> {
    let mut reader = Reader { rest: bytes, depth: 0 };
    let value = T::deserialize(Item { reader: &mut reader, marker: None })?;
    if reader.rest.trim_ascii().is_empty() { Ok(value) } else { Err(broken("there are bytes after the value")) }
}

struct Reader<'de> {
    rest: &'de [u8],
    depth: usize,
}

impl<'de> Reader<'de> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| broken("the file is cut short"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The next marker; those that say nothing are skipped.
    fn marker(&mut self) -> Result<u8, Broken> {
        loop {
            let [marker] = self.take()?;
            if marker != b'N' {
                return Ok(marker);
            }
        }
    }

    /// Takes the next byte if it is this one.
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.rest.strip_prefix(&[byte]);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn whole(&mut self, marker: u8) -> Result<i64, Broken> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.take()?)),
            b'U' => i64::from(u8::from_be_bytes(self.take()?)),
            b'I' => i64::from(i16::from_be_bytes(self.take()?)),
            b'l' => i64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?),
            _ => return Err(broken("a length is no whole number")),
        })
    }

    fn length(&mut self) -> Result<usize, Broken> {
        let marker = self.marker()?;
        usize::try_from(self.whole(marker)?).map_err(|_| broken("a length is below zero"))
    }

    fn text(&mut self) -> Result<&'de str, Broken> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or_else(|| broken("the file is cut short"))?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| broken("a text is not UTF-8"))
    }

    /// What stands at the head of a container.
    fn open(&mut self, close: u8) -> Result<Container, Broken> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(broken("values are nested too deep"));
        }
        let marker = if self.skip(b'$') { Some(self.take::<1>()?[0]) } else { None };
        let left = if self.skip(b'#') { Some(self.length()?) } else { None };
        match (marker, left) {
            (Some(_), None) => Err(broken("a container has a type and no length")),
            // Such values take no bytes: their number would be bounded by nothing.
            (Some(b'Z' | b'T' | b'F' | b'N'), Some(1..)) => Err(broken("a container holds values without bytes")),
            _ => Ok(Container { marker, left, close }),
        }
    }
}

/// A container that is being read: the marker and the number of its values when they stand at its head, and the byte
/// that closes it when they do not.
struct Container {
    marker: Option<u8>,
    left: Option<usize>,
    close: u8,
}

impl Container {
    /// Whether there is another value; past the last one the container is left.
    fn more(&mut self, reader: &mut Reader<'_>) -> bool {
        if self.left.is_none() {
            while reader.skip(b'N') {}
        }
        let more = match &mut self.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => !reader.skip(self.close),
        };
        if !more {
            reader.depth = reader.depth.saturating_sub(1);
        }
        more
    }
}

/// One value, whose marker may stand elsewhere.
struct Item<'a, 'de> {
    reader: &'a mut Reader<'de>,
    marker: Option<u8>,
}

impl<'de> de::Deserializer<'de> for Item<'_, 'de> {
    type Error = Broken;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Broken> {
        let Self { reader, marker } = self;
        let marker = marker.map_or_else(|| reader.marker(), Ok)?;
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(reader.take()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(reader.take()?)),
            b'C' => visitor.visit_char(char::from(reader.take::<1>()?[0])),
            b'S' | b'H' => visitor.visit_borrowed_str(reader.text()?),
            b'[' => {
                let container = reader.open(b']')?;
                visitor.visit_seq(Values { reader, container })
            }
            b'{' => {
                let container = reader.open(b'}')?;
                visitor.visit_map(Values { reader, container })
            }
            _ => match reader.whole(marker) {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => Err(broken("there is a value of no known type")),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Broken> {
        let Self { reader, marker } = self;
        match marker.map_or_else(|| reader.marker(), Ok)? {
            b'Z' => visitor.visit_none(),
            marker => visitor.visit_some(Item { reader, marker: Some(marker) }),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Values<'a, 'de> {
    reader: &'a mut Reader<'de>,
    container: Container,
}

impl<'de> SeqAccess<'de> for Values<'_, 'de> {
    type Error = Broken;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Broken> {
        if !self.container.more(self.reader) {
            return Ok(None);
        }
        seed.deserialize(Item { reader: self.reader, marker: self.container.marker }).map(Some)
    }
}

impl<'de> MapAccess<'de> for Values<'_, 'de> {
    type Error = Broken;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Broken> {
        if !self.container.more(self.reader) {
            return Ok(None);
        }
        // Keys are texts without a marker.
        seed.deserialize(Item { reader: self.reader, marker: Some(b'S') }).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Broken> {
        seed.deserialize(Item { reader: self.reader, marker: self.container.marker })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(bytes: &[u8]) -> Option<Value> {
        read(bytes).ok()
    }

    #[test]
    fn every_form_of_a_value_is_read() {
        assert_eq!(parse(b"{i\x01aSi\x02xyU\x01bT}"), Some(json!({"a": "xy", "b": true})));
        assert_eq!(parse(b"[$d#i\x02\x3f\x80\0\0\xbf\x80\0\0"), Some(json!([1.0, -1.0])));
        assert_eq!(parse(b"[#i\x03i\xffI\x01\0Z"), Some(json!([-1, 256, null])));
        assert_eq!(parse(b"N[Ni\x01N]"), Some(json!([1])));
        assert_eq!(parse(b"{$i#i\x01i\x01a\x05"), Some(json!({"a": 5})));
    }

    #[test]
    fn lies_about_lengths_and_bombs_are_refused() {
        let most = i64::MAX.to_be_bytes();
        for start in [&b"[$d#L"[..], b"[#L", b"[$Z#L", b"[$T#L", b"SL", b"{#L", b"{L", b"[$[#L", b"{$Z#L"] {
            assert_eq!(parse(&[start, &most].concat()), None, "{}", start.escape_ascii());
        }
        for bytes in [&b"SL\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"", b"[", b"[$d]", b"i", b"q", b"[]]"] {
            assert_eq!(parse(bytes), None, "{}", bytes.escape_ascii());
        }
        for open in [&b"["[..], b"{i\x01a", b"[#i\x01", b"[$[#i\x01"] {
            assert_eq!(parse(&open.repeat(100_000)), None);
        }
    }
}
