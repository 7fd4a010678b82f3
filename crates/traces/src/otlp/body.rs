//! Compressed bodies.

use std::io::Read;

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flyball_core::{Error, ErrorCode, Result, limits};

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `gzip`.
    Gzip,
    /// `deflate`: in a zlib envelope as it should be, or bare as some clients send it.
    Deflate,
}

impl Encoding {
    /// The encoding that a `Content-Encoding` header names; `None` when it names none.
    ///
    /// # Errors
    /// `InvalidInput` for an encoding that is not understood.
    pub fn named(header: &str) -> Result<Option<Self>> {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" => Ok(Some(Encoding::Gzip)),
            "deflate" => Ok(Some(Encoding::Deflate)),
            other => Err(Error::invalid(format!("Unsupported Content-Encoding: {}", other.escape_debug()))
                .hint("send gzip, deflate or no compression")),
        }
    }
}

/// What is not worth an attack, whatever its ratio.
const HARMLESS_BYTES: usize = 1024 * 1024;

/// Decompresses a body.
///
/// # Errors
/// `InvalidInput` when it is broken; `LimitExceeded` when it grows past what is allowed.
pub fn unpack(body: &[u8], encoding: Encoding) -> Result<Vec<u8>> {
    let most = body
        .len()
        .saturating_mul(limits::TRACE_DECOMPRESSION_RATIO)
        .clamp(HARMLESS_BYTES, limits::TRACE_DECOMPRESSED_BYTES);
    match encoding {
        Encoding::Gzip => read(MultiGzDecoder::new(body), most, "gzip"),
        Encoding::Deflate => match read(ZlibDecoder::new(body), most, "deflate") {
            Err(error) if error.code() == ErrorCode::InvalidInput => read(DeflateDecoder::new(body), most, "deflate"),
            outcome => outcome,
        },
    }
}

fn read(from: impl Read, most: usize, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| Error::invalid(format!("Failed to decompress {name} payload")).cause(cause))?;
    if bytes.len() > most {
        let message = format!("the request is larger than {most} bytes when decompressed");
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("export fewer spans at once"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    macro_rules! packed {
        ($encoder:ident, $content:expr) => {{
            let mut encoder = $encoder::new(Vec::new(), Compression::fast());
            encoder.write_all($content).unwrap();
            encoder.finish().unwrap()
        }};
    }

    #[test]
    fn every_form_of_compression_is_undone() {
        let content = b"spans and spans and spans";
        assert_eq!(unpack(&packed!(GzEncoder, content), Encoding::Gzip).unwrap(), content);
        assert_eq!(unpack(&packed!(ZlibEncoder, content), Encoding::Deflate).unwrap(), content);
        assert_eq!(unpack(&packed!(DeflateEncoder, content), Encoding::Deflate).unwrap(), content);
        assert_eq!(Encoding::named("GZIP").unwrap(), Some(Encoding::Gzip));
        assert!(Encoding::named("br").is_err());
        for encoding in [Encoding::Gzip, Encoding::Deflate] {
            assert_eq!(unpack(b"\xff\xff\xff", encoding).unwrap_err().code(), ErrorCode::InvalidInput);
        }
    }

    #[test]
    fn a_bomb_is_cut_off() {
        let bomb = packed!(GzEncoder, &vec![0; 2 * HARMLESS_BYTES]);
        assert!(bomb.len() < 2 * HARMLESS_BYTES / limits::TRACE_DECOMPRESSION_RATIO);
        assert_eq!(unpack(&bomb, Encoding::Gzip).unwrap_err().code(), ErrorCode::LimitExceeded);
    }
}
