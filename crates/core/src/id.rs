//! Ids: short, unguessable in production, derived from a seed in simulations so that a replay gives the same ones.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Digest, Timestamp};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Makes ids such as `run_01h2…`: a prefix for the kind and 26 digits of base 32.
#[derive(Debug)]
pub struct IdSource {
    seed: [u8; 32],
    counter: AtomicU64,
}

impl IdSource {
    /// A source whose ids nobody can guess; `entropy` is 32 bytes from the operating system.
    pub fn random(entropy: [u8; 32]) -> Self {
        Self { seed: entropy, counter: AtomicU64::new(0) }
    }

    /// A fresh id of the kind `prefix` (`run`, `job`, …).
    pub fn fresh(&self, prefix: &str) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        derived(prefix, &[&self.seed, &count.to_le_bytes()])
    }

    /// A fresh id of 32 hexadecimal digits, the form that clients of the tracking API expect.
    pub fn fresh_hex(&self) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let digest = Digest::of_parts([&self.seed[..], &count.to_le_bytes(), b"hex"]);
        digest.to_string().chars().take(32).collect()
    }
}

/// The id of the kind `prefix` that follows from `parts`: the same parts always give the same id. This makes an
/// operation idempotent: whoever repeats it finds what was made the first time.
pub fn derived(prefix: &str, parts: &[&[u8]]) -> String {
    let digest = Digest::of_parts(parts.iter().copied());
    let mut id = String::with_capacity(prefix.len() + 27);
    let _infallible = write!(id, "{prefix}_");
    // 26 digits of 5 bits are 130 bits: more than enough against collisions.
    let bytes = digest.bytes();
    for digit in 0..26 {
        let bit = digit * 5;
        let (byte, shift) = (bit / 8, bit % 8);
        let pair = u16::from(bytes[byte]) | (u16::from(bytes[byte + 1]) << 8);
        id.push(char::from(ALPHABET[usize::from((pair >> shift) & 31)]));
    }
    id
}

/// The id that follows from a name, a moment and a counter.
pub fn derived_at(prefix: &str, owner: &str, at: Timestamp, count: u64) -> String {
    derived(prefix, &[owner.as_bytes(), &at.0.to_le_bytes(), &count.to_le_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_depend_on_every_part() {
        assert_eq!(derived("run", &[b"a"]), derived("run", &[b"a"]));
        assert_ne!(derived("run", &[b"a"]), derived("run", &[b"b"]));
        let id = derived("run", &[b"a"]);
        assert!(id.starts_with("run_") && id.len() == 30, "{id}");
        let source = IdSource::random([7; 32]);
        assert_ne!(source.fresh("job"), source.fresh("job"));
    }
}
