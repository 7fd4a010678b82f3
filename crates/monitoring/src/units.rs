//! Whether numbers come in another unit: mean and standard deviation of a window are those of the reference under one of
//! the conversions that people forget.

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

/// How far the mean may be from the converted one, in converted standard deviations; and how far apart both deviations,
/// as the logarithm of their ratio.
const TOLERANCE: f64 = 0.15;

/// Mean and standard deviation of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
}

impl Spread {
    fn converted(self, factor: f64, offset: f64) -> Self {
        Self { mean: factor * self.mean + offset, deviation: factor.abs() * self.deviation }
    }

    /// How far `found` is from what is expected; `None` when either hardly varies.
    fn distance(self, found: Spread) -> Option<f64> {
        let means = (found.mean - self.mean).abs() / self.deviation;
        let deviations = (found.deviation / self.deviation).ln().abs();
        Some(means.max(deviations)).filter(|distance| distance.is_finite())
    }
}

/// The conversion that fits, in words; `None` when none does, when the numbers hardly vary, or when they are as they were.
pub(crate) fn changed(then: Spread, now: Spread) -> Option<String> {
    if then.distance(now)? <= TOLERANCE * 2.0 {
        return None;
    }
    let tried = CONVERSIONS.iter().flat_map(|Conversion { factor, offset, about }| {
        let there = (then.converted(*factor, *offset), format!("converted: {about}"));
        let back = (then.converted(1.0 / factor, -offset / factor), format!("converted back: {about}"));
        [there, back]
    });
    let distances = tried.filter_map(|(converted, words)| Some((converted.distance(now)?, words)));
    let (best, words) = distances.min_by(|a, b| a.0.total_cmp(&b.0))?;
    (best <= TOLERANCE).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_known_in_both_directions_and_shifts_are_none() {
        let then = Spread { mean: 60.0, deviation: 12.0 };
        let told = |factor: f64, offset: f64| changed(then, then.converted(factor, offset));
        assert!(told(1.0 / 1.8, -32.0 / 1.8).unwrap().contains("Celsius"));
        assert!(told(1.0, 273.15).unwrap().contains("kelvins"));
        assert!(told(0.001, 0.0).unwrap().contains("thousand"));
        assert!(told(1.61, 0.0).unwrap().contains("miles"));
        assert!(told(2.54, 0.5).unwrap().contains("2.54"));
        assert!(told(-1.0, 0.0).unwrap().contains("sign"));
        assert_eq!(told(1.0, 0.0), None);
        assert_eq!(told(1.0, 5.0), None);
        assert_eq!(told(1.0, 30.0), None);
        assert_eq!(told(0.0, 7.0), None);
        assert_eq!(changed(Spread { mean: 7.0, deviation: 0.0 }, then), None);
        assert_eq!(changed(then, Spread { mean: f64::NAN, deviation: f64::NAN }), None);
    }
}
