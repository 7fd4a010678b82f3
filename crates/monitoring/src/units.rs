//! Whether numbers come in another unit: the quartiles of a window are those of the reference under one of the conversions
//! that people forget.

/// A conversion of units: `factor * x + offset`.
struct Conversion {
    factor: f64,
    offset: f64,
    about: &'static str,
}

const fn times(factor: f64, about: &'static str) -> Conversion {
    Conversion { factor, offset: 0.0, about }
}

/// The conversions, each tried in both directions.
const CONVERSIONS: &[Conversion] = &[
    times(10.0, "ten"),
    times(100.0, "a hundred (percent and share, dollars and cents, metres and centimetres)"),
    times(1e3, "a thousand (kilo and unit, seconds and milliseconds)"),
    times(1e6, "a million"),
    times(1e9, "a billion (seconds and nanoseconds)"),
    times(60.0, "60 (minutes and seconds)"),
    times(3600.0, "3600 (hours and seconds)"),
    times(24.0, "24 (days and hours)"),
    times(86_400.0, "86,400 (days and seconds)"),
    times(2.54, "2.54 (inches and centimetres)"),
    times(25.4, "25.4 (inches and millimetres)"),
    times(3.280_84, "3.28 (metres and feet)"),
    times(1.609_344, "1.609 (miles and kilometres)"),
    times(1.852, "1.852 (nautical miles and kilometres)"),
    times(2.204_622_6, "2.205 (kilograms and pounds)"),
    times(3.785_411_8, "3.785 (gallons and litres)"),
    times(3.6, "3.6 (metres per second and kilometres per hour)"),
    times(33.863_89, "33.86 (inches of mercury and hectopascals)"),
    times(-1.0, "-1 (another sign)"),
    Conversion { factor: 1.8, offset: 32.0, about: "degrees Celsius and Fahrenheit" },
    Conversion { factor: 1.0, offset: 273.15, about: "degrees Celsius and kelvins" },
];

/// How far the quartiles may be from the converted ones, in interquartile ranges of the latter.
const TOLERANCE: f64 = 0.15;

/// The conversion that fits, in words; `None` when none does, when the numbers hardly vary, or when they are as they
/// were. Both arguments are minimum, quartiles and maximum.
pub(crate) fn changed(then: &[f64; 5], now: &[f64; 5]) -> Option<String> {
    if distance(then, now)? <= TOLERANCE * 2.0 {
        return None;
    }
    let tried = CONVERSIONS.iter().flat_map(|conversion| {
        let Conversion { factor, offset, about } = conversion;
        let there = (then.map(|x| factor * x + offset), format!("converted: {about}"));
        let back = (then.map(|x| (x - offset) / factor), format!("converted back: {about}"));
        [there, back]
    });
    let distances = tried.filter_map(|(converted, words)| {
        let range = (converted[3] - converted[1]).abs();
        // A changed sign swaps the quartiles.
        let converted = if converted[1] > converted[3] { reversed(&converted) } else { converted };
        (range > 0.0).then(|| distance(&converted, now)).flatten().map(|distance| (distance, words))
    });
    let (best, words) = distances.min_by(|a, b| a.0.total_cmp(&b.0))?;
    (best <= TOLERANCE).then_some(words)
}

fn reversed(values: &[f64; 5]) -> [f64; 5] {
    let mut values = *values;
    values.reverse();
    values
}

/// The largest distance of the quartiles, in interquartile ranges of `expected`; `None` when that has none.
fn distance(expected: &[f64; 5], found: &[f64; 5]) -> Option<f64> {
    let range = expected[3] - expected[1];
    let farthest = (1..4).map(|quartile| (expected[quartile] - found[quartile]).abs()).fold(0.0, f64::max);
    (range > 0.0).then(|| farthest / range).filter(|distance| distance.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_known_in_both_directions_and_shifts_are_none() {
        let then = [40.0, 60.0, 70.0, 80.0, 100.0];
        let told = |now: [f64; 5]| changed(&then, &now);
        assert!(told(then.map(|f| (f - 32.0) / 1.8)).unwrap().contains("Celsius"));
        assert!(told(then.map(|x| x / 1000.0)).unwrap().contains("thousand"));
        assert!(told(then.map(|x| x * 1.61)).unwrap().contains("miles"));
        assert!(told(then.map(|x| x * 2.54 + 0.5)).unwrap().contains("2.54"));
        assert!(told(reversed(&then.map(|x| -x))).unwrap().contains("sign"));
        assert_eq!(told(then), None);
        assert_eq!(told(then.map(|x| x + 5.0)), None);
        assert_eq!(told(then.map(|x| x + 30.0)), None);
        assert_eq!(told([7.0; 5]), None);
        assert_eq!(changed(&[7.0; 5], &then), None);
        assert_eq!(changed(&then, &[f64::NAN; 5]), None);
    }
}
