//! The Mersenne Twister (Matsumoto & Nishimura 1998) as Python and NumPy seed it and draw with it, for decisions that
//! depend on their draws: KSWIN's detections, and whether scores need calibration. Not for secrets.

use crate::stream::codec::fields;

const STATE_WORDS: usize = 624;
const SHIFT_WORDS: usize = 397;

/// The generator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mersenne {
    words: Vec<u32>,
    next: usize,
}

fields!(Mersenne { words, next });

impl Mersenne {
    /// As `random.Random(seed)`.
    pub(crate) fn python(seed: u64) -> Self {
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        let key: &[u32] = if high == 0 { &[low] } else { &[low, high] };
        let mut words = Self::numpy(19_650_218).words;
        let mut index = 1;
        for round in 0..STATE_WORDS {
            let place = round % key.len();
            let mix = words[index] ^ mixed(words[index - 1], 1_664_525);
            words[index] = mix.wrapping_add(key[place]).wrapping_add(place as u32);
            index = following(&mut words, index);
        }
        for _ in 1..STATE_WORDS {
            let mix = words[index] ^ mixed(words[index - 1], 1_566_083_941);
            words[index] = mix.wrapping_sub(index as u32);
            index = following(&mut words, index);
        }
        words[0] = 1 << 31;
        Self { words, next: STATE_WORDS }
    }

    /// As `numpy.random.RandomState(seed)`.
    pub(crate) fn numpy(seed: u32) -> Self {
        let mut words = vec![seed; STATE_WORDS];
        for index in 1..STATE_WORDS {
            words[index] = mixed(words[index - 1], 1_812_433_253).wrapping_add(index as u32);
        }
        Self { words, next: STATE_WORDS }
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.words.len() == STATE_WORDS && self.next <= STATE_WORDS
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == STATE_WORDS {
            self.twist();
        }
        let mut word = self.words[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C_5680;
        word ^= (word << 15) & 0xEFC6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        for index in 0..STATE_WORDS {
            let joined = (self.words[index] & 0x8000_0000) | (self.words[(index + 1) % STATE_WORDS] & 0x7FFF_FFFF);
            let odd = if joined & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.words[index] = self.words[(index + SHIFT_WORDS) % STATE_WORDS] ^ (joined >> 1) ^ odd;
        }
        self.next = 0;
    }

    /// A number in 0..n for 0 < n < 2³², by rejection.
    fn below(&mut self, n: usize) -> usize {
        let bits = usize::BITS - n.leading_zeros();
        loop {
            let drawn = (self.next_u32() >> (32 - bits)) as usize;
            if drawn < n {
                return drawn;
            }
        }
    }

    /// As NumPy's `permutation(n)`: the numbers below n in a drawn order.
    pub(crate) fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            let mask = (last + 1).next_power_of_two() - 1;
            let drawn = loop {
                let drawn = self.next_u32() as usize & mask;
                if drawn <= last {
                    break drawn;
                }
            };
            numbers.swap(drawn, last);
        }
        numbers
    }

    /// As `random.sample(range(n), count)` for count ≤ n: `count` different numbers below n.
    pub(crate) fn sample(&mut self, n: usize, count: usize) -> Vec<usize> {
        // Python draws from a list while that is smaller than a set of the drawn would be.
        let set_size = 21 + if count > 5 { power_of_four_from(3 * count) } else { 0 };
        if n <= set_size {
            let mut pool: Vec<usize> = (0..n).collect();
            (0..count)
                .map(|taken| {
                    let drawn = self.below(n - taken);
                    pool.swap(drawn, n - taken - 1);
                    pool[n - taken - 1]
                })
                .collect()
        } else {
            let mut chosen = std::collections::HashSet::with_capacity(count);
            while chosen.len() < count {
                chosen.insert(self.below(n));
            }
            chosen.into_iter().collect()
        }
    }
}

/// The step of all of its recurrences.
fn mixed(word: u32, factor: u32) -> u32 {
    (word ^ (word >> 30)).wrapping_mul(factor)
}

/// The index after this one; after the last comes 1, with the last word carried to the front.
fn following(words: &mut [u32], index: usize) -> usize {
    if index + 1 < STATE_WORDS {
        return index + 1;
    }
    words[0] = words[STATE_WORDS - 1];
    1
}

/// The least power of four that is at least `number`.
fn power_of_four_from(number: usize) -> usize {
    let power = number.next_power_of_two();
    if power.trailing_zeros().is_multiple_of(2) { power } else { 2 * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draws_are_those_of_python() {
        // random.Random(seed).getrandbits(32), three times.
        let draws = |seed| {
            let mut generator = Mersenne::python(seed);
            [generator.next_u32(), generator.next_u32(), generator.next_u32()]
        };
        assert_eq!(draws(0), [3_626_764_237, 1_654_615_998, 3_255_389_356]);
        assert_eq!(draws(42), [2_746_317_213, 478_163_327, 107_420_369]);
        assert_eq!(draws(1 << 40), [445_128_065, 1_517_081_360, 2_880_015_531]);
    }

    #[test]
    fn samples_are_those_of_python_by_list_and_by_set() {
        let mut generator = Mersenne::python(1);
        assert_eq!(generator.sample(10, 4), [2, 1, 4, 0]);
        let mut drawn = generator.sample(5_000, 3);
        drawn.sort_unstable();
        assert_eq!(drawn, [3_682, 3_868, 4_058]);
    }

    #[test]
    fn permutations_are_those_of_numpy() {
        let mut generator = Mersenne::numpy(42);
        assert_eq!(generator.permutation(9), [7, 1, 5, 0, 8, 2, 4, 3, 6]);
        assert_eq!(generator.permutation(4), [1, 0, 3, 2]);
    }
}
