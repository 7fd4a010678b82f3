//! Sketches add up exactly, stay small, say what the rows say, and refuse what they did not write.

use flyball_core::rng::Rng;
use flyball_stats::calibrated::EffectKind;
use flyball_stats::drift::{Moments, NumberStatistics, sorted};
use flyball_stats::sketch::{
    BitHistogram, ColumnReference, ColumnSketch, ColumnStatistics, LevelReference, NumberReference, NumberSketch,
};

fn bell(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
}

fn bells(seed: u64, rows: usize, shift: f64) -> Vec<f64> {
    let mut rng = Rng::seeded(seed);
    (0..rows).map(|_| bell(&mut rng) + shift).collect()
}

fn window(reference: &NumberReference, values: &[f64]) -> NumberSketch {
    let mut sketch = reference.sketch();
    assert!(reference.add(&mut sketch, values));
    sketch
}

fn numbers(statistics: Option<ColumnStatistics>) -> NumberStatistics {
    let Some(ColumnStatistics::Numbers(statistics)) = statistics else { panic!("{statistics:?}") };
    statistics
}

/// References of every shape that a column takes.
fn shapes() -> Vec<Vec<f64>> {
    let bell = bells(1, 5000, 0.0);
    vec![
        bell.iter().map(|x| x.exp()).collect(),
        bell.iter().map(|x| if *x < 0.5 { 0.0 } else { *x }).collect(),
        bell.iter().map(|x| (x * 10.0).round()).collect(),
        bell.iter().map(|x| f64::from(u8::from(*x > 1.0))).collect(),
        vec![7.5; 300],
        vec![-3.0],
        vec![f64::MIN, -1.0, 0.0, 1e-310, f64::MAX],
        bell.iter().map(|x| x * 1e300).collect(),
        bell,
    ]
}

#[test]
fn any_order_and_grouping_of_windows_gives_the_same_sketch() {
    for shape in shapes() {
        let reference = NumberReference::new(&shape).unwrap();
        let values = [&bells(2, 1001, 0.3)[..], &[f64::NAN, f64::INFINITY, 1e308, -1e308, 0.0, -0.0], &shape].concat();
        let whole = window(&reference, &values);
        let parts: Vec<NumberSketch> = values.chunks(97).map(|part| window(&reference, part)).collect();
        let mut forth = reference.sketch();
        parts.iter().for_each(|part| assert!(forth.merge(part)));
        let mut back = reference.sketch();
        for pair in parts.rchunks(2) {
            let mut both = pair[0].clone();
            pair[1..].iter().for_each(|other| assert!(both.merge(other)));
            both.merge(&back);
            back = both;
        }
        assert_eq!(forth, whole);
        assert_eq!(back, whole);
        assert_eq!(whole.to_bytes(), back.to_bytes());
    }
}

#[test]
fn a_sketch_says_what_the_rows_say() {
    for (rows, shift) in [(200, 0.0), (2000, 0.2), (20_000, 1.5)] {
        let (before, now) = (bells(3, 10_000, 0.0), bells(4, rows, shift));
        let reference = NumberReference::new(&before).unwrap();
        let sketch = window(&reference, &now);
        let exact = NumberStatistics::of(&sorted(&before), &sorted(&now)).unwrap();
        let found = reference.compare(reference.own(), &sketch).unwrap();
        let sketched = numbers(found.statistics);
        let near = |got: f64, expected: f64, distance: f64, what: &str| {
            assert!((got - expected).abs() <= distance, "{what} of {rows} rows: {got} is not {expected}");
        };
        assert!(sketched.ks.statistic <= exact.ks.statistic, "bins never show more than there is");
        near(sketched.ks.statistic, exact.ks.statistic, 0.004, "D");
        near(sketched.wasserstein_normed, exact.wasserstein_normed, 0.02, "W1");
        near(sketched.energy, exact.energy, 0.01, "energy");
        near(sketched.shares.population_stability, exact.shares.population_stability, 0.05, "PSI");
        near(sketched.moments[1].mean, exact.moments[1].mean, 1e-6, "mean");
        near(sketched.moments[1].variance, exact.moments[1].variance, 1e-5, "variance");
        near(sketched.cramer_von_mises.p_value, exact.cramer_von_mises.p_value, 0.01, "p of Cramér–von Mises");
        near(reference.quantile(&sketch, 0.5).unwrap(), sorted(&now)[rows / 2], 0.05, "median");
        // What is lost between the bins' edges is made up for, on average: no p-value is far smaller than that of the rows.
        let p_value = found.values.unwrap().p_value;
        assert!(p_value >= exact.ks.p_value * 0.5 && p_value <= sketched.ks.p_value, "{p_value} for {exact:?}");
    }
}

