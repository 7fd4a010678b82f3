//! How traffic is split: a key always falls on the same of 1000 places, and shares own ranges of places.

use flyball_core::{Digest, Error, Result};

use crate::model::{Share, WHOLE};
use crate::prediction_id::first_bits;

/// The place of a key, from 0 to 999. It depends on the endpoint, so that two endpoints do not test the same people.
pub(crate) fn place(endpoint: &str, key: &str) -> u16 {
    let bits = first_bits(&Digest::of_parts([endpoint.as_bytes(), key.as_bytes()]));
    ((u128::from(bits) * u128::from(WHOLE)) >> 64) as u16
}

/// Whether the request with this number is among `per_mille` of all, spread evenly.
pub(crate) fn sampled(sequence: u64, per_mille: u16) -> bool {
    // Multiplying by the golden ratio spreads neighbours over the whole range (Knuth, TAOCP 3, 6.4).
    let spread = sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((u128::from(spread) * u128::from(WHOLE)) >> 64) < u128::from(per_mille)
}

/// Ranges of places, in order: each entry ends before `end`. A later entry that grows keeps the keys that it had, which
/// is why a rollout puts the new revision last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Split {
    ends: Vec<(u16, usize)>,
}

impl Split {
    /// A split of shares, each per mille with the index of its target.
    pub(crate) fn new(shares: impl IntoIterator<Item = (u16, usize)>) -> Self {
        let mut end = 0;
        let ends = shares.into_iter().filter(|(per_mille, _)| *per_mille > 0).map(|(per_mille, target)| {
            end += per_mille;
            (end, target)
        });
        Self { ends: ends.collect() }
    }

    /// Who owns a place.
    pub(crate) fn target(&self, place: u16) -> Option<usize> {
        self.ends.iter().find(|(end, _)| place < *end).map(|(_, target)| *target)
    }
}

/// Checks that shares name different revisions and sum to the whole.
pub(crate) fn check(shares: &[Share]) -> Result<()> {
    let sum: u32 = shares.iter().map(|share| u32::from(share.per_mille)).sum();
    if sum != u32::from(WHOLE) {
        return Err(Error::invalid(format!("the shares of a traffic split sum to {sum} ‰, not {WHOLE} ‰")));
    }
    if let Some(share) = shares.iter().find(|share| share.mirror_per_mille > WHOLE) {
        let message = format!("the revision '{}' is asked in the shadow for more than all requests", share.revision_id);
        return Err(Error::invalid(message));
    }
    for (position, share) in shares.iter().enumerate() {
        if shares[..position].iter().any(|other| other.revision_id == share.revision_id) {
            return Err(Error::invalid(format!(
                "the revision '{}' appears twice in a traffic split",
                share.revision_id
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(split: &Split, keys: usize) -> Vec<usize> {
        let mut counts = vec![0; 3];
        for key in 0..keys {
            counts[split.target(place("flights", &format!("key-{key}"))).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn shares_are_met_within_one_percent_of_the_traffic() {
        for shares in [[900, 100, 0], [500, 500, 0], [333, 333, 334], [990, 0, 10]] {
            let split = Split::new(shares.iter().copied().zip(0..));
            for (got, wanted) in counts(&split, 100_000).iter().zip(shares) {
                let off = *got as f64 / 100_000.0 - f64::from(wanted) / 1000.0;
                assert!(off.abs() < 0.01, "{shares:?}: {got}");
            }
        }
    }

    #[test]
    fn keys_stay_with_a_share_that_grows() {
        let small = Split::new([(900, 0), (100, 1)]);
        let large = Split::new([(500, 0), (500, 1)]);
        for place in 0..1000 {
            if small.target(place) == Some(1) {
                assert_eq!(large.target(place), Some(1));
            }
        }
        assert_eq!(Split::default().target(0), None);
    }

    #[test]
    fn samples_are_as_large_as_they_should_be() {
        for per_mille in [0, 1, 100, 1000] {
            let count = (0..100_000).filter(|sequence| sampled(*sequence, per_mille)).count();
            assert!(count.abs_diff(usize::from(per_mille) * 100) < 100, "{per_mille}: {count}");
        }
    }

    #[test]
    fn wrong_splits_are_refused() {
        let share = |id: &str, per_mille| Share::new(id, per_mille);
        assert!(check(&[share("a", 900), share("b", 100)]).is_ok());
        assert!(check(&[share("a", 900)]).is_err());
        assert!(check(&[]).is_err());
        assert!(check(&[share("a", 500), share("a", 500)]).is_err());
        assert!(check(&[share("a", u16::MAX), share("b", u16::MAX)]).is_err());
    }
}
