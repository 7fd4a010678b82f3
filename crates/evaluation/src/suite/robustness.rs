//! Whether small or hostile changes of the rows break the answers.

use flyball_core::rng::Rng;
use flyball_core::{Column, FeatureKind, Result, Table};
use flyball_stats::interval::wilson;
use serde_json::{Value as Json, json};

use super::answers::{Answers, deviation};
use super::bench::{Bench, Finding, ask};
use super::expectations::{self, Expected};
use super::integrity::SHOWN;
use super::perturb::{gaps, map, normal, retext, sample, typo, with};
use crate::measure::CONFIDENCE;

/// Rows that are changed and asked again: the share of decisions that turn is then known to two percent.
const ROWS: usize = 2_000;
/// Rows that each single feature is changed in.
const FEATURE_ROWS: usize = 200;
/// Features that are changed one by one at most.
const FEATURES: usize = 100;
/// Standard deviations of the noise; the check is held at a tenth.
const NOISE: [f64; 4] = [0.01, 0.05, 0.1, 0.2];
/// The noise that the check is held at.
const JUDGED_NOISE: f64 = 0.1;
/// Shares of values that go missing; the check is held at a tenth.
const GAPS: [f64; 4] = [0.01, 0.05, 0.1, 0.25];
/// The share of missing values that the check is held at.
const JUDGED_GAPS: f64 = 0.1;
/// What a number is multiplied with when its unit is mistaken.
const UNITS: [f64; 6] = [10.0, 100.0, 1000.0, 0.1, 0.01, 0.001];
/// A category that no model has learned.
const UNSEEN: &str = "flyball-unseen-category";
/// Free text has more distinct values than this part of its rows, and spaces; a code with a typing error is unseen.
const FREE_TEXT: f64 = 0.2;

const NO_MODEL: &str = "there is no model, or it has no rows to answer";

/// Some rows, and the answers to them as they are.
struct Before<'b> {
    bench: &'b Bench<'b>,
    model: &'b dyn flyball_core::model::Model,
    rows: Table,
    answers: Answers,
}

impl<'b> Before<'b> {
    fn of(bench: &'b Bench<'b>, most: usize, check: &str) -> Result<Option<Self>> {
        let Some(model) = bench.case.model.filter(|_| bench.answers.is_some()) else { return Ok(None) };
        let rows = sample(&bench.rows, most, &mut bench.rng(check));
        let answers = bench.answers_of(model, &rows)?;
        Ok(Some(Self { bench, model, rows, answers }))
    }

    fn asked(&self, rows: &Table) -> Result<Answers> {
        self.bench.answers_of(self.model, rows)
    }

    /// How many decisions turn, and a line of evidence with the metric before and after.
    fn turned(&self, rows: &Table, what: Json) -> Result<(usize, Json)> {
        let after = self.asked(rows)?;
        let flips = self.answers.flips(&after).into_iter().filter(|turned| *turned).count();
        let interval = wilson(flips as f64, self.rows.rows() as f64, CONFIDENCE);
        let (was, is) = (self.answers.quality(None), after.quality(None));
        let metric = was.map(|was| was.metric);
        let drop = was.zip(is).map(|(was, is)| (was.value - is.value).abs());
        let line = json!({ "change": what, "flips": flips, "rows": self.rows.rows(),
            "flip_rate": flips as f64 / self.rows.rows().max(1) as f64,
            "low": interval.map(|i| i.low), "high": interval.map(|i| i.high),
            "metric": metric, "before": was.map(|q| q.value), "after": is.map(|q| q.value),
            "after_low": is.and_then(|q| q.interval).map(|i| i.low),
            "after_high": is.and_then(|q| q.interval).map(|i| i.high), "moved_by": drop });
        Ok((flips, line))
    }
}

pub(super) fn noise(bench: &Bench<'_>) -> Result<Finding> {
    let Some(before) = Before::of(bench, ROWS, "noise")? else { return Ok(Finding::missing(NO_MODEL)) };
    let mut spreads: Vec<(&str, f64)> = Vec::new();
    for name in bench.features_of(FeatureKind::Number) {
        let spread = deviation(&bench.rows.column(name)?.numbers()).filter(|spread| *spread > 0.0);
        spreads.extend(spread.map(|spread| (name, spread)));
    }
    if spreads.is_empty() {
        return Ok(Finding::missing("no number among the features varies"));
    }
    let (mut rng, mut lines, mut judged) = (bench.rng("noise_values"), Vec::new(), 0);
    for scale in NOISE {
        let mut every = before.rows.clone();
        for (name, spread) in &spreads {
            let noisy = map(every.column(name)?, |_, value| value + scale * spread * normal(&mut rng));
            every = with(&every, name, noisy)?;
        }
        let (flips, line) = before.turned(&every, json!({ "numbers": "all", "deviations": scale }))?;
        lines.push(line);
        if scale == JUDGED_NOISE {
            judged = flips;
        }
        let single = one_number(&before.rows, &spreads, scale, &mut rng)?;
        lines.push(before.turned(&single, json!({ "numbers": "one", "deviations": scale }))?.1);
    }
    let rows = before.rows.rows();
    let text = format!("{judged} of {rows} decisions turn when every number shifts by {JUDGED_NOISE} deviations");
    Ok(Finding::share(judged, rows, text).because(json!({ "levels": lines })))
}

