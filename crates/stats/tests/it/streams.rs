use flyball_core::rng::Rng;
use flyball_stats::stream::{Detector, NAMES, Settings, State};

fn detector(name: &str, parameters: &[(&str, &str)]) -> Option<Detector> {
    let mut settings = Settings::named(name).unwrap();
    for (parameter, value) in parameters {
        assert!(settings.set(parameter, value), "{name} has no {parameter} of {value}");
    }
    Detector::new(settings)
}

/// Errors at a rate of `before`, then of `after`, 1,500 each.
fn errors(seed: u64, before: f64, after: f64) -> Vec<f64> {
    let mut rng = Rng::seeded(seed);
    (0..3_000).map(|row| f64::from(u8::from(rng.unit() < if row < 1_500 { before } else { after }))).collect()
}

fn drifts(mut detector: Detector, values: impl IntoIterator<Item = f64>) -> Vec<usize> {
    let states = values.into_iter().map(|value| detector.update(value).drift);
    states.enumerate().filter(|(_, drift)| *drift).map(|(row, _)| row).collect()
}

#[test]
fn every_detector_sees_a_large_change_of_the_error_rate_soon_after_it() {
    for name in NAMES {
        // FHDDM watches right answers.
        let values = errors(3, 0.1, 0.6).into_iter().map(|error| if *name == "fhddm" { 1.0 - error } else { error });
        let found = drifts(detector(name, &[]).unwrap(), values);
        assert!(found.iter().any(|row| (1_500..1_700).contains(row)), "{name}: {found:?}");
    }
}

#[test]
fn a_constant_stream_never_drifts() {
    for name in NAMES {
        for value in [0.0, 0.25, 1.0] {
            let found = drifts(detector(name, &[]).unwrap(), vec![value; 3_000]);
            assert!(found.is_empty(), "{name} at {value}: {found:?}");
        }
    }
}

#[test]
fn values_that_are_not_finite_are_ignored() {
    for name in NAMES {
        let (mut clean, mut dirty) = (detector(name, &[]).unwrap(), detector(name, &[]).unwrap());
        for value in errors(4, 0.1, 0.5) {
            let state = clean.update(value);
            assert_eq!(state, dirty.update(value), "{name}");
            for nothing in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(dirty.update(nothing), State::default(), "{name}");
            }
        }
        assert_eq!(clean, dirty);
    }
}

#[test]
fn a_detector_kept_as_bytes_goes_on_exactly() {
    for name in NAMES {
        let mut whole = detector(name, &[]).unwrap();
        let mut parts = whole.clone();
        for (row, value) in errors(5, 0.2, 0.6).into_iter().enumerate() {
            assert_eq!(whole.update(value), parts.update(value), "{name}");
            if row % 97 == 0 {
                parts = Detector::from_bytes(&parts.to_bytes()).unwrap();
            }
        }
        assert_eq!(whole, parts);
        assert_eq!(whole.name(), *name);
        assert!(whole.to_bytes().len() < 4_000, "{name}: {}", whole.to_bytes().len());
    }
}

#[test]
fn bytes_that_no_detector_wrote_are_refused_or_harmless() {
    assert_eq!(Detector::from_bytes(&[]), None);
    let mut rng = Rng::seeded(6);
    for name in NAMES {
        let mut detector = detector(name, &[]).unwrap();
        errors(7, 0.3, 0.3).into_iter().take(500).for_each(|value| {
            detector.update(value);
        });
        let bytes = detector.to_bytes();
        assert_eq!(Detector::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Detector::from_bytes(&[&bytes[..], &[0]].concat()), None);
        for _ in 0..300 {
            let mut damaged = bytes.clone();
            for _ in 0..=rng.below(3) {
                let place = rng.below(damaged.len());
                damaged[place] = rng.next_u64() as u8;
            }
            if let Some(mut survivor) = Detector::from_bytes(&damaged) {
                errors(8, 0.1, 0.9).into_iter().take(300).for_each(|value| {
                    survivor.update(value);
                });
            }
        }
    }
}

#[test]
fn parameters_out_of_their_range_are_refused() {
    let refused = [
        ("adwin", "delta", "0"),
        ("adwin", "delta", "NaN"),
        ("adwin", "clock", "0"),
        ("adwin", "max_buckets", "1"),
        ("page_hinkley", "threshold", "-1"),
        ("page_hinkley", "alpha", "1.5"),
        ("ddm", "drift_threshold", "inf"),
        ("eddm", "alpha", "0.5"),
        ("hddm_a", "drift_confidence", "1"),
        ("hddm_w", "lambda_val", "0"),
        ("fhddm", "sliding_window_size", "0"),
        ("fhddm", "sliding_window_size", "1000000000000"),
        ("fhddm", "short_window_size", "200"),
        ("kswin", "stat_size", "0"),
        ("kswin", "stat_size", "51"),
        ("kswin", "alpha", "-0.1"),
    ];
    for (name, parameter, value) in refused {
        assert_eq!(detector(name, &[(parameter, value)]), None, "{name} {parameter} {value}");
    }
    let mut settings = Settings::named("adwin").unwrap();
    assert!(!settings.set("delta", "small") && !settings.set("threshold", "1"));
    assert_eq!(Settings::named("adwin"), Some(settings));
    assert_eq!(Settings::named("drift"), None);
}

#[test]
fn memory_stays_bounded_on_a_long_stream() {
    for name in NAMES {
        let mut detector = detector(name, &[]).unwrap();
        let mut rng = Rng::seeded(9);
        for _ in 0..100_000 {
            detector.update(f64::from(u8::from(rng.unit() < 0.5)));
        }
        assert!(detector.to_bytes().len() < 5_000, "{name}: {}", detector.to_bytes().len());
    }
}

#[test]
fn adwin_keeps_the_newest_values_and_their_mean() {
    let Some(Detector::Adwin(mut adwin)) = detector("adwin", &[("clock", "1")]) else { panic!("no ADWIN") };
    assert_eq!(adwin.mean(), None);
    let mut rng = Rng::seeded(10);
    let mut cut = None;
    for row in 0..2_000 {
        let level = if row < 1_000 { 0.0 } else { 3.0 };
        if adwin.update(level + rng.unit()).drift {
            cut.get_or_insert((row, adwin.width(), adwin.mean().unwrap()));
        }
    }
    let (row, width, mean) = cut.unwrap();
    assert!((1_000..1_040).contains(&row) && width < 1_000 && mean > 0.0, "{row} {width} {mean}");
    assert!((adwin.mean().unwrap() - 3.5).abs() < 0.05 && adwin.width() < 1_000);
}

#[test]
fn kswin_depends_on_its_seed_and_on_nothing_else() {
    let run =
        |seed: &str| drifts(detector("kswin", &[("seed", seed), ("alpha", "0.05")]).unwrap(), errors(11, 0.4, 0.5));
    assert_eq!(run("1"), run("1"));
    assert_ne!(run("1"), run("2"));
}
