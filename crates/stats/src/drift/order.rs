//! Sorting numbers by their bits.

/// Bits of a digit: its counts stay in the first-level cache.
const DIGIT: u32 = 11;
/// How many leading bits the passes order; what they leave together is sorted by comparison.
const PASSES: u32 = 3;
/// Below this many values comparing them is faster.
const FEW: usize = 512;

/// Sorts columns one after the other, keeping its memory.
#[derive(Debug, Default)]
pub(crate) struct Sorter {
    keys: Vec<u64>,
    spare: Vec<u64>,
    ascending: Vec<f64>,
}

/// A number's place in the order of all numbers.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

fn value_of(key: u64) -> f64 {
    let mask = ((key >> 63).wrapping_sub(1)) | 1 << 63;
    f64::from_bits(key ^ mask)
}

impl Sorter {
    /// The finite values in ascending order.
    pub(crate) fn sort(&mut self, values: &[f64]) -> &[f64] {
        self.ascending.clear();
        if values.len() < FEW {
            self.ascending.extend(values.iter().filter(|value| value.is_finite()));
            self.ascending.sort_unstable_by(f64::total_cmp);
            return &self.ascending;
        }
        self.keys.clear();
        self.keys.extend(values.iter().filter(|value| value.is_finite()).map(|&value| key(value)));
        let (least, most) = self.keys.iter().fold((u64::MAX, 0), |(least, most), &key| (least.min(key), most.max(key)));
        if least < most {
            // The bits in which values differ are moved to the front, so that three passes order nearly all of them.
            let shift = (most - least).leading_zeros();
            self.keys.iter_mut().for_each(|key| *key = (*key - least) << shift);
            self.pass_over_digits();
            order_the_rest(&mut self.keys);
            self.ascending.extend(self.keys.iter().map(|key| value_of((key >> shift) + least)));
        } else {
            self.ascending.extend(self.keys.iter().map(|&key| value_of(key)));
        }
        &self.ascending
    }

    /// A stable counting sort by each digit, lowest first.
    fn pass_over_digits(&mut self) {
        const VALUES: usize = 1 << DIGIT;
        let digit = |key: u64, pass: u32| (key >> (u64::BITS - (PASSES - pass) * DIGIT)) as usize & (VALUES - 1);
        let mut counts = vec![[0_u32; VALUES]; PASSES as usize];
        for &key in &self.keys {
            for (pass, counts) in counts.iter_mut().enumerate() {
                counts[digit(key, pass as u32)] += 1;
            }
        }
        self.spare.resize(self.keys.len(), 0);
        for (pass, counts) in counts.iter_mut().enumerate() {
            let mut next = 0;
            for count in counts.iter_mut() {
                next += std::mem::replace(count, next);
            }
            for &key in &self.keys {
                let place = &mut counts[digit(key, pass as u32)];
                if let Some(slot) = self.spare.get_mut(*place as usize) {
                    *slot = key;
                }
                *place += 1;
            }
            std::mem::swap(&mut self.keys, &mut self.spare);
        }
    }
}

/// Sorts each run of keys that agree in the bits that were passed over.
fn order_the_rest(keys: &mut [u64]) {
    let passed = |key: u64| key >> (u64::BITS - PASSES * DIGIT);
    let mut at = 1;
    while at < keys.len() {
        if keys[at - 1] <= keys[at] {
            at += 1;
            continue;
        }
        let prefix = passed(keys[at]);
        let mut first = at;
        while first > 0 && passed(keys[first - 1]) == prefix {
            first -= 1;
        }
        while at < keys.len() && passed(keys[at]) == prefix {
            at += 1;
        }
        keys[first..at].sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_by_bits_is_sorting() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 11
        };
        let wild: Vec<f64> = (0..3000).map(|_| f64::from_bits(next() << 11 | next() & 0x7ff)).collect();
        let stamps: Vec<f64> = (0..3000).map(|_| 1.7e9 + (next() % 1000) as f64).collect();
        let close: Vec<f64> = (0..3000).map(|_| 1e15 + (next() % 3000) as f64 / 8.0).chain([-1e300]).collect();
        let equal = vec![3.5; 2000];
        let none = vec![f64::NAN; 2000];
        let signs: Vec<f64> = (0..1000).map(|row| if row % 3 == 0 { -0.0 } else { f64::from(row % 2) }).collect();
        let mut sorter = Sorter::default();
        for values in [wild, stamps, close, equal, none, signs, vec![2.0, 1.0], vec![]] {
            let mut expected: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
            expected.sort_by(f64::total_cmp);
            assert_eq!(sorter.sort(&values), expected);
        }
    }
}
