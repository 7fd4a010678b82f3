//! Labels: agreement, consensus, what to label next, labelling functions, and labels that are probably wrong.

use flyball_stats::agreement::{
    LabelledSpan, Level, Rectangle, Weights, cohen_kappa, fleiss_kappa, iou, krippendorff_alpha, percent_agreement,
    span_f1,
};
use flyball_stats::annotation::{
    Filter, Quality, Uncertainty, Vote, confident_joint, dawid_skene, function_summary, label_issues, label_model,
    label_quality, majority_vote, most_probable, ranked_by_quality, uncertainty,
};
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::read::{items, members, rows};

/// EM ends where a bound gains less than 1e-5 a vote; probabilities that are summed in another order may end a bit apart.
const EM: f64 = 1e-7;
/// By how much our label model may be right less often than Snorkel's, which draws its start.
const LESS_RIGHT: f64 = 0.01;

/// Compares every part that the fixture has.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    type Part = fn(&str, &Value, &mut Checks);
    let parts: [(&str, Part); 8] = [
        ("two_raters", two_raters),
        ("many_raters", many_raters),
        ("spans", spans),
        ("boxes", boxes),
        ("crowd", crowd),
        ("uncertainty", least_sure),
        ("labelling_functions", functions),
        ("label_issues", issues),
    ];
    for (key, cases) in members(fixture) {
        match parts.iter().find(|(name, _)| *name == key) {
            Some((name, part)) => {
                for (number, case) in items(cases).iter().enumerate() {
                    let own = case["name"].as_str().map_or_else(|| format!("case {number}"), str::to_owned);
                    part(&format!("{name}, {own}"), case, checks);
                }
            }
            None if ["schema", "versions"].contains(&key) => {}
            None => checks.leave_out(format!("{key}: not known")),
        }
    }
}

fn places(value: &Value) -> Vec<usize> {
    items(value).iter().filter_map(Value::as_u64).map(|number| number as usize).collect()
}

/// Numbers where `null`, or a number below zero, is no answer.
fn answers<T>(value: &Value, of: impl Fn(f64) -> T) -> Vec<Option<T>> {
    items(value).iter().map(|item| item.as_f64().filter(|number| *number >= 0.0).map(&of)).collect()
}

fn series(what: &str, got: Option<Vec<f64>>, expected: &Value, tolerance: f64, checks: &mut Checks) {
    checks.equal(&format!("{what}, how many"), &json!(got.as_ref().map(Vec::len)), &json!(items(expected).len()));
    for (at, (got, expected)) in got.iter().flatten().zip(items(expected)).enumerate() {
        checks.near(&format!("{what}, at {at}"), *got, expected, tolerance);
    }
}

fn two_raters(name: &str, case: &Value, checks: &mut Checks) {
    let (one, other) = (places(&case["one"]), places(&case["other"]));
    let classes = case["classes"]
        .as_u64()
        .map_or_else(|| one.iter().chain(&other).max().map_or(0, |most| most + 1), |classes| classes as usize);
    for (key, expected) in members(case) {
        let what = format!("{name}, {key}");
        let kappa = |weights| cohen_kappa(&one, &other, classes, weights);
        match key {
            "percent_agreement" => {
                let pairs: Vec<_> = one.iter().zip(&other).map(|(one, other)| vec![Some(*one), Some(*other)]).collect();
                checks.same(&what, percent_agreement(&pairs), expected);
            }
            "cohen_kappa" => checks.same(&what, kappa(Weights::None), expected),
            "cohen_kappa_linear" => checks.same(&what, kappa(Weights::Linear), expected),
            "cohen_kappa_quadratic" => checks.same(&what, kappa(Weights::Quadratic), expected),
            "name" | "classes" | "one" | "other" => {}
            _ => checks.leave_out(format!("{what}: not known")),
        }
    }
}

