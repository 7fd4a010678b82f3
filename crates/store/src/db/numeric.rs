//! Reads PostgreSQL's NUMERIC, which `SUM` and `AVG` of whole numbers answer with, where SQLite answers with its two
//! number types. Layout: number of digits, weight of the first, sign, scale (each 16 bits), then digits of base 10,000.

use super::cells::Cell;

const BASE: i128 = 10_000;
const NEGATIVE: u16 = 0x4000;
const POSITIVE: u16 = 0x0000;

/// A whole number when the scale is 0 and it fits, otherwise the nearest float; `None` when the bytes are no number.
pub(super) fn read(bytes: &[u8]) -> Option<Cell<'static>> {
    let mut words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight, sign, scale) = (words.next()?, words.next()?.cast_signed(), words.next()?, words.next()?);
    let digits: Vec<u16> = words.collect();
    if digits.len() != usize::from(count) {
        return None;
    }
    let sign = match sign {
        POSITIVE => 1,
        NEGATIVE => -1,
        _ => return Some(Cell::Null), // NaN and the infinities, which our columns cannot sum to
    };
    if scale == 0
        && let Some(whole) = whole(&digits, weight)
        && let Ok(value) = i64::try_from(whole * sign)
    {
        return Some(Cell::Int(value));
    }
    // Through decimal text, because that is rounded once and correctly.
    let mantissa: String = digits.iter().map(|digit| format!("{digit:04}")).collect();
    let exponent = (i64::from(weight) + 1 - i64::from(count)) * 4;
    let value: f64 = format!("0{mantissa}e{exponent}").parse().ok()?;
    Some(Cell::Float(value * sign as f64))
}

/// The digits before the point; trailing zero digits are not sent.
fn whole(digits: &[u16], weight: i16) -> Option<i128> {
    // Five digits of base 10,000 hold every 64-bit number.
    if weight > 4 {
        return None;
    }
    let places = usize::try_from(weight + 1).unwrap_or(0);
    Some((0..places).fold(0, |sum, place| sum * BASE + i128::from(digits.get(place).copied().unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numerics_become_the_two_number_types() {
        assert_eq!(read(&encode(&[0, 0, 0, 0])), Some(Cell::Int(0)));
        assert_eq!(read(&encode(&[2, 1, 0, 0, 1, 2345])), Some(Cell::Int(12_345)));
        assert_eq!(read(&encode(&[1, 1, NEGATIVE, 0, 3])), Some(Cell::Int(-30_000)));
        assert_eq!(read(&encode(&[2, 0, 0, 2, 1, 2500])), Some(Cell::Float(1.25)));
        assert_eq!(read(&encode(&[1, -1i16 as u16, 0, 4, 5])), Some(Cell::Float(0.0005)));
        assert_eq!(read(&encode(&[1, 6, 0, 0, 1])), Some(Cell::Float(1e24)));
        assert_eq!(read(&encode(&[3, 0, 0, 0])), None);
        assert_eq!(read(&[1]), None);
    }
}
