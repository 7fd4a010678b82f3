//! Hostile windows give a defined statistic or none (what the statistics are is compared with the field's tools in
//! `dev/oracles`).

use flyball_core::rng::Rng;
use flyball_stats::calibrated::{categorical_test, numeric_test};
use flyball_stats::compat::{Column, evidently, nannyml, scouter};
use flyball_stats::drift::{
    Alternative, KsMethod, NumberStatistics, ShareStatistics, Test, Variances, anderson_darling, cramer_von_mises,
    energy, epps_singleton, fisher_exact, g_contingency, ks_location, ks_sorted, ks_two_sample, mann_whitney, sorted,
    t_test, wasserstein,
};

fn windows() -> Vec<Vec<f64>> {
    let mut rng = Rng::seeded(12);
    vec![
        vec![],
        vec![f64::NAN; 5],
        vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN],
        vec![1.5],
        vec![0.0, -0.0],
        vec![2.0; 1200],
        vec![f64::MAX, f64::MIN, 0.0, 1.0, 2.0],
        (0..40).map(|_| rng.unit()).collect(),
        (0..1500).map(|_| if rng.unit() < 0.1 { f64::NAN } else { (rng.unit() * 30.0).floor() }).collect(),
    ]
}

#[track_caller]
fn sound(p_value: Option<f64>) {
    assert!(p_value.is_none_or(|p| (0.0..=1.0).contains(&p)), "{p_value:?}");
}

#[test]
fn every_pair_of_windows_has_a_defined_outcome_or_none() {
    let all = windows();
    for (reference, current) in all.iter().flat_map(|left| all.iter().map(move |right| (left, right))) {
        let (before, now) = (sorted(reference), sorted(current));
        let is_defined = !before.is_empty() && !now.is_empty();
        let p = |test: Option<Test>| test.map(|test| test.p_value);
        sound(ks_two_sample(reference, current, KsMethod::Auto).map(|test| test.p_value));
        sound(p(cramer_von_mises(reference, current)));
        sound(p(anderson_darling(reference, current)));
        sound(p(mann_whitney(reference, current, Alternative::TwoSided)));
        sound(p(mann_whitney(reference, current, Alternative::Less)));
        sound(p(t_test(reference, current, Variances::Pooled)));
        sound(p(t_test(reference, current, Variances::Separate)));
        sound(p(epps_singleton(reference, current)));
        sound(numeric_test(&before, &now).map(|test| test.p_value));
        for distance in [wasserstein(reference, current), energy(reference, current)] {
            assert!(distance.is_none_or(|distance| distance >= 0.0), "{distance:?}");
            assert_eq!(distance.is_some(), is_defined);
        }
        assert_eq!(NumberStatistics::of(&before, &now).is_some(), is_defined);
        let column = Column::Numbers { reference, current };
        for method in evidently::Method::ALL {
            let score = evidently::decide(&column, Some(method)).and_then(|decision| decision.score);
            assert!(score.is_none_or(|score| !score.is_nan()), "{method:?} of {reference:?} and {current:?}");
        }
        for method in nannyml::Method::ALL {
            assert!(nannyml::score(&column, method).is_none_or(|score| score >= 0.0), "{method:?}");
            nannyml::decide_numbers(reference, current, method);
        }
        assert_eq!(scouter::decide(&column).is_some(), is_defined);
    }
}

#[test]
fn counts_of_any_shape_have_a_defined_outcome_or_none() {
    let many: Vec<u64> = (0..1_000_000).map(|level| level % 3).collect();
    let sides: [(&[u64], &[u64]); 6] = [
        (&[], &[]),
        (&[0, 0], &[0, 5]),
        (&[5], &[3]),
        (&[0, 4], &[4, 0]),
        (&[u64::MAX / 4, 1], &[1, 1]),
        (&many, &many),
    ];
    for (reference, current) in sides {
        sound(categorical_test(reference, current).map(|test| test.p_value));
        sound(g_contingency(reference, current).map(|test| test.p_value));
        if let Some(statistics) = ShareStatistics::of(reference, current) {
            sound(Some(statistics.pooled.p_value));
            assert!((0.0..=1.0).contains(&statistics.total_variation));
        }
        if reference.len() < 10 && reference.iter().all(|rows| *rows < 100) {
            sound(fisher_exact(reference, current).map(|test| test.p_value));
        }
    }
    assert_eq!(categorical_test(&[1, 2], &[1]), None);
    assert_eq!(ShareStatistics::of(&many, &many).unwrap().total_variation, 0.0);
}

#[test]
fn the_place_of_the_largest_distance_is_told_with_its_direction() {
    assert_eq!(ks_location(&[1.0, 2.0], &[3.0, 4.0]), Some((2.0, 1)));
    assert_eq!(ks_location(&[3.0, 4.0], &[1.0, 2.0]), Some((2.0, -1)));
    assert_eq!(ks_location(&[], &[1.0]), None);
}

#[test]
fn values_and_their_order_say_the_same() {
    let (before, now) = (&windows()[7], &windows()[8]);
    let of = |method| (ks_two_sample(before, now, method), ks_sorted(&sorted(before), &sorted(now), method));
    for method in [KsMethod::Auto, KsMethod::Exact, KsMethod::Affordable, KsMethod::Asymptotic] {
        assert_eq!(of(method).0, of(method).1);
    }
}
