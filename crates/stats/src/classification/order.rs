//! Rows from the highest score down, by a radix sort: the one sort that all metrics of order share.

/// Below this many rows a comparison sort is faster than filling the tables of the radix sort.
const FEW_ROWS: usize = 512;
/// Bits of a digit: three digits make up the key, and a table of 2¹¹ offsets stays in the fastest cache.
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;
/// Bits of the key that is sorted; the row number takes the other half of a 64-bit word.
const KEY_BITS: u32 = 32;

/// A whole number that grows with the score; both zeros are one.
fn key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    let negative = ((bits as i64) >> 63) as u64;
    bits ^ (negative | 1 << 63)
}

/// Rows from the highest score down; equal scores keep their order.
pub(crate) struct Order {
    /// The row numbers.
    pub(crate) rows: Vec<u32>,
    /// For each place whether the next one has the same score.
    pub(crate) ties: Vec<bool>,
}

/// Puts rows in order. `None` for a NaN or more rows than 32 bits can number.
pub(crate) fn descending(scores: &[f64]) -> Option<Order> {
    let rows = u32::try_from(scores.len()).ok()?;
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    if scores.len() < FEW_ROWS {
        let mut order: Vec<u32> = (0..rows).collect();
        order.sort_by(|&left, &right| key(scores[right as usize]).cmp(&key(scores[left as usize])));
        let ties = ties(&order, |_| true, scores);
        return Some(Order { rows: order, ties });
    }
    let (low, high) = scores.iter().fold((u64::MAX, 0), |(low, high), &score| {
        let key = key(score);
        (low.min(key), high.max(key))
    });
    // The keys of one set of scores share their highest bits, so 32 bits tell almost all of them apart.
    let shift = (u64::BITS - (high - low).leading_zeros()).saturating_sub(KEY_BITS);
    let words = scores.iter().zip(0_u64..).map(|(&score, row)| ((high - key(score)) >> shift) << KEY_BITS | row);
    let sorted = sort_by_upper_half(words.collect());
    let mut order: Vec<u32> = sorted.iter().map(|&word| word as u32).collect();
    if shift > 0 {
        sort_within_equal_keys(&sorted, &mut order, scores);
    }
    // Rows with different keys have different scores: only equal keys cost a look at the scores, far apart in memory.
    let ties = ties(&order, |place| sorted[place] >> KEY_BITS == sorted[place + 1] >> KEY_BITS, scores);
    Some(Order { rows: order, ties })
}

/// For each place whether the next one has the same score; where `possible` says no it has not.
fn ties(order: &[u32], possible: impl Fn(usize) -> bool, scores: &[f64]) -> Vec<bool> {
    let tied = |place: usize| {
        place + 1 < order.len() && possible(place) && scores[order[place] as usize] == scores[order[place + 1] as usize]
    };
    (0..order.len()).map(tied).collect()
}

/// Sorts words by their upper half, digit by digit from the lowest; equal ones keep their order.
fn sort_by_upper_half(mut words: Vec<u64>) -> Vec<u64> {
    let digit = |word: u64, pass: u32| (word >> (KEY_BITS + pass * DIGIT_BITS)) as usize & (DIGITS - 1);
    let mut counts = [[0_u32; DIGITS]; 3];
    for &word in &words {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(word, pass as u32)] += 1;
        }
    }
    let mut other = vec![0; words.len()];
    for (pass, counts) in counts.iter_mut().enumerate() {
        if counts.iter().any(|&count| count as usize == words.len()) {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for &word in &words {
            let place = &mut counts[digit(word, pass as u32)];
            other[*place as usize] = word;
            *place += 1;
        }
        std::mem::swap(&mut words, &mut other);
    }
    words
}

/// Orders the rows whose 32-bit keys are equal by their whole scores.
fn sort_within_equal_keys(sorted: &[u64], order: &mut [u32], scores: &[f64]) {
    let mut start = 0;
    for group in sorted.chunk_by(|left, right| left >> KEY_BITS == right >> KEY_BITS) {
        let end = start + group.len();
        if group.len() > 1 {
            order[start..end].sort_by(|&left, &right| key(scores[right as usize]).cmp(&key(scores[left as usize])));
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    fn by_comparison(scores: &[f64]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        order.sort_by(|&left, &right| scores[right as usize].partial_cmp(&scores[left as usize]).unwrap());
        order
    }

    #[test]
    fn the_order_is_that_of_a_stable_comparison_sort() {
        let mut rng = Rng::seeded(5);
        let hostile = [0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, -3.0, f64::MAX];
        let draws: [&mut dyn FnMut() -> f64; 4] = [
            &mut || rng.unit(),
            &mut {
                let mut rng = Rng::seeded(6);
                move || (rng.unit() * 20.0).round() / 20.0
            },
            &mut {
                let mut rng = Rng::seeded(7);
                move || 0.5 + rng.unit() * 1e-13
            },
            &mut {
                let mut rng = Rng::seeded(8);
                move || hostile[rng.below(hostile.len())]
            },
        ];
        for draw in draws {
            for rows in [0, 1, 2, 511, 512, 5_000] {
                let scores: Vec<f64> = (0..rows).map(|_| draw()).collect();
                let (order, expected) = (descending(&scores).unwrap(), by_comparison(&scores));
                assert_eq!(order.rows, expected);
                let ties = (0..rows).map(|place| {
                    expected
                        .get(place + 1)
                        .is_some_and(|&next| scores[next as usize] == scores[expected[place] as usize])
                });
                assert!(order.ties.into_iter().eq(ties));
            }
        }
        assert!(descending(&[0.1, f64::NAN]).is_none());
    }
}
