//! Compression of chunks, where it helps.

use flyball_core::{Error, Result};
use zstd::bulk::Compressor;

/// The level: a fifth of the time of the usual one, for nine tenths of what it saves.
const LEVEL: i32 = 1;
/// After a chunk that did not get smaller so many are kept as they are before the next try, at most.
const PATIENCE_MOST: u32 = 31;
/// Content of one kind of name is alike; so many kinds are told apart.
const KINDS: usize = 16;

/// Compresses chunks. It learns which kinds of content gain nothing, and seldom tries them.
pub(crate) struct Squeezer {
    compressor: Compressor<'static>,
    buffer: Vec<u8>,
    kinds: [Kind; KINDS],
}

#[derive(Clone, Copy, Default)]
struct Kind {
    wait: u32,
    left: u32,
}

impl Squeezer {
    pub(crate) fn new() -> Result<Self> {
        let compressor = Compressor::new(LEVEL).map_err(Error::internal)?;
        Ok(Self { compressor, buffer: Vec::new(), kinds: [Kind::default(); KINDS] })
    }

    /// The chunk compressed, if that makes it at least an eighth smaller. `name` is that of its file.
    pub(crate) fn squeeze(&mut self, name: &[u8], chunk: &[u8]) -> Option<&[u8]> {
        let end = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let hash = end.iter().fold(0usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        let kind = &mut self.kinds[hash % KINDS];
        if kind.left > 0 {
            kind.left -= 1;
            return None;
        }
        let most = chunk.len() - chunk.len() / 8;
        self.buffer.clear();
        self.buffer.reserve(zstd::zstd_safe::compress_bound(chunk.len()));
        match self.compressor.compress_to_buffer(chunk, &mut self.buffer) {
            Ok(length) if length < most => {
                *kind = Kind::default();
                self.buffer.get(..length)
            }
            _ => {
                kind.wait = (kind.wait * 2 + 1).min(PATIENCE_MOST);
                kind.left = kind.wait;
                None
            }
        }
    }
}
