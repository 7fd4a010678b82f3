//! How many different values pass by, in bounded memory: HyperLogLog with the estimator of Ertl (2017).

use std::collections::HashSet;

use super::VERSION;
use super::codec::{Damaged, Reader, Writer};

/// Bits of a hash that choose a register: 16,384 registers, a standard error of 0.8 %.
const REGISTER_BITS: u32 = 14;
const REGISTERS: usize = 1 << REGISTER_BITS;
/// Bits of a hash that are left for the count of leading zeros.
const REST_BITS: u32 = 64 - REGISTER_BITS;
/// Up to so many different values are counted one by one: half a megabyte a column.
const EXACT: usize = 1 << 15;

/// Which hashes were seen. Adding two gives the sketch of both columns' values, exactly the same in any order.
#[derive(Debug, Clone, PartialEq)]
pub struct DistinctSketch {
    exact: Option<HashSet<u64>>,
    registers: Vec<u8>,
}

impl Default for DistinctSketch {
    fn default() -> Self {
        Self { exact: Some(HashSet::new()), registers: vec![0; REGISTERS] }
    }
}

/// Spreads the bits of a number over all 64: a bijection (Stafford's thirteenth mixer), so different numbers stay so.
pub fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl DistinctSketch {
    /// Notes the hash of a value, whose bits must be spread evenly (see [`mix`]).
    #[inline]
    pub fn add(&mut self, hash: u64) {
        let register = (hash >> REST_BITS) as usize;
        let zeros = ((hash << REGISTER_BITS).leading_zeros().min(REST_BITS) + 1) as u8;
        // The mask changes nothing; it spares the check of the bound.
        let held = &mut self.registers[register & (REGISTERS - 1)];
        *held = (*held).max(zeros);
        if let Some(exact) = &mut self.exact {
            exact.insert(hash);
            if exact.len() > EXACT {
                self.exact = None;
            }
        }
    }

    /// Adds what another column has.
    pub fn merge(&mut self, other: &Self) {
        for (held, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *held = (*held).max(*theirs);
        }
        self.exact = match (self.exact.take(), &other.exact) {
            (Some(mut own), Some(theirs)) => {
                own.extend(theirs);
                (own.len() <= EXACT).then_some(own)
            }
            _ => None,
        };
    }

    /// Whether the count is exact.
    pub fn is_exact(&self) -> bool {
        self.exact.is_some()
    }

    /// How many different values there are: exact up to 32,768 of them, then with a standard error of 0.8 %.
    pub fn count(&self) -> u64 {
        if let Some(exact) = &self.exact {
            return exact.len() as u64;
        }
        let mut counts = [0_u64; REST_BITS as usize + 2];
        self.registers.iter().for_each(|held| counts[usize::from(*held)] += 1);
        let m = REGISTERS as f64;
        let mut z = m * tau(1.0 - counts[REST_BITS as usize + 1] as f64 / m);
        for count in counts[1..=REST_BITS as usize].iter().rev() {
            z = 0.5 * (z + *count as f64);
        }
        z += m * sigma(counts[0] as f64 / m);
        (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
    }

    /// The registers as bytes, and the hashes while they are few.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        // Past an eighth of the registers these are shorter than the hashes.
        match self.exact.as_ref().filter(|exact| exact.len() <= REGISTERS / 8) {
            Some(exact) => {
                let mut hashes: Vec<u64> = exact.iter().copied().collect();
                hashes.sort_unstable();
                writer.byte(1);
                writer.whole(hashes.len() as u64);
                hashes.iter().for_each(|hash| writer.fixed(*hash));
            }
            None => {
                writer.byte(0);
                writer.0.extend(&self.registers);
            }
        }
        writer.0
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        reader.version()?;
        let mut sketch = Self::default();
        if reader.byte()? == 1 {
            for _ in 0..reader.length(REGISTERS / 8)? {
                sketch.add(reader.fixed()?);
            }
        } else {
            sketch.exact = None;
            for held in &mut sketch.registers {
                *held = reader.byte()?;
                if u32::from(*held) > REST_BITS + 1 {
                    return Err(Damaged("a register is too large"));
                }
            }
        }
        reader.end()?;
        Ok(sketch)
    }
}

/// Ertl (2017), algorithm 6, for registers that nothing reached.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

/// Ertl (2017), algorithm 6, for registers that are full.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: impl Iterator<Item = u64>) -> DistinctSketch {
        let mut sketch = DistinctSketch::default();
        numbers.for_each(|number| sketch.add(mix(number)));
        sketch
    }

    #[test]
    fn few_are_counted_exactly_and_many_within_the_error() {
        assert_eq!(DistinctSketch::default().count(), 0);
        assert_eq!(of((0..60_000).map(|row| row % 30_000)).count(), 30_000);
        for rows in [40_000, 100_000, 1_000_000] {
            let count = of(0..rows).count() as f64;
            assert!((count / rows as f64 - 1.0).abs() < 0.025, "{count} of {rows}");
        }
    }

    #[test]
    fn pieces_add_up_and_survive_as_bytes() {
        let (mut left, right) = (of(0..70_000), of(50_000..120_000));
        left.merge(&right);
        assert_eq!(left.count(), of(0..120_000).count());
        for sketch in [left, of(0..5), of(0..20_000)] {
            let kept = DistinctSketch::from_bytes(&sketch.to_bytes()).unwrap();
            assert!((kept.count() as f64 / sketch.count() as f64 - 1.0).abs() < 0.025);
            let bytes = sketch.to_bytes();
            assert!(DistinctSketch::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        }
    }
}
