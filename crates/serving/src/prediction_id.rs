//! Prediction ids. An id carries its moment and its endpoint, so that the prediction is found again without an index
//! over all of them: `prd_` + 10 digits of time + 4 of the endpoint + 12 of chance, in base 32. Ids sort by time.

use std::sync::atomic::{AtomicU64, Ordering};

use flyball_core::{Digest, Error, Result, Timestamp};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX: &str = "prd_";
const TIME_DIGITS: usize = 10;
const ENDPOINT_DIGITS: usize = 4;
const CHANCE_DIGITS: usize = 12;
/// Moves times before 1970 above zero; 50 bits of milliseconds then reach from 1900 to the year 37,000.
const TIME_OFFSET: i64 = 2_208_988_800_000;

/// Where prediction ids come from.
#[derive(Debug)]
pub enum PredictionIds {
    /// Unguessable: from a secret and a counter, at the clock's time.
    Random {
        /// 32 bytes from the operating system.
        entropy: [u8; 32],
        /// How many were made.
        counter: AtomicU64,
    },
    /// From endpoint, key (or number of the request) and event time: a replay gives the same ids.
    Derived,
}

impl PredictionIds {
    /// Ids that nobody can guess; `entropy` is 32 bytes from the operating system.
    pub fn random(entropy: [u8; 32]) -> Self {
        PredictionIds::Random { entropy, counter: AtomicU64::new(0) }
    }

    /// The id of a prediction.
    pub(crate) fn make(&self, subject: &Subject<'_>) -> String {
        let (chance, moment) = match self {
            PredictionIds::Random { entropy, counter } => {
                let count = counter.fetch_add(1, Ordering::Relaxed);
                let mut input = [0u8; 40];
                input[..32].copy_from_slice(entropy);
                input[32..].copy_from_slice(&count.to_le_bytes());
                (first_bits(&Digest::of(&input)), subject.now)
            }
            PredictionIds::Derived => {
                let at = subject.at.0.to_le_bytes();
                let number = subject.sequence.to_le_bytes();
                let who = subject.key.map_or(number.as_slice(), str::as_bytes);
                (first_bits(&Digest::of_parts([subject.endpoint.as_bytes(), who, &at])), subject.at)
            }
        };
        encode(moment, subject.endpoint_mark, chance)
    }
}

/// What a prediction id is about.
pub(crate) struct Subject<'a> {
    pub(crate) endpoint: &'a str,
    /// `endpoint_mark(endpoint)`, kept because it never changes.
    pub(crate) endpoint_mark: u32,
    pub(crate) key: Option<&'a str>,
    pub(crate) at: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) sequence: u64,
}

/// Twenty bits of the endpoint's name.
pub(crate) fn endpoint_mark(endpoint: &str) -> u32 {
    (first_bits(&Digest::of(endpoint.as_bytes())) & 0xf_ffff) as u32
}

/// What an id says about itself: its moment and the mark of its endpoint.
pub(crate) fn parse(id: &str) -> Result<(Timestamp, u32)> {
    let bad = || {
        let shown: String = id.chars().take(40).collect();
        Error::invalid(format!("{shown:?} is not a prediction id")).hint("a prediction id looks like prd_0r8f3k…")
    };
    let digits = id.strip_prefix(PREFIX).ok_or_else(bad)?.as_bytes();
    if digits.len() != TIME_DIGITS + ENDPOINT_DIGITS + CHANCE_DIGITS {
        return Err(bad());
    }
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0u64, |sum, digit| {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            Some(sum << 5 | value as u64)
        })
    };
    let time = number(&digits[..TIME_DIGITS]).ok_or_else(bad)?;
    let mark = number(&digits[TIME_DIGITS..TIME_DIGITS + ENDPOINT_DIGITS]).ok_or_else(bad)?;
    number(&digits[TIME_DIGITS + ENDPOINT_DIGITS..]).ok_or_else(bad)?;
    Ok((Timestamp(time as i64 - TIME_OFFSET), mark as u32))
}

fn encode(moment: Timestamp, mark: u32, chance: u64) -> String {
    let mut id = String::with_capacity(PREFIX.len() + TIME_DIGITS + ENDPOINT_DIGITS + CHANCE_DIGITS);
    id.push_str(PREFIX);
    let mut push = |number: u64, digits: usize| {
        for place in (0..digits).rev() {
            id.push(char::from(ALPHABET[(number >> (5 * place) & 31) as usize]));
        }
    };
    push(moment.0.saturating_add(TIME_OFFSET).clamp(0, (1 << 50) - 1).cast_unsigned(), TIME_DIGITS);
    push(u64::from(mark), ENDPOINT_DIGITS);
    push(chance, CHANCE_DIGITS);
    id
}

/// The first 64 bits of a digest, as a number.
pub(crate) fn first_bits(digest: &Digest) -> u64 {
    digest.bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(key: Option<&'static str>, at: i64) -> Subject<'static> {
        let mark = endpoint_mark("flights");
        let (at, now) = (Timestamp(at), Timestamp(77));
        Subject { endpoint: "flights", endpoint_mark: mark, key, at, now, sequence: 3 }
    }

    #[test]
    fn an_id_tells_its_moment_and_endpoint() {
        for at in [0, -5, 1_363_000_000_123] {
            let id = PredictionIds::Derived.make(&subject(Some("k"), at));
            assert_eq!(parse(&id).unwrap(), (Timestamp(at), endpoint_mark("flights")), "{id}");
            assert_eq!(id.len(), 30);
        }
        let id = PredictionIds::random([1; 32]).make(&subject(None, 5));
        assert_eq!(parse(&id).unwrap().0, Timestamp(77));
        for extreme in [i64::MIN, i64::MAX] {
            assert!(parse(&PredictionIds::Derived.make(&subject(None, extreme))).is_ok());
        }
    }

    #[test]
    fn derived_ids_repeat_and_random_ones_do_not() {
        let id = |key, at| PredictionIds::Derived.make(&subject(key, at));
        assert_eq!(id(Some("a"), 1), id(Some("a"), 1));
        assert_ne!(id(Some("a"), 1), id(Some("b"), 1));
        assert_ne!(id(Some("a"), 1), id(Some("a"), 2));
        assert!(id(Some("a"), 1) < id(Some("a"), 2), "ids sort by time");
        let random = PredictionIds::random([1; 32]);
        assert_ne!(random.make(&subject(Some("a"), 1)), random.make(&subject(Some("a"), 1)));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for bad in ["", "prd_", "run_00000000000000000000000000", "prd_0000000000000000000000000u", "prd_é"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
