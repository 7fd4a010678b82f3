//! What a loop's model answers is explained, against what it was trained on: lateness comes of temperature, wind and site.

use std::collections::BTreeMap;

use flyball_core::model::{Loaded, Method, Unit};
use flyball_core::{Clock, Column, Table, TextColumn, Timestamp};
use flyball_governance::identity;
use flyball_loops::batch::{self, Batch};
use flyball_loops::explain::{self, Direction, ExplainOptions, GlobalRequest, WantedChange, WantedMethod};
use flyball_loops::{highlights, why};
use flyball_serving::model::TruthValue;
use flyball_serving::record_columns;

use crate::world::{LOOP, World, well};

fn world() -> World {
    let mut world = World::new("  - every: 300d\n    do: retrain");
    world.day(&well);
    world
}

/// A hot, windy day in the south, and a cold, calm one in the north.
fn rows() -> Table {
    Table::new(vec![
        ("temperature".into(), Column::Float(vec![85.0, 40.0])),
        ("wind".into(), Column::Float(vec![14.0, 6.0])),
        ("site".into(), Column::Text(TextColumn::from_texts([Some("south"), Some("north")]))),
    ])
    .unwrap()
}

#[test]
fn rows_are_explained_exactly_and_about_so_by_sampling() {
    let world = world();
    let permit = identity::local_user().unwrap().edit().read();
    let live = world.platform.serving.endpoint(LOOP).unwrap();
    let run = |options: &ExplainOptions| explain::explain(&world.platform, &permit, &live, &rows(), options).unwrap();
    let exact = run(&ExplainOptions::default());
    assert_eq!((exact.attributions.method, exact.attributions.unit), (Method::Linear, Unit::LogOdds));
    assert_eq!((exact.class.as_deref(), &exact.background), (Some("yes"), &None));
    let amounts = &exact.attributions.amounts;
    assert!(amounts[..3].iter().all(|amount| *amount > 0.0) && amounts[3..5].iter().all(|amount| *amount < 0.0));
    assert_eq!(exact.contributions(0)[0].feature, "temperature");
    for (row, amounts) in amounts.chunks_exact(3).enumerate() {
        let odds = (exact.predictions.row(row)[1] / exact.predictions.row(row)[0]).ln();
        assert!((exact.attributions.base + amounts.iter().sum::<f64>() - odds).abs() < 1e-4);
    }

    // Against the training sample the same model gives about the same; its answers sum to probabilities.
    let against =
        run(&ExplainOptions { background: Some("reference".into()), max_rows: Some(1_000), ..Default::default() });
    assert_eq!(against.background, Some(("reference".into(), 1_000)));
    for (one, other) in amounts.iter().zip(&against.attributions.amounts) {
        assert!((one - other).abs() < 0.2, "{one} {other}");
    }
    for method in [WantedMethod::Kernel, WantedMethod::Permutation] {
        let found = run(&ExplainOptions { method, ..ExplainOptions::default() });
        assert_eq!((found.attributions.unit, found.attributions.exact), (Unit::Probability, true));
        for (row, amounts) in found.attributions.amounts.chunks_exact(3).enumerate() {
            let sum = found.attributions.base + amounts.iter().sum::<f64>();
            assert!((sum - found.predictions.row(row)[1]).abs() < 1e-9, "{method:?}");
        }
        assert_eq!(found.background, Some(("reference".into(), explain::BACKGROUND_ROWS)));
    }
}

#[test]
fn what_may_not_change_does_not_and_what_may_changes_the_answer() {
    let world = world();
    let permit = identity::local_user().unwrap().edit().read();
    let live = world.platform.serving.endpoint(LOOP).unwrap();
    let wanted = WantedChange {
        immutable: vec!["site".into()],
        directions: BTreeMap::from([("wind".to_owned(), Direction::Up)]),
        ranges: BTreeMap::from([("temperature".to_owned(), [50.0, 90.0])]),
        ..WantedChange::default()
    };
    let options = ExplainOptions { counterfactual: Some(wanted), ..ExplainOptions::default() };
    let found = explain::explain(&world.platform, &permit, &live, &rows(), &options).unwrap();
    let ways = found.counterfactuals.unwrap();
    for (ways, answered) in ways.iter().zip(["yes", "no"]) {
        assert!(!ways.is_empty());
        for way in ways {
            assert_ne!(way.class.as_deref(), Some(answered), "{way:?}");
            for change in &way.changes {
                let (from, to) = (change.from.as_f64().unwrap(), change.to.as_f64().unwrap());
                assert!(change.feature != "wind" || to > from, "{way:?}");
                assert!(change.feature != "temperature" || (50.0..=90.0).contains(&to), "{way:?}");
            }
        }
    }
}

