//! Where large content is cut: at places that depend on what stands there, so that a change moves no cut elsewhere.

use fastcdc::v2020::{Normalization, cut, select_masks};

/// The least, average and most bytes of a chunk.
pub(crate) const LEAST: usize = 16 * 1024;
pub(crate) const AVERAGE: usize = 64 * 1024;
pub(crate) const MOST: usize = 256 * 1024;

/// The lengths of the chunks of the beginning of `bytes`, by FastCDC (Xia et al. 2020, normalization level 1). What is left
/// behind them needs more bytes before it can be cut, unless these are the `last` ones.
pub(crate) fn lengths(bytes: &[u8], last: bool) -> Vec<usize> {
    let (small, large) = select_masks(AVERAGE, Normalization::Level1);
    let mut lengths = Vec::with_capacity(bytes.len() / AVERAGE + 1);
    let mut rest = bytes;
    while rest.len() >= MOST || (last && !rest.is_empty()) {
        let (_, length) = cut(rest, LEAST, AVERAGE, MOST, small, large, small << 1, large << 1);
        lengths.push(length);
        rest = &rest[length..];
    }
    lengths
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    #[test]
    fn cuts_do_not_depend_on_how_much_is_seen_at_once() {
        let mut rng = Rng::seeded(7);
        let bytes: Vec<u8> = (0..400_000).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
        let whole = lengths(&bytes, true);
        assert_eq!(whole.iter().sum::<usize>(), bytes.len());
        assert!(whole.iter().rev().skip(1).all(|length| (LEAST..=MOST).contains(length)));
        let (mut at, mut pieces) = (0, Vec::new());
        for end in (0..bytes.len()).step_by(700_001).chain([bytes.len()]) {
            for length in lengths(&bytes[at..end], end == bytes.len()) {
                at += length;
                pieces.push(length);
            }
        }
        assert_eq!(pieces, whole);
        let mean = bytes.len() / whole.len();
        assert!((AVERAGE / 2..AVERAGE * 2).contains(&mean), "{mean}");
    }
}