/// Rows with noise in one number each.
fn one_number(rows: &Table, spreads: &[(&str, f64)], scale: f64, rng: &mut Rng) -> Result<Table> {
    let chosen: Vec<usize> = (0..rows.rows()).map(|_| rng.below(spreads.len())).collect();
    let mut out = rows.clone();
    for (place, (name, spread)) in spreads.iter().enumerate() {
        let noisy =
            map(
                rows.column(name)?,
                |row, value| {
                    if chosen[row] == place { value + scale * spread * normal(rng) } else { value }
                },
            );
        out = with(&out, name, noisy)?;
    }
    Ok(out)
}

pub(super) fn missing_values(bench: &Bench<'_>) -> Result<Finding> {
    let Some(before) = Before::of(bench, ROWS, "missing_values")? else { return Ok(Finding::missing(NO_MODEL)) };
    let (mut rng, mut lines, mut judged) = (bench.rng("missing_places"), Vec::new(), 0);
    for share in GAPS {
        let mut rows = before.rows.clone();
        for name in &bench.features {
            let column = gaps(rows.column(name)?, || rng.unit() < share);
            rows = with(&rows, name, column)?;
        }
        let (flips, line) = before.turned(&rows, json!({ "missing": share }))?;
        lines.push(line);
        if share == JUDGED_GAPS {
            judged = flips;
        }
    }
    let rows = before.rows.rows();
    let text = format!("{judged} of {rows} decisions turn when {} % of the values are missing", JUDGED_GAPS * 100.0);
    Ok(Finding::share(judged, rows, text).because(json!({ "levels": lines })))
}

/// Changes one feature after another and counts rows that get no finite answer, and decisions that turn.
fn one_by_one(
    bench: &Bench<'_>,
    check: &str,
    names: &[&str],
    changes: &dyn Fn(&Column) -> Vec<(String, Column)>,
) -> Result<Finding> {
    let Some(before) = Before::of(bench, FEATURE_ROWS, check)? else { return Ok(Finding::missing(NO_MODEL)) };
    let (mut failed, mut asked, mut lines) = (0usize, 0usize, Vec::new());
    for name in names.iter().take(FEATURES) {
        for (change, column) in changes(before.rows.column(name)?) {
            if !bench.has_time() {
                break;
            }
            let rows = with(&before.rows, name, column)?;
            asked += rows.rows();
            let (broken, turned, error) = match ask(before.model, &rows) {
                Err(error) if error.code().status() >= 500 && asked == 0 => return Err(error),
                Err(error) => (rows.rows(), rows.rows(), Some(error.to_string())),
                Ok(predictions) => {
                    let after = Answers::new(before.model.signature(), predictions, None);
                    let broken =
                        (0..after.rows()).filter(|row| !after.is_finite(*row) && before.answers.is_finite(*row));
                    let turned = before.answers.flips(&after).into_iter().filter(|turned| *turned).count();
                    (broken.count(), turned, None)
                }
            };
            failed += broken;
            let share = |part: usize| part as f64 / rows.rows().max(1) as f64;
            lines.push((
                broken,
                turned,
                json!({ "feature": name, "change": change, "without_answer": share(broken),
                "flip_rate": share(turned), "error": error }),
            ));
        }
    }
    if asked == 0 {
        return Ok(Finding::missing("no feature can be changed so"));
    }
    lines.sort_by_key(|line| std::cmp::Reverse((line.0, line.1)));
    let text = match lines.first() {
        Some((0, _, line)) => format!(
            "every row is answered; {} turns most decisions ({:.0} %) when {}",
            line["feature"],
            line["flip_rate"].as_f64().unwrap_or_default() * 100.0,
            line["change"].as_str().unwrap_or_default()
        ),
        Some((_, _, line)) => format!(
            "{failed} of {asked} rows get no answer, most where {} is {}",
            line["feature"],
            line["change"].as_str().unwrap_or_default()
        ),
        None => String::new(),
    };
    let shown: Vec<Json> = lines.into_iter().take(SHOWN).map(|(_, _, line)| line).collect();
    Ok(Finding::of(failed as f64 / asked as f64, text).because(json!({ "worst": shown })))
}

