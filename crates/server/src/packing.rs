//! Packed bodies: gzip, and deflate as HTTP means it, the format of zlib.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use flyball_core::{Error, ErrorCode, Result};

/// A way to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Deflate,
}

impl Packing {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Gzip, Self::Deflate].into_iter().find(|packing| packing.as_str().eq_ignore_ascii_case(name.trim()))
    }

    /// The first way of an `Accept-Encoding` that is not ruled out.
    pub(crate) fn accepted(list: &str) -> Option<Self> {
        list.split(',').find_map(|part| {
            let (name, quality) = part.split_once(';').unwrap_or((part, ""));
            let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
            Self::named(name).filter(|_| !refused)
        })
    }

    /// Unpacks at most so many bytes.
    ///
    /// # Errors
    /// `InvalidInput` for what is not packed so, `LimitExceeded` for more bytes.
    pub(crate) fn unpack(self, body: &[u8], most: usize) -> Result<Vec<u8>> {
        let limit = most as u64 + 1;
        let mut unpacked = Vec::new();
        let read = match self {
            Self::Gzip => MultiGzDecoder::new(body).take(limit).read_to_end(&mut unpacked),
            Self::Deflate => ZlibDecoder::new(body).take(limit).read_to_end(&mut unpacked),
        };
        read.map_err(|error| Error::invalid(format!("the body is not whole {}: {error}", self.as_str())))?;
        if unpacked.len() > most {
            let message = format!("the body is longer than {most} bytes when unpacked");
            return Err(Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests"));
        }
        Ok(unpacked)
    }

    /// Packs quickly.
    ///
    /// # Errors
    /// `Internal`, when memory cannot be written.
    pub(crate) fn pack(self, body: &[u8]) -> Result<Vec<u8>> {
        let (to, level) = (Vec::with_capacity(body.len() / 2), Compression::fast());
        let packed = match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(to, level);
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(to, level);
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
        };
        packed.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_bombs_do_not() {
        let text = b"abc".repeat(10_000);
        for packing in [Packing::Gzip, Packing::Deflate] {
            let packed = packing.pack(&text).unwrap();
            assert!(packed.len() < 1_000);
            assert_eq!(packing.unpack(&packed, text.len()).unwrap(), text);
            assert_eq!(packing.unpack(&packed, text.len() - 1).unwrap_err().code(), ErrorCode::LimitExceeded);
            assert!(packing.unpack(&packed[..packed.len() - 9], text.len()).is_err());
            assert!(packing.unpack(b"plain", 10).is_err());
        }
    }

    #[test]
    fn the_first_accepted_way_is_taken() {
        for (list, wanted) in [
            ("gzip, deflate, br", Some(Packing::Gzip)),
            ("br;q=1, deflate;q=0.5", Some(Packing::Deflate)),
            ("gzip;q=0, deflate", Some(Packing::Deflate)),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(Packing::accepted(list), wanted, "{list}");
        }
    }
}
