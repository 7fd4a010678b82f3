use flyball_core::rng::Rng;
use flyball_stats::attribution::{attribution_drift, mean_absolute};
use flyball_stats::multivariate::{FourierFeatures, Pca, domain_classifier, mmd, mmd_test};
use flyball_stats::special::normal_quantile;

fn normal(rng: &mut Rng) -> f64 {
    normal_quantile(rng.unit().max(1e-300))
}

/// Two columns of the given correlation and one of its own, as columns.
fn table(seed: u64, rows: usize, correlation: f64) -> Vec<Vec<f64>> {
    let mut rng = Rng::seeded(seed);
    let mut columns = vec![Vec::new(); 3];
    for _ in 0..rows {
        let (first, other) = (normal(&mut rng), normal(&mut rng));
        columns[0].push(first);
        columns[1].push(correlation * first + (1.0 - correlation * correlation).sqrt() * other);
        columns[2].push(normal(&mut rng));
    }
    columns
}

fn slices(columns: &[Vec<f64>]) -> Vec<&[f64]> {
    columns.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_lost_correlation_is_seen_though_no_column_changed_alone() {
    let reference = table(1, 4_000, 0.95);
    let pca = Pca::fit(&slices(&reference), Some(400)).unwrap();
    let (same, lost) = (table(2, 400, 0.95), table(3, 400, 0.0));
    assert!(!pca.reconstruction(&slices(&same)).unwrap().drift);
    assert!(pca.reconstruction(&slices(&lost)).unwrap().drift);
    let tell_apart = |current: &[Vec<f64>]| {
        let mut rng = Rng::seeded(4);
        domain_classifier(&slices(&reference), &slices(current), |n| rng.below(n)).unwrap()
    };
    let (same, lost) = (tell_apart(&table(5, 2_000, 0.95)), tell_apart(&table(6, 2_000, 0.0)));
    assert!(same.p_value > 0.001 && !same.outside_nannyml_range, "{same:?}");
    assert!(lost.p_value < 1e-6 && lost.outside_nannyml_range, "{lost:?}");
    assert!(lost.importance[2] < 0.2, "{lost:?}");
}

#[test]
fn the_domain_classifier_keeps_its_false_alarm_rate() {
    let mut alarms = 0;
    for seed in 0..60 {
        let (reference, current) = (table(1_000 + seed, 300, 0.5), table(2_000 + seed, 300, 0.5));
        let mut rng = Rng::seeded(seed);
        let told = domain_classifier(&slices(&reference), &slices(&current), |n| rng.below(n)).unwrap();
        alarms += usize::from(told.p_value < 0.05);
    }
    assert!(alarms <= 8, "{alarms} of 60");
}

#[test]
fn missing_values_tell_rows_apart() {
    let reference = table(7, 1_000, 0.0);
    let mut current = table(8, 1_000, 0.0);
    current[1].iter_mut().step_by(4).for_each(|value| *value = f64::NAN);
    let mut rng = Rng::seeded(9);
    let told = domain_classifier(&slices(&reference), &slices(&current), |n| rng.below(n)).unwrap();
    assert!(told.p_value < 1e-6 && told.importance[1] > 0.5, "{told:?}");
}

#[test]
fn a_shift_is_far_and_unlikely_and_none_is_near() {
    let mut rng = Rng::seeded(10);
    let mut rows =
        |count: usize, shift: f64| -> Vec<f64> { (0..2 * count).map(|_| normal(&mut rng) + shift).collect() };
    let (reference, same, shifted) = (rows(150, 0.0), rows(150, 0.0), rows(150, 0.6));
    let mut draws = Rng::seeded(11);
    let mut test = |current: &[f64]| mmd_test(&reference, current, 2, 99, |n| draws.below(n)).unwrap();
    assert!(test(&same).p_value > 0.05);
    let far = test(&shifted);
    assert_eq!(far.p_value, 0.01);
    assert_eq!(Some(far.mmd), mmd(&reference, &shifted, 2));
}

#[test]
fn kept_means_of_embeddings_agree_with_the_kernel_and_merge() {
    let mut rng = Rng::seeded(12);
    let mut rows =
        |count: usize, shift: f64| -> Vec<f64> { (0..8 * count).map(|_| normal(&mut rng) + shift).collect() };
    let (reference, shifted) = (rows(400, 0.0), rows(400, 0.5));
    let windows: Vec<Vec<f64>> = (0..20).map(|_| rows(400, 0.0)).collect();
    let mut draws = Rng::seeded(13);
    let features = FourierFeatures::fit(&reference, 8, 2_000, || draws.unit()).unwrap();
    let kept = features.embed(&reference).unwrap();
    let exact = mmd(&reference, &shifted, 8).unwrap().squared;
    let got = kept.discrepancy(&features.embed(&shifted).unwrap()).unwrap();
    assert!((got / exact - 1.0).abs() < 0.1, "{got} is not {exact}");
    let windows: Vec<_> = windows.iter().map(|window| features.embed(window).unwrap()).collect();
    assert!(got > kept.threshold(&windows, 1.0).unwrap());
    // The whole is the sum of its parts.
    let mut merged = features.embed(&reference[..800]).unwrap();
    assert!(merged.merge(&features.embed(&reference[800..]).unwrap()));
    assert_eq!(merged.rows, kept.rows);
    assert!(merged.discrepancy(&kept).unwrap().abs() < 1e-2);
    assert!(merged.sums.iter().zip(&kept.sums).all(|(left, right)| (left - right).abs() < 1e-9));
}

#[test]
fn too_few_rows_and_hostile_values_are_undefined() {
    assert_eq!(mmd(&[1.0], &[2.0, 3.0], 1), None);
    assert_eq!(mmd(&[1.0; 3], &[1.0; 2], 1).unwrap().squared, 0.0);
    assert!(mmd(&[1.0; 3], &[2.0; 2], 1).unwrap().squared > 0.1);
    assert_eq!(mmd(&[1.0, 2.0, 3.0], &[f64::NAN, 2.0], 1), None);
    assert_eq!(mmd(&[1.0, 2.0, 3.0], &[1.0, 2.0], 0), None);
    assert_eq!(mmd(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 2), None);
    assert_eq!(FourierFeatures::fit(&[1.0, 1.0], 1, 10, || 0.5), None);
    assert_eq!(Pca::fit(&[&[1.0, 2.0]], None), None);
    assert_eq!(Pca::fit(&[&[1.0, 2.0], &[1.0]], None), None);
    assert_eq!(Pca::fit(&[&[f64::NAN; 3], &[1.0; 3]], None), None);
    let constant = Pca::fit(&[&[1.0; 20], &[2.0; 20]], None).unwrap();
    assert_eq!(constant.reconstruction(&[&[1.0], &[2.0]]).unwrap().error, 0.0);
    assert!(constant.reconstruction(&[&[1.0], &[3.0]]).unwrap().drift);
    assert_eq!(constant.reconstruction(&[&[1.0]]), None);
    assert_eq!(domain_classifier(&[&[1.0; 20]], &[&[1.0; 20]], |_| 0), None);
    let same = domain_classifier(&[&[1.0; 60]], &[&[1.0; 60]], |_| 0).unwrap();
    assert_eq!((same.auc, same.p_value, same.importance), (0.5, 0.5, vec![0.0]));
}

#[test]
fn a_feature_that_takes_over_is_named_with_its_change() {
    let mut rng = Rng::seeded(14);
    let mut rows = |weights: [f64; 3]| -> Vec<f64> {
        (0..500).flat_map(|_| weights.map(|weight| weight * (rng.unit() - 0.5))).collect()
    };
    let reference = mean_absolute(&rows([3.0, 2.0, 1.0]), 3).unwrap();
    let mut draws = Rng::seeded(15);
    let mut drift = |rows: &[f64]| attribution_drift(&reference, rows, 0.95, 200, |n| draws.below(n)).unwrap();
    let same = drift(&rows([3.0, 2.0, 1.0]));
    assert!(same.ndcg == 1.0 && same.jensen_shannon < 0.05, "{same:?}");
    let turned = drift(&rows([1.0, 2.0, 3.0]));
    assert!(turned.ndcg < 0.9 && turned.jensen_shannon > 0.2, "{turned:?}");
    assert_eq!(turned.shares[2].is_significant(), Some(true));
    assert!(turned.shares[2].change() > 0.25 && turned.shares[0].change() < -0.25);
    assert!((turned.shares.iter().map(|share| share.change()).sum::<f64>()).abs() < 1e-12);
}

#[test]
fn attributions_of_nothing_are_undefined() {
    assert_eq!(mean_absolute(&[], 2), None);
    assert_eq!(mean_absolute(&[1.0, 2.0, 3.0], 2), None);
    assert_eq!(mean_absolute(&[f64::NAN, 1.0], 2), None);
    assert_eq!(attribution_drift(&[1.0, 1.0], &[0.0, 0.0], 0.95, 10, |_| 0), None);
    assert_eq!(attribution_drift(&[0.0, 0.0], &[1.0, 0.0], 0.95, 10, |_| 0), None);
    assert_eq!(attribution_drift(&[1.0], &[1.0, f64::NAN], 0.95, 10, |_| 0).unwrap().ndcg, 1.0);
}