fn many_raters(name: &str, case: &Value, checks: &mut Checks) {
    let ratings: Vec<Vec<Option<f64>>> =
        items(&case["ratings"]).iter().map(|item| items(item).iter().map(Value::as_f64).collect()).collect();
    for (level, expected) in members(&case["krippendorff_alpha"]) {
        let what = format!("{name}, alpha, {level}");
        match level {
            "nominal" => checks.same(&what, krippendorff_alpha(&ratings, Level::Nominal), expected),
            "ordinal" => checks.same(&what, krippendorff_alpha(&ratings, Level::Ordinal), expected),
            "interval" => checks.same(&what, krippendorff_alpha(&ratings, Level::Interval), expected),
            "ratio" => checks.same(&what, krippendorff_alpha(&ratings, Level::Ratio), expected),
            _ => checks.leave_out(format!("{what}: not known")),
        }
    }
    if !case["fleiss_kappa"].is_null() {
        let counts: Vec<Vec<usize>> = items(&case["counts"]).iter().map(places).collect();
        checks.same(&format!("{name}, Fleiss' kappa"), fleiss_kappa(&counts), &case["fleiss_kappa"]);
    }
}

fn spans(name: &str, case: &Value, checks: &mut Checks) {
    let read = |value: &Value| -> Vec<LabelledSpan> {
        let span = |parts: Vec<usize>| match parts[..] {
            [start, end, class] => Some(LabelledSpan { start, end, class }),
            _ => None,
        };
        items(value).iter().filter_map(|item| span(places(item))).collect()
    };
    checks.same(&format!("{name}, F1"), span_f1(&read(&case["one"]), &read(&case["other"])), &case["f1"]);
}

fn boxes(name: &str, case: &Value, checks: &mut Checks) {
    let read = |value: &Value| -> Vec<Rectangle> {
        let rectangle = |parts: Vec<f64>| match parts[..] {
            [x, y, width, height] => Some(Rectangle { x, y, width, height, class: 0 }),
            _ => None,
        };
        rows(value).into_iter().filter_map(rectangle).collect()
    };
    let others = read(&case["other"]);
    for ((at, one), expected) in read(&case["one"]).iter().enumerate().zip(items(&case["iou"])) {
        let got = others.iter().map(|other| iou(one, other)).collect();
        series(&format!("{name}, box {at}"), Some(got), expected, 1e-9, checks);
    }
}

fn crowd(name: &str, case: &Value, checks: &mut Checks) {
    let triples: Vec<Vec<usize>> = items(&case["votes"]).iter().map(places).collect();
    let classes = case["classes"].as_u64().unwrap_or_default() as usize;
    let tasks = triples.iter().filter_map(|vote| vote.first()).max().map_or(0, |last| last + 1);
    let mut votes: Vec<Vec<Vote>> = vec![Vec::new(); tasks];
    for vote in &triples {
        let [task, annotator, class] = vote[..] else { continue };
        votes[task].push(Vote { annotator, class });
    }
    // The fixture lists only tasks that somebody answered.
    votes.retain(|item| !item.is_empty());
    let found = dawid_skene(&votes, classes);
    let mut tables = |key: &str, got: Option<Vec<Vec<f64>>>, tolerance: f64| {
        let expected = items(&case[key]);
        for (at, row) in expected.iter().enumerate() {
            let got = got.as_ref().and_then(|got| got.get(at)).cloned();
            series(&format!("{name}, {key} of task {at}"), got, row, tolerance, checks);
        }
    };
    tables("majority_vote", Some(majority_vote(&votes, classes)), 1e-9);
    tables("dawid_skene", found.as_ref().map(|found| found.probabilities.clone()), EM);
    if !case["priors"].is_null() {
        series(
            &format!("{name}, priors"),
            found.as_ref().map(|found| found.priors.clone()),
            &case["priors"],
            EM,
            checks,
        );
    }
    if !case["rounds"].is_null() {
        checks.equal(&format!("{name}, rounds"), &json!(found.map(|found| found.rounds)), &case["rounds"]);
    }
}

