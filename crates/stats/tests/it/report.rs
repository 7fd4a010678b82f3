//! The report of a table is what its columns say one by one, and does not care about odd columns.

use flyball_core::rng::Rng;
use flyball_stats::calibrated::{DriftPolicy, Verdict, categorical_test, numeric_test};
use flyball_stats::drift::{NumberStatistics, sorted};
use flyball_stats::report::{PreparedReference, Values};
use flyball_stats::sketch::ColumnStatistics;

fn column(rng: &mut Rng, rows: usize, shift: f64) -> Vec<f64> {
    (0..rows).map(|_| (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0 + shift).collect()
}

#[test]
fn a_report_says_what_its_columns_say() {
    let mut rng = Rng::seeded(5);
    let (before, same, moved) = (column(&mut rng, 3000, 0.0), column(&mut rng, 1000, 0.0), column(&mut rng, 1000, 0.4));
    let codes: Vec<u32> = (0..3000).map(|_| rng.below(4) as u32).collect();
    let mut now: Vec<u32> = (0..1000).map(|_| rng.below(4) as u32).collect();
    now[..300].fill(7);
    let levels = |codes| Values::Codes { codes, levels: 4 };
    let reference = PreparedReference::new([Values::Numbers(&before), Values::Numbers(&before), levels(&codes)]);
    let window = [Values::Numbers(&same), Values::Numbers(&moved), levels(&now)];
    let report = reference.report(&window, &DriftPolicy::default()).unwrap();
    let verdicts: Vec<Verdict> = report.columns.iter().map(|column| column.values.verdict).collect();
    assert_eq!(verdicts, [Verdict::Stable, Verdict::Drifted, Verdict::Stable]);
    assert_eq!(report.columns[2].missing.verdict, Verdict::Drifted);
    assert_eq!(report.columns[0].missing.verdict, Verdict::NotJudged);
    assert!(report.is_alarm());

    let found = report.columns[1].comparison.clone().unwrap();
    assert_eq!(found.values, numeric_test(&sorted(&before), &sorted(&moved)));
    let exact = NumberStatistics::of(&sorted(&before), &sorted(&moved)).unwrap();
    assert_eq!(found.statistics, Some(ColumnStatistics::Numbers(exact)));
    let rows = |codes: &[u32]| (0..4).map(|level| codes.iter().filter(|code| **code == level).count() as u64).collect();
    let (then, later): (Vec<u64>, Vec<u64>) = (rows(&codes), rows(&now));
    assert_eq!(report.columns[2].comparison.clone().unwrap().values, categorical_test(&then, &later));
}

#[test]
fn odd_columns_are_not_judged_and_do_not_disturb_others() {
    let numbers = vec![1.0, 2.0, 3.0];
    let reference = PreparedReference::new([
        Values::Numbers(&numbers),
        Values::Numbers(&[]),
        Values::Numbers(&[f64::NAN, f64::INFINITY]),
        Values::Codes { codes: &[], levels: 0 },
        Values::Codes { codes: &[1, 0], levels: 2 },
    ]);
    let policy = DriftPolicy::default();
    let window = [
        Values::Codes { codes: &[0], levels: 1 },
        Values::Numbers(&numbers),
        Values::Numbers(&[f64::NAN]),
        Values::Codes { codes: &[5], levels: 0 },
        Values::Codes { codes: &[2, 2, 0], levels: 3 },
    ];
    let report = reference.report(&window, &policy).unwrap();
    assert!(report.columns[..4].iter().all(|column| column.values.verdict == Verdict::NotJudged));
    assert_eq!(report.columns[0].comparison, None);
    assert_eq!(report.columns[4].comparison.as_ref().unwrap().unfamiliar, Some(2));
    assert!(!report.is_alarm());
    assert_eq!(reference.report(&window[..2], &policy), None);
    assert_eq!(PreparedReference::new([]).report(&[], &policy).unwrap().columns, []);
}
