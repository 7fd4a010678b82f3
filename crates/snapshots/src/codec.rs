//! Numbers and bytes in objects, read with care: objects come from disks and remotes.

use flyball_core::{Digest, Error, Result};

use crate::failure::damaged;

/// Adds a number of seven bits a byte, the lowest first.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// A digest from its bytes.
pub(crate) fn digest(bytes: [u8; 32]) -> Digest {
    Digest::from(blake3::Hash::from_bytes(bytes))
}

/// Reads an object from its beginning.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// What is read, for the error.
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads what stands behind the magic bytes.
    pub(crate) fn after(magic: &[u8], bytes: &'a [u8], what: &'static str) -> Result<Self> {
        bytes.strip_prefix(magic).map(|rest| Self { rest, what }).ok_or_else(|| damaged(what))
    }

    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    fn broken(&self) -> Error {
        damaged(self.what)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.broken())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| self.broken())
    }

    pub(crate) fn digest(&mut self) -> Result<Digest> {
        self.array().map(digest)
    }

    pub(crate) fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.broken())
    }

    /// A number of things of which each takes at least a byte of what is left, so that no allocation is larger than the object.
    pub(crate) fn count(&mut self) -> Result<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| self.broken())?;
        if count > self.rest.len() { Err(self.broken()) } else { Ok(count) }
    }

    /// A number that is at most so large.
    pub(crate) fn count_up_to(&mut self, most: usize) -> Result<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| self.broken())?;
        if count > most { Err(self.broken()) } else { Ok(count) }
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.broken()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            let mut reader = Reader::new(&bytes, "a number");
            assert_eq!(reader.number().unwrap(), number);
            reader.end().unwrap();
            assert!(Reader::new(&bytes[..bytes.len() - 1], "a number").number().is_err());
        }
        assert!(Reader::new(&[0xff; 11], "a number").number().is_err());
    }
}