pub(super) fn unseen_categories(bench: &Bench<'_>) -> Result<Finding> {
    let names = bench.features_of(FeatureKind::Text);
    let unseen = |column: &Column| {
        let longest = "ß\u{200f}'\"<&>".repeat(100);
        [("an unseen category", UNSEEN), ("an empty text", ""), ("a long text of signs", longest.as_str())]
            .map(|(what, text)| (what.to_owned(), retext(column, |_| text.to_owned())))
            .to_vec()
    };
    one_by_one(bench, "unseen_categories", &names, &unseen)
}

pub(super) fn extremes(bench: &Bench<'_>) -> Result<Finding> {
    let names = bench.features_of(FeatureKind::Number);
    let extreme = |column: &Column| {
        let known: Vec<f64> = column.numbers().into_iter().filter(|value| value.is_finite()).collect();
        let least = known.iter().copied().fold(f64::INFINITY, f64::min);
        let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let span = if most > least { most - least } else { most.abs().max(1.0) };
        // Single precision ends at 3.4e38; a graph that computes in it turns more into infinity.
        let values = [
            ("zero", 0.0),
            ("far below its range", least - 10.0 * span),
            ("far above its range", most + 10.0 * span),
            ("1e30", 1e30),
            ("-1e30", -1e30),
            ("missing", f64::NAN),
        ];
        values.map(|(what, value)| (what.to_owned(), map(column, |_, _| value))).to_vec()
    };
    one_by_one(bench, "extremes", &names, &extreme)
}

pub(super) fn unit_errors(bench: &Bench<'_>) -> Result<Finding> {
    let names = bench.features_of(FeatureKind::Number);
    let units = |column: &Column| {
        UNITS.map(|factor| (format!("multiplied by {factor}"), map(column, |_, value| value * factor))).to_vec()
    };
    one_by_one(bench, "unit_errors", &names, &units)
}

pub(super) fn text_perturbation(bench: &Bench<'_>) -> Result<Finding> {
    let Some(before) = Before::of(bench, ROWS, "text_perturbation")? else { return Ok(Finding::missing(NO_MODEL)) };
    let mut rng = bench.rng("typing");
    let (mut rows, mut names) = (before.rows.clone(), Vec::new());
    for name in bench.features_of(FeatureKind::Text) {
        let Column::Text(texts) = bench.rows.column(name)? else { continue };
        let spaced = texts.levels.iter().filter(|level| level.contains(' ')).count();
        let free = texts.levels.len() as f64 > FREE_TEXT * texts.codes.len() as f64 && 2 * spaced > texts.levels.len();
        if free {
            rows = with(&rows, name, retext(before.rows.column(name)?, |text| typo(text, &mut rng)))?;
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(Finding::missing("no feature is free text"));
    }
    let (flips, line) = before.turned(&rows, json!({ "typing_error_in": names }))?;
    let text = format!("{flips} of {} decisions turn with a typing error", before.rows.rows());
    Ok(Finding::share(flips, before.rows.rows(), text).because(json!({ "levels": [line] })))
}

/// Holds the answers to the expectations of a kind.
fn expected(bench: &Bench<'_>, check: &str, kinds: &[Expected]) -> Result<Finding> {
    let wanted: Vec<_> = bench.suite.expectations.iter().filter(|own| kinds.contains(&own.expect)).collect();
    if wanted.is_empty() {
        return Ok(Finding::missing("no expectation of this kind is declared"));
    }
    let Some(before) = Before::of(bench, ROWS, check)? else { return Ok(Finding::missing(NO_MODEL)) };
    let (mut worst, mut lines): (Option<Finding>, Vec<Json>) = (None, Vec::new());
    for expectation in wanted {
        let (against, asked) =
            expectations::violations(expectation, &before.rows, &before.answers, &|rows| before.asked(rows))?;
        let share = against as f64 / asked.max(1) as f64;
        lines.push(json!({ "expectation": expectation, "against": against, "asked": asked, "share": share }));
        let text = format!("{against} of {asked} answers are against the expectation for '{}'", expectation.column);
        if worst.as_ref().and_then(|finding| finding.value).is_none_or(|most| share > most) {
            worst = Some(Finding::share(against, asked, text));
        }
    }
    let worst = worst.unwrap_or_else(|| Finding::missing("there are no rows"));
    Ok(worst.because(json!({ "expectations": lines })))
}

pub(super) fn invariance(bench: &Bench<'_>) -> Result<Finding> {
    expected(bench, "invariance", &[Expected::Same])
}

pub(super) fn direction(bench: &Bench<'_>) -> Result<Finding> {
    expected(bench, "direction", &[Expected::Higher, Expected::Lower])
}

pub(super) fn monotonic(bench: &Bench<'_>) -> Result<Finding> {
    expected(bench, "monotonic", &[Expected::Rising, Expected::Falling])
}
