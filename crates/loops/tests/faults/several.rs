//! A model of three classes is watched: what its probabilities let expect, and then what really happened, each class
//! against the rest.

use std::fmt::Write;

use flyball_core::rng::Rng;
use flyball_core::{Clock, Duration, Timestamp, Value};
use flyball_governance::identity;
use flyball_loops::apply::apply;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_serving::model::{RowRequest, Truth, TruthValue};
use flyball_serving::truth;

use crate::world::World;

/// Low, middle and high numbers `x`: softmax of 2 − 6x, 1 and 6x − 4, as ONNX.
const MODEL: &[u8] = include_bytes!("three_classes.onnx");
const CLASSES: [&str; 3] = ["low", "middle", "high"];
const FILE: &str = r#"name: three
task: classification
data:
  events: { from: three.csv, key: id, time: at, label: y, label_delay: 1d }
train: { on: events, holdout: 60%, run: "sh -c 'cp three.onnx $FLYBALL_OUTPUT/model.onnx'" }
gates: [f1 >= 0.5]
monitor: { window: 1d }
"#;
const ROWS: usize = 1500;

/// A class, as likely as the model says.
fn class_of(x: f64, rng: &mut Rng) -> &'static str {
    let odds = [2.0 - 6.0 * x, 1.0, 6.0 * x - 4.0].map(f64::exp);
    let draw = rng.unit() * odds.iter().sum::<f64>();
    CLASSES[if draw < odds[0] { 0 } else { 1 + usize::from(draw >= odds[0] + odds[1]) }]
}

fn window(world: &World, from: Timestamp) -> WindowReport {
    let permit = identity::local_user().unwrap().edit().read();
    let windows = world.platform.db.read(|tx| monitoring::windows(tx, &permit, "three", 10)).unwrap();
    windows.into_iter().find(|window| window.from == from).unwrap()
}

#[test]
fn three_classes_are_estimated_and_then_measured() {
    let mut world = World::new("  - every: 300d\n    do: retrain");
    let (mut rng, begin) = (Rng::seeded(8), world.clock.now());
    let mut text = "id,at,x,y\n".to_owned();
    for row in 0..6000 {
        let x = 1.6 * rng.unit() - 0.3;
        let at = begin - Duration::days(10) + Duration::seconds(60 * row);
        writeln!(text, "h{row},{at},{x},{}", class_of(x, &mut rng)).unwrap();
    }
    let root = &world.platform.project_root;
    std::fs::write(root.join("three.csv"), text).unwrap();
    std::fs::write(root.join("three.onnx"), MODEL).unwrap();
    let permit = identity::local_user().unwrap().edit();
    apply(&world.platform, &permit, FILE).unwrap();
    world.settle();

    // All of a day's numbers lie where two classes meet.
    let day = Timestamp(begin.0 / 86_400_000 * 86_400_000) + Duration::days(1);
    let mut truths = Vec::new();
    for row in 0..ROWS {
        let at = day + Duration::millis(86_400_000 / ROWS as i64 * row as i64);
        world.clock.advance_to(at);
        let x = if row % 2 == 0 { 0.1 } else { 0.9 } + 0.3 * (rng.unit() - 0.5);
        let key = format!("e{row}");
        let values = [Value::Float(x)];
        let request = RowRequest { key: Some(&key), at: Some(at), values: &values, version: None };
        world.platform.serving.infer_row("three", request).unwrap();
        let value = TruthValue::Class(class_of(x, &mut rng).to_owned());
        truths.push(Truth { key, value, happened_at: at });
    }
    let go_on_to = |world: &mut World, days: i64| {
        for seconds in [1, 20] {
            world.clock.advance_to(day + Duration::days(days) + Duration::seconds(seconds));
            world.settle();
        }
    };
    go_on_to(&mut world, 1);
    let before = window(&world, day);
    assert_eq!((before.rows, before.labelled), (ROWS, 0), "{before:?}");
    assert!(before.performance.is_empty());

    world
        .platform
        .db
        .write(move |tx| truth::record_truths(tx, &permit, "three", &truths, day + Duration::days(1)))
        .unwrap();
    go_on_to(&mut world, 3);
    let after = window(&world, day);
    assert_eq!((after.labelled, after.estimated.len()), (ROWS, 0));
    for name in ["accuracy", "f1", "precision", "recall", "auc", "average_precision"] {
        let (told, real) = (&before.estimated[name], &after.performance[name]);
        assert!(told.low.unwrap() < real.value && real.value < told.high.unwrap(), "{name}: {told:?} {real:?}");
        assert!(real.value < after.reference[name].value, "{name}: harder than what was held out");
    }
    assert!(after.performance.contains_key("auc_ovr_weighted"), "{:?}", after.performance.keys());
}
