//! What a dataset says of its rows, how much they count and which are ranked against each other, is heeded wherever a
//! version is made and judged.

use std::fmt::Write;

use flyball_core::Name;
use flyball_core::rng::Rng;
use flyball_evaluation::evaluations::{self, State};
use flyball_evaluation::suite::Suite;
use flyball_evaluation::{Evaluation, GateReport, store as gates};
use flyball_governance::identity;
use flyball_loops::apply::apply;
use flyball_loops::evaluate::{self, Asked, Report, VersionOf};
use flyball_registry::PackagedVersion;
use flyball_registry::packages;
use serde_json::Value;

use crate::world::World;

const FILE: &str = "name: @name
task: classification
data:
  events: { from: events.csv, key: id, label: y @roles }
train: { on: events, holdout: 50%, uses: linear @exclude }
gates: @gates
monitor: { window: 1d }
";

/// Most rows rise with `x`; the others fall with it and count much more. Ten rows are shown to each user.
fn events() -> String {
    let mut rng = Rng::seeded(5);
    let mut text = "id,x,y,w,bad,user\n".to_owned();
    for row in 0..4000 {
        let (x, falls) = (rng.unit(), row % 10 < 4);
        let odds = if falls { 1.0 - x } else { x };
        let y = if rng.unit() < odds { "yes" } else { "no" };
        let weight = if falls { 9 } else { 1 };
        writeln!(text, "e{row},{x},{y},{weight},{},u{}", if row == 7 { -1 } else { 1 }, row / 10).unwrap();
    }
    text
}

/// A version of its own loop, its evaluation, and the report of its gates.
fn made(
    world: &mut World,
    name: &str,
    roles: &str,
    gates_of: &str,
) -> Option<(PackagedVersion, Evaluation, GateReport)> {
    let roles = if roles.is_empty() { String::new() } else { format!(", {roles}") };
    let exclude = if roles.is_empty() { ", exclude: [w, bad, user]" } else { ", exclude: [bad]" };
    let exclude = if roles.contains("bad") { ", exclude: [w, user]" } else { exclude };
    let text = FILE.replace("@name", name).replace("@roles", &roles).replace("@exclude", exclude);
    let permit = identity::local_user().unwrap().edit();
    apply(&world.platform, &permit, &text.replace("@gates", gates_of)).unwrap();
    world.settle();
    world
        .platform
        .db
        .read(|tx| {
            let Some(version) = packages::find(tx, &permit.read(), name, 1)? else { return Ok(None) };
            let report = gates::get(tx, &permit.read(), &version.run_id)?.unwrap();
            let evaluation = serde_json::from_value(version.evaluation.clone()).unwrap();
            Ok(Some((version, evaluation, report)))
        })
        .unwrap()
}

fn world() -> World {
    let world = World::new("  - every: 300d\n    do: retrain");
    std::fs::write(world.platform.project_root.join("events.csv"), events()).unwrap();
    world
}

fn asked(world: &mut World, version: &PackagedVersion, model: &str) -> Report {
    let permit = identity::local_user().unwrap().edit();
    let dataset = world.platform.db.read(|tx| flyball_loops::declared::get(tx, &permit.read(), model)).unwrap();
    let asked = Asked {
        subject: VersionOf { model: model.parse::<Name>().unwrap(), version: version.version },
        format: None,
        dataset: dataset.training_dataset().unwrap().to_owned(),
        train: None,
        label: None,
        key: None,
        time: None,
        weight: None,
        group: None,
        by: vec!["w".to_owned()],
        baseline: None,
        suite: Suite::empty(),
    };
    let id = evaluate::ask(&world.platform, &permit, asked).unwrap();
    world.settle();
    let (kept, report): (_, Option<Value>) =
        world.platform.db.read(|tx| evaluations::get(tx, &permit.read(), &id)).unwrap();
    assert_eq!(kept.state, State::Done, "{kept:?}");
    serde_json::from_value(report.unwrap()).unwrap()
}

