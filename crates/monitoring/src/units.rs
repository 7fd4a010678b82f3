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

/// How far each of the known quantiles may be from the converted one, in converted standard deviations: a calm week has the
/// mean of another unit at times, and not its shape.
const SHAPE: f64 = 0.3;
/// How far the mean may be from the converted one, in converted standard deviations; and how far apart both deviations,
/// as the logarithm of their ratio.
const TOLERANCE: f64 = 0.15;

/// How some numbers spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    /// The standard deviation.
    pub(crate) deviation: f64,
    /// Some quantiles of rising levels, symmetric about the median, where they are known.
    pub(crate) quantiles: Option<[f64; 5]>,
}

impl Spread {
    fn converted(self, factor: f64, offset: f64) -> Self {
        let quantiles = self.quantiles.map(|mut quantiles| {
            quantiles.iter_mut().for_each(|quantile| *quantile = factor * *quantile + offset);
            if factor < 0.0 {
                quantiles.reverse();
            }
            quantiles
        });
        Self { mean: factor * self.mean + offset, deviation: factor.abs() * self.deviation, quantiles }
    }

    /// How far `found` is from what is expected; `None` when either hardly varies.
    fn distance(self, found: Spread) -> Option<f64> {
        let means = (found.mean - self.mean).abs() / self.deviation;
        let deviations = (found.deviation / self.deviation).ln().abs();
        Some(means.max(deviations)).filter(|distance| distance.is_finite())
    }

    /// Whether the quantiles of `found` are those that are expected, as far as these lie where `then` had its values:
    /// elsewhere values are only counted. True where a side has none.
    fn has_shape_of(self, found: Spread, then: Spread) -> bool {
        let (Some(expected), Some(found), Some(then)) = (self.quantiles, found.quantiles, then.quantiles) else {
            return true;
        };
        let known = expected.iter().zip(found).filter(|(expected, _)| (then[0]..=then[4]).contains(*expected));
        known.into_iter().all(|(expected, found)| (expected - found).abs() <= SHAPE * self.deviation)
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
    let distances = tried.filter_map(|(converted, words)| Some((converted.distance(now)?, converted, words)));
    let (best, converted, words) = distances.min_by(|a, b| a.0.total_cmp(&b.0))?;
    (best <= TOLERANCE && converted.has_shape_of(now, then)).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_known_in_both_directions_and_shifts_are_none() {
        let quantiles = Some([40.0, 52.0, 60.0, 68.0, 80.0]);
        let then = Spread { mean: 60.0, deviation: 12.0, quantiles };
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
        assert_eq!(changed(Spread { mean: 7.0, deviation: 0.0, quantiles: None }, then), None);
        assert_eq!(changed(then, Spread { mean: f64::NAN, deviation: f64::NAN, quantiles: None }), None);
        // Calmer winds have the mean and the deviation of another unit, and another shape.
        let wind = Spread { mean: 11.0, deviation: 6.0, quantiles: Some([3.0, 7.0, 10.0, 15.0, 22.0]) };
        let converted = wind.converted(1.0 / 2.54, 0.0);
        assert!(changed(wind, converted).unwrap().contains("2.54"));
        let calm = Spread { quantiles: Some([3.0, 3.0, 3.1, 3.5, 9.5]), ..converted };
        assert_eq!(changed(wind, calm), None);
    }
}