#[test]
fn a_recorded_prediction_tells_why_and_how_usual_it_is() {
    let world = world();
    let permit = identity::local_user().unwrap().edit().read();
    let records = world.platform.serving.newest_records(LOOP, 1).unwrap();
    let id = records.column(record_columns::PREDICTION_ID).unwrap().value(0).text().unwrap();
    let why = why::explain(&world.platform, &permit, &id).unwrap();
    assert_eq!((why.method, why.exact, why.unit), (Some(Method::Linear), true, Some(Unit::LogOdds)));
    assert!(why.version.is_some() && why.run.is_some() && why.dataset.is_some() && why.unexplained.is_none());
    let contributions = why.contributions.unwrap();
    let odds = why.expected.unwrap() + contributions.iter().map(|part| part.amount).sum::<f64>();
    assert!((1.0 / (1.0 + (-odds).exp()) - why.score.unwrap()).abs() < 1e-5);
    assert_eq!((why.standing.len(), &why.standing[0].feature), (3, &contributions[0].feature));
    for standing in &why.standing {
        let share = standing.share_below.or(standing.share_same).unwrap();
        assert!((0.0..=1.0).contains(&share) && standing.usual.unwrap() > 0.0, "{standing:?}");
        assert_eq!(standing.share_same.is_some(), standing.feature == "site");
    }
    assert!(why.counterfactuals.iter().all(|way| !way.changes.is_empty()) && !why.counterfactuals.is_empty());
}

#[test]
fn what_matters_as_a_whole_agrees_between_contributions_and_losses() {
    let world = world();
    let permit = identity::local_user().unwrap().edit().read();
    let live = world.platform.serving.endpoint(LOOP).unwrap();
    let request = GlobalRequest { feature: Some("temperature".into()), ..GlobalRequest::default() };
    let found = explain::importance(&world.platform, &permit, &live, &request).unwrap();
    assert_eq!((found.loss, found.rows.1.as_str(), found.exact), ("log_loss", "reference", true));
    let by_loss = |at: usize| found.features[at].loss_increase.unwrap();
    assert_eq!(found.features[0].feature, "temperature");
    assert!(by_loss(0) > 0.05 && by_loss(0) > by_loss(2), "{found:#?}");
    let effect = found.effect.unwrap();
    assert!(effect.partial_dependence.windows(2).all(|pair| pair[0] < pair[1]), "{effect:?}");
    let (edges, effects) = effect.local_effects.unwrap();
    assert!(edges.len() == effects.len() && effects.windows(2).all(|pair| pair[0] < pair[1]));

    // What monitors follow is the same mean.
    let held = world.platform.serving.load(live.revisions[0].revision.artifact).unwrap();
    let Loaded::Rows(model) = &*held else { unreachable!("a loop's model takes rows") };
    let means = explain::attributions(model.as_ref(), &rows(), 100).unwrap().unwrap();
    assert_eq!((means.len(), means[0].0.as_str()), (3, "temperature"));
    assert!(means[0].1 > 1.0);
    assert_eq!(explain::attributions(model.as_ref(), &rows(), 0).unwrap(), None);
}

#[test]
fn a_dataset_is_predicted_with_the_contributions_beside() {
    let world = world();
    let permit = identity::local_user().unwrap().edit();
    let dataset = "rows".parse().unwrap();
    let rows = world.platform.datasets.latest(&permit.read(), &dataset).unwrap().unwrap();
    let asked = Batch { rows: &rows, version: None, explain: true };
    let made =
        batch::predict(&world.platform, &permit, &LOOP.parse().unwrap(), asked, &"scored".parse().unwrap()).unwrap();
    let table = world.platform.datasets.table(&permit.read(), &made.id).unwrap();
    let number = |name: &str, row: usize| table.column(name).unwrap().number(row);
    for row in 0..50 {
        let names = ["base_value", "contribution.temperature", "contribution.wind", "contribution.site"];
        let odds: f64 = names.iter().map(|name| number(name, row)).sum();
        assert!((1.0 / (1.0 + (-odds).exp()) - number("probability_yes", row)).abs() < 1e-5);
    }
}

#[test]
fn the_highlights_of_a_time_are_its_alarm_its_groups_and_an_answer() {
    let mut world = World::with("window: 1d\n  fairness: { by: [site] }", "  - every: 300d\n    do: retrain");
    let permit = identity::local_user().unwrap().edit().read();
    let of = |world: &World| highlights::of(&world.platform, &permit, LOOP, (Timestamp(0), world.clock.now())).unwrap();
    assert!(of(&world).alarm.is_none(), "nothing was served yet");
    world.days(2, &well);
    world.day(&|event, _| event.temperature += 20.0);
    world.days(2, &well);
    let found = of(&world);
    let alarm = found.alarm.unwrap();
    assert_eq!((found.windows, found.alarmed), (5, 1));
    assert_eq!(alarm.drifted()[0].column, "temperature");
    assert!(!alarm.causes.is_empty());
    assert_eq!(found.fairness.unwrap().attributes[0].groups.len(), 3);
    let explained = found.explained.unwrap();
    assert_eq!(explained.truth, Some(TruthValue::Class("yes".into())));
    assert!(explained.at >= alarm.from && explained.at < alarm.to && explained.score.unwrap() > 0.5);
    assert_eq!(explained.contributions.unwrap()[0].feature, "temperature");
}
