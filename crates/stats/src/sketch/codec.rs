//! Numbers as bytes: seven bits a byte, small ones short, and a reader that refuses what it did not write.

use std::error::Error;
use std::fmt;

/// Bytes that are not a sketch, or not one of this reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged(pub(crate) &'static str);

impl fmt::Display for Damaged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl Error for Damaged {}

/// Appends numbers to bytes.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn whole(&mut self, number: u64) {
        self.wide(u128::from(number));
    }

    pub(crate) fn wide(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A number with a sign, small ones of either sign short.
    pub(crate) fn signed(&mut self, number: i128) {
        self.wide(((number << 1) ^ (number >> 127)) as u128);
    }

    pub(crate) fn float(&mut self, number: f64) {
        self.0.extend(number.to_bits().to_le_bytes());
    }

    pub(crate) fn fixed(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.whole(text.len() as u64);
        self.0.extend(text.as_bytes());
    }

    /// Counts, a run of zeros as one zero and its length less one.
    pub(crate) fn counts(&mut self, counts: &[u64]) {
        self.whole(counts.len() as u64);
        for run in counts.chunk_by(|left, right| *left == 0 && *right == 0) {
            self.whole(run[0]);
            if run[0] == 0 {
                self.whole(run.len() as u64 - 1);
            }
        }
    }
}

/// Takes numbers from bytes.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Damaged("the bytes end early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Damaged> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn wide(&mut self) -> Result<u128, Damaged> {
        let mut number = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return Err(Damaged("a number is too large"));
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damaged("a number has no end"))
    }

    pub(crate) fn whole(&mut self) -> Result<u64, Damaged> {
        u64::try_from(self.wide()?).map_err(|_| Damaged("a number is too large"))
    }

    pub(crate) fn signed(&mut self) -> Result<i128, Damaged> {
        let number = self.wide()?;
        Ok((number >> 1) as i128 ^ -((number & 1) as i128))
    }

    pub(crate) fn fixed(&mut self) -> Result<u64, Damaged> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn float(&mut self) -> Result<f64, Damaged> {
        Ok(f64::from_bits(self.fixed()?))
    }

    /// A length of a list, refused before anything is made room for.
    pub(crate) fn length(&mut self, most: usize) -> Result<usize, Damaged> {
        let length = self.whole()?;
        usize::try_from(length).ok().filter(|&length| length <= most).ok_or(Damaged("a list is too long"))
    }

    pub(crate) fn text(&mut self, most: usize) -> Result<&'a str, Damaged> {
        let length = self.length(most)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Damaged("a name is not UTF-8"))
    }

    /// What [`Writer::counts`] wrote, at most `most` of them; their sum fits a number.
    pub(crate) fn counts(&mut self, most: usize) -> Result<Vec<u64>, Damaged> {
        let length = self.length(most)?;
        let mut counts = Vec::with_capacity(length);
        let mut sum = 0_u64;
        while counts.len() < length {
            let count = self.whole()?;
            sum = sum.checked_add(count).ok_or(Damaged("the counts have no sum"))?;
            counts.push(count);
            if count == 0 {
                let more = self.length(length - counts.len())?;
                counts.resize(counts.len() + more, 0);
            }
        }
        Ok(counts)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged("there are bytes behind the end")) }
    }
}

/// FNV-1a over bytes: names what a sketch was anchored at. No protection against intent.
pub(crate) fn fingerprint(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