#[test]
fn few_values_are_counted_as_they_are() {
    let before: Vec<f64> = (0..1000).map(|row| f64::from(u8::from(row % 5 == 0))).collect();
    let now: Vec<f64> = (0..1000).map(|row| f64::from(u8::from(row % 4 == 0))).collect();
    let reference = NumberReference::new(&before).unwrap();
    assert_eq!(reference.distinct(), Some(2));
    let found = reference.compare(reference.own(), &window(&reference, &now)).unwrap();
    let test = found.values.unwrap();
    // scipy's chi2_contingency of [[800, 200], [750, 250]] without correction.
    assert!((test.p_value - 0.007_419_6).abs() < 1e-6, "{}", test.p_value);
    assert_eq!(test.effect_kind, EffectKind::KolmogorovSmirnov);
    assert!((test.effect - 0.05).abs() < 1e-12);
    // What lies between two values of the reference is no value of it.
    let halves = reference.compare(reference.own(), &window(&reference, &[0.5; 300])).unwrap();
    assert!(halves.values.unwrap().p_value < 1e-100);
}

#[test]
fn hostile_numbers_are_counted_and_nothing_is_made_up() {
    assert_eq!(NumberReference::new(&[]), None);
    assert_eq!(NumberReference::new(&[f64::NAN, f64::INFINITY]), None);
    for shape in shapes() {
        let reference = NumberReference::new(&shape).unwrap();
        let empty = reference.compare(reference.own(), &reference.sketch()).unwrap();
        assert_eq!((empty.statistics, empty.values, empty.missing, empty.unfamiliar), (None, None, None, Some(0)));
        for value in [0.0, f64::MAX, f64::MIN, 1e-320] {
            let one = reference.compare(reference.own(), &window(&reference, &[value])).unwrap();
            let p = one.values.unwrap().p_value;
            assert!((0.0..=1.0).contains(&p), "{p}");
            assert!(numbers(one.statistics).moments[1].mean.is_finite());
        }
        let mut sketch = window(&reference, &[f64::NAN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        sketch.absent_mut().missing += 3;
        sketch.absent_mut().mismatched += 1;
        assert_eq!((sketch.rows(), sketch.absent().rows()), (0, 8));
        let found = reference.compare(reference.own(), &sketch).unwrap();
        assert_eq!((found.statistics, found.values), (None, None));
        assert!(found.missing.unwrap().effect > 0.99);
    }
}

#[test]
fn a_million_deviations_away_is_as_far_as_a_value_counts() {
    let reference = NumberReference::new(&bells(5, 1000, 0.0)).unwrap();
    let mut values = bells(6, 1000, 0.0);
    values[0] = 1e300;
    let moments: Moments = reference.moments(&window(&reference, &values)).unwrap();
    assert!(moments.mean > 900.0 && moments.mean < 1200.0, "{moments:?}");
    let above = |values: &[f64]| window(&reference, values).out_of_range()[1];
    assert_eq!(above(&values), above(&values[1..]) + 1);
}

#[test]
fn sketches_of_another_reference_are_refused() {
    let (one, other) = (NumberReference::new(&bells(7, 500, 0.0)).unwrap(), NumberReference::new(&[1.0, 2.0]).unwrap());
    let mut sketch = window(&one, &[1.0]);
    assert!(!sketch.merge(&window(&other, &[1.0])));
    assert!(!other.add(&mut sketch, &[1.0]));
    assert_eq!(other.compare(other.own(), &sketch), None);
    assert!(other.sketch_from_bytes(&sketch.to_bytes()).is_err());
    let levels = ColumnReference::Levels(LevelReference::new([("a", 3)]));
    assert_eq!(levels.compare(&ColumnSketch::Numbers(sketch.clone())), None);
    assert!(!ColumnSketch::Numbers(sketch).merge(&levels.sketch()));
}

fn references() -> Vec<ColumnReference> {
    let names: Vec<String> = (0..400).map(|level| format!("level-{level}")).collect();
    let levels = |count: usize| {
        LevelReference::new(
            names[..count].iter().enumerate().map(|(rank, name)| (name.as_str(), 1000 / (rank as u64 + 1))),
        )
    };
    let numbers = shapes().into_iter().map(|shape| ColumnReference::Numbers(NumberReference::new(&shape).unwrap()));
    numbers.chain([0, 3, 400].map(|count| ColumnReference::Levels(levels(count)))).collect()
}

fn filled(reference: &ColumnReference, rows: usize) -> ColumnSketch {
    let mut sketch = reference.sketch();
    match (reference, &mut sketch) {
        (ColumnReference::Numbers(reference), ColumnSketch::Numbers(sketch)) => {
            reference.add(sketch, &bells(8, rows, 0.1));
        }
        (ColumnReference::Levels(reference), ColumnSketch::Levels(sketch)) => {
            for row in 0..rows as u64 {
                reference.add(sketch, &format!("level-{}", row * row % 411), 1);
            }
        }
        _ => panic!("a reference makes sketches of its kind"),
    }
    sketch.absent_mut().missing += 12;
    sketch
}

#[test]
fn bytes_are_small_and_come_back_as_they_were() {
    for reference in references() {
        assert_eq!(ColumnReference::from_bytes(&reference.to_bytes()).unwrap(), reference);
        for rows in [0, 1, 1000, 100_000] {
            let sketch = filled(&reference, rows);
            let bytes = sketch.to_bytes();
            let is_open = matches!(&reference, ColumnReference::Levels(levels) if levels.names().is_empty());
            assert!(bytes.len() <= if is_open { 3000 } else { 1000 }, "{} bytes for {rows} rows", bytes.len());
            assert_eq!(reference.sketch_from_bytes(&bytes).unwrap(), sketch);
        }
    }
}

#[test]
fn damaged_bytes_are_refused_or_read_as_some_sketch_but_never_more() {
    let mut rng = Rng::seeded(9);
    for reference in references() {
        let kept = reference.to_bytes();
        let window = filled(&reference, 3000).to_bytes();
        for bytes in [kept, window] {
            let is_refused = |bytes: &[u8]| {
                reference.sketch_from_bytes(bytes).is_err() && ColumnReference::from_bytes(bytes).is_err()
            };
            for length in 0..bytes.len().min(600) {
                assert!(is_refused(&bytes[..length]), "{length} bytes");
            }
            assert!(is_refused(&[&bytes[..], &[0]].concat()));
            for _ in 0..2000 {
                let mut damaged = bytes.clone();
                for _ in 0..=rng.below(3) {
                    let at = rng.below(damaged.len());
                    damaged[at] = rng.next_u64() as u8;
                }
                if let Ok(sketch) = reference.sketch_from_bytes(&damaged) {
                    // Whatever was read can be used.
                    let mut sum = filled(&reference, 10);
                    assert!(sum.merge(&sketch));
                    assert!(reference.compare(&sum).is_some());
                }
                if let Ok(reference) = ColumnReference::from_bytes(&damaged) {
                    assert!(reference.compare(&filled(&reference, 10)).is_some());
                }
            }
        }
    }
}

#[test]
fn levels_are_counted_exactly_and_new_ones_named() {
    let reference = LevelReference::new([("EWR", 500), ("JFK", 400), ("LGA", 100)]);
    let mut sketch = reference.sketch();
    let dictionary = ["JFK", "SFO", "EWR", "unused"];
    let codes: Vec<u32> = (0..1000).map(|row| if row % 10 == 9 { u32::MAX } else { row % 3 }).collect();
    assert!(reference.add_codes(&mut sketch, &codes, &dictionary));
    assert_eq!((sketch.rows(), sketch.absent().missing), (900, 100));
    assert_eq!(reference.unseen(&sketch), Some(300));
    assert_eq!(sketch.unseen_levels(), (vec![("SFO".to_owned(), 300)], 0));
    let found = reference.compare(reference.own(), &sketch).unwrap();
    assert_eq!(found.unfamiliar, Some(300));
    assert!(found.values.unwrap().p_value < 1e-50);
    assert!(found.missing.unwrap().p_value < 1e-10);
}

#[test]
fn a_million_levels_stay_bounded() {
    let names: Vec<String> = (0..1_000_000).map(|level| level.to_string()).collect();
    let reference = LevelReference::new(names.iter().map(|name| (name.as_str(), 1)));
    let mut sketch = reference.sketch();
    for name in &names {
        reference.add(&mut sketch, name, 1);
    }
    assert_eq!(sketch.rows(), 1_000_000);
    assert_eq!(reference.unseen(&sketch), None);
    assert!(sketch.to_bytes().len() <= 1000 && reference.to_bytes().len() < 10_000);
    let found = reference.compare(reference.own(), &sketch).unwrap();
    assert_eq!(found.values.unwrap().p_value, 1.0);

    let small = LevelReference::new([("a", 10)]);
    let mut sketch = small.sketch();
    for name in &names {
        small.add(&mut sketch, name, 1);
    }
    small.add(&mut sketch, "new", 500_000);
    assert!(sketch.to_bytes().len() <= 1000);
    assert_eq!(small.unseen(&sketch), Some(1_500_000));
    assert_eq!(sketch.unseen_levels().0[0].0, "new");
}

#[test]
fn a_histogram_without_a_reference_adds_up_and_stays_small() {
    for values in shapes() {
        let mut whole = BitHistogram::default();
        whole.add(&values);
        let parts: Vec<BitHistogram> = values
            .chunks(333)
            .map(|part| {
                let mut histogram = BitHistogram::default();
                histogram.add(part);
                histogram
            })
            .collect();
        for order in [parts.iter().collect::<Vec<_>>(), parts.iter().rev().collect()] {
            let mut sum = BitHistogram::default();
            order.into_iter().for_each(|part| sum.merge(part));
            assert_eq!(sum, whole);
        }
        let bytes = whole.to_bytes();
        assert!(bytes.len() <= 1000, "{}", bytes.len());
        assert_eq!(BitHistogram::from_bytes(&bytes).unwrap(), whole);
        for length in 0..bytes.len() {
            assert!(BitHistogram::from_bytes(&bytes[..length]).is_err());
        }
        assert_eq!(whole.rows(), values.len() as u64);
        assert!(whole.quantile(0.5).unwrap().is_finite());
    }
    let mut lognormal = BitHistogram::default();
    let values: Vec<f64> = bells(10, 20_000, 0.0).iter().map(|x| x.exp()).collect();
    lognormal.add(&values);
    assert!((lognormal.quantile(0.5).unwrap() - 1.0).abs() < 0.05);
    assert_eq!(BitHistogram::default().quantile(0.5), None);
    let (left, right) = lognormal.side_by_side(&BitHistogram::default());
    assert_eq!((left.iter().sum::<u64>(), right.iter().sum::<u64>()), (20_000, 0));
}