#[test]
fn weights_change_what_is_learned_and_how_it_is_judged() {
    let mut world = world();
    let (plain, alike, _) = made(&mut world, "plain", "", "[auc >= 0.5]").unwrap();
    let (weighted, heavy, report) = made(&mut world, "weighted", "weight: w, group: user", "[auc >= 0.65]").unwrap();
    let features = |version: &PackagedVersion| -> Vec<String> {
        version.signature.features.iter().map(|feature| feature.name.clone()).collect()
    };
    assert_eq!((features(&plain), features(&weighted)), (vec!["x".to_owned()], vec!["x".to_owned()]));
    // Learned without weights, the model follows the many rows; with them, the few that count.
    let auc = |evaluation: &Evaluation| evaluation.metrics["auc"].value;
    assert!(auc(&alike) > 0.52 && auc(&alike) < 0.65, "{}", auc(&alike));
    assert!(auc(&heavy) > 0.7, "{}", auc(&heavy));
    assert!(report.passed, "{report:?}");

    // Asked for again on all rows, the loop's columns are known: weights make the one model good, and the other bad.
    let found = [asked(&mut world, &weighted, "weighted"), asked(&mut world, &plain, "plain")];
    let [with, without] = found.map(|report| report.evaluation);
    assert!(auc(&with) > 0.7 && auc(&without) < 0.65, "{} {}", auc(&with), auc(&without));
    let by_weight = |evaluation: &Evaluation, group: &str| {
        evaluation.slices.iter().find(|slice| slice.group == group).unwrap().metrics["auc"].value
    };
    assert!(by_weight(&with, "9") > 0.7 && by_weight(&with, "1") < 0.3);
    assert!(by_weight(&without, "9") < 0.3 && by_weight(&without, "1") > 0.7);
}

#[test]
fn rows_of_one_group_are_ranked_against_each_other() {
    let mut world = world();
    let gates = "[ndcg_10 >= 0.5, 'superior(mrr)', hit_rate_5 <= 1, 'worst(recall_5, by: w) >= 0.99']";
    let (version, evaluation, report) = made(&mut world, "ranked", "weight: w, group: user", gates).unwrap();
    let lists = evaluation.ranking.unwrap();
    assert_eq!((lists.column.as_str(), lists.lists + lists.without_relevant), ("user", 200));
    let note = report.gates[0].evidence[0].1.as_ref().unwrap().note.clone().unwrap();
    assert_eq!(note, lists.sentence());
    let holds: Vec<Option<bool>> = report.gates.iter().map(|gate| gate.holds).collect();
    assert_eq!(holds, [Some(true), Some(true), Some(true), Some(false)], "{report:#?}");
    let ndcg = &evaluation.metrics["ndcg_10"];
    assert!(ndcg.low.unwrap() < ndcg.value && ndcg.value < ndcg.high.unwrap());
    let found = asked(&mut world, &version, "ranked");
    assert_eq!(found.evaluation.ranking.unwrap().column, "user");
    assert!(found.evaluation.slices[0].metrics.contains_key("map_10"));
}

#[test]
fn a_weight_below_nothing_is_refused() {
    let mut world = world();
    assert!(made(&mut world, "refused", "weight: bad", "[]").is_none());
    let permit = identity::local_user().unwrap().edit();
    let alerts =
        |tx: &mut flyball_store::Tx<'_>| flyball_monitoring::store::alerts(tx, &permit.read(), Some("refused"), 10);
    let found = world.platform.db.read(alerts).unwrap();
    let told = &found[0].summary;
    assert!(told.contains("data.events.weight") && told.contains("is not a number from 0 up"), "{told}");
    let missing = FILE.replace("@name", "missing").replace("@roles", ", weight: nobody").replace("@exclude", "");
    let error = apply(&world.platform, &permit, &missing.replace("@gates", "[]")).unwrap_err();
    assert!(error.to_string().contains("data.events.weight"), "{error}");
}