fn least_sure(name: &str, case: &Value, checks: &mut Checks) {
    let probabilities = rows(&case["probabilities"]);
    for (key, expected) in members(case) {
        let by = match key {
            "least_confidence" => Uncertainty::LeastConfidence,
            "margin" => Uncertainty::Margin,
            "entropy" => Uncertainty::Entropy,
            "name" | "probabilities" => continue,
            _ => {
                checks.leave_out(format!("{name}, {key}: not known"));
                continue;
            }
        };
        let got = probabilities.iter().map(|row| uncertainty(row, by)).collect();
        series(&format!("{name}, {key}"), got, expected, 1e-9, checks);
    }
}

fn functions(name: &str, case: &Value, checks: &mut Checks) {
    let votes: Vec<Vec<Option<usize>>> =
        items(&case["votes"]).iter().map(|item| answers(item, |class| class as usize)).collect();
    let summary = function_summary(&votes);
    let of = |part: fn(&flyball_stats::annotation::FunctionSummary) -> f64| {
        summary.as_ref().map(|all| all.iter().map(part).collect::<Vec<f64>>())
    };
    series(&format!("{name}, coverage"), of(|one| one.coverage), &case["coverage"], 1e-9, checks);
    series(&format!("{name}, overlap"), of(|one| one.overlap), &case["overlap"], 1e-9, checks);
    series(&format!("{name}, conflict"), of(|one| one.conflict), &case["conflict"], 1e-9, checks);
    let Some(theirs) = case["accuracy_of_snorkel"].as_f64() else { return };
    let truth = places(&case["truth"]);
    let model = label_model(&votes, case["classes"].as_u64().unwrap_or_default() as usize, None);
    let said: Vec<bool> = model
        .iter()
        .flat_map(|model| model.probabilities.iter().zip(&truth))
        .filter(|(probabilities, _)| !probabilities.is_empty())
        .map(|(probabilities, truth)| most_probable(probabilities) == Some(*truth))
        .collect();
    let ours = said.iter().filter(|right| **right).count() as f64 / said.len().max(1) as f64;
    let what = format!("{name}, right as often as Snorkel's label model ({theirs:.4}), up to {LESS_RIGHT}: {ours:.4}");
    checks.equal(&what, &json!(ours >= theirs - LESS_RIGHT), &json!(true));
}

fn issues(name: &str, case: &Value, checks: &mut Checks) {
    let (labels, probabilities) = (places(&case["labels"]), rows(&case["probabilities"]));
    if !case["confident_joint"].is_null() {
        let joint = confident_joint(&labels, &probabilities).map(|(joint, _)| joint);
        checks.equal(&format!("{name}, confident joint"), &json!(joint), &case["confident_joint"]);
    }
    for (filter, expected) in members(&case["find_label_issues"]) {
        let what = format!("{name}, {filter}");
        let by = match filter {
            "prune_by_noise_rate" => Filter::NoiseRate,
            "prune_by_class" => Filter::Class,
            "both" => Filter::Both,
            "confident_learning" => Filter::ConfidentLearning,
            "predicted_neq_given" => Filter::PredictedIsNotGiven,
            _ => {
                checks.leave_out(format!("{what}: not known"));
                continue;
            }
        };
        let found = label_issues(&labels, &probabilities, by);
        let at = found.map(|found| (0..found.len()).filter(|&at| found[at]).collect::<Vec<_>>());
        checks.equal(&what, &json!(at), expected);
    }
    for (score, expected) in members(&case["get_label_quality_scores"]) {
        let by = match score {
            "self_confidence" => Quality::SelfConfidence,
            "normalized_margin" => Quality::NormalizedMargin,
            "confidence_weighted_entropy" => Quality::ConfidenceWeightedEntropy,
            _ => {
                checks.leave_out(format!("{name}, {score}: not known"));
                continue;
            }
        };
        series(&format!("{name}, {score}"), label_quality(&labels, &probabilities, by), expected, 1e-9, checks);
    }
    if !case["ranked_by_self_confidence"].is_null() {
        let issues = label_issues(&labels, &probabilities, Filter::NoiseRate).unwrap_or_default();
        let quality = label_quality(&labels, &probabilities, Quality::SelfConfidence).unwrap_or_default();
        let what = format!("{name}, ranked by self-confidence");
        checks.equal(&what, &json!(ranked_by_quality(&issues, &quality)), &case["ranked_by_self_confidence"]);
    }
}
