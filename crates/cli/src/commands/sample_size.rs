//! `flyball sample-size`: how many rows a comparison needs. It asks nobody: no project and no server is needed.

use flyball_core::Result;
use flyball_evaluation::sample_size::{Demand, Needed, Question, needed};

use super::Context;
use crate::args::{SampleSizeOptions, SizeOf};
use crate::output::{aligned, print_json};

/// The powers that are told beside the one that is asked for.
const POWERS: [f64; 3] = [0.8, 0.9, 0.95];

pub(crate) fn run(context: &Context, options: &SampleSizeOptions) -> Result<()> {
    let question = question(&options.question);
    let found = needed(question, Demand { alpha: options.alpha, power: options.power })?;
    if context.json {
        return print_json(&found);
    }
    println!("{}\n", sentence(&found));
    let mut rows = vec![["power", "rows", "rows of the second"].map(str::to_owned).to_vec()];
    for power in POWERS {
        let Ok(found) = needed(question, Demand { alpha: options.alpha, power }) else { continue };
        let second = found.second.map_or_else(String::new, |second| second.to_string());
        rows.push(vec![format!("{} %", percent(power)), found.rows.to_string(), second]);
    }
    if found.second.is_none() {
        rows.iter_mut().for_each(|row| row.truncate(2));
    }
    print!("{}", aligned(&rows));
    if let Some(hint) = hint(&question) {
        println!("\n  next: {hint}");
    }
    Ok(())
}

fn question(asked: &SizeOf) -> Question {
    match *asked {
        SizeOf::Proportions { from, to, ratio } => Question::Proportions { from, to, ratio },
        SizeOf::Means { difference, deviation, paired: true, .. } => Question::PairedMeans { difference, deviation },
        SizeOf::Means { difference, deviation, ratio, .. } => Question::Means { difference, deviation, ratio },
        SizeOf::Auc { from, to, prevalence, correlation } => Question::Auc { from, to, prevalence, correlation },
        SizeOf::Mcnemar { better, worse } => Question::Mcnemar { challenger_only: better, champion_only: worse },
        SizeOf::Drift { effect, reference, columns } => Question::Drift { effect, reference, columns },
    }
}

/// What is needed to find what, in one sentence.
fn sentence(found: &Needed) -> String {
    let (rows, second) = (found.rows, found.second.unwrap_or_default());
    let what = match found.question {
        Question::Proportions { from, to, .. } => {
            format!("{rows} rows with a rate of {from} and {second} with a rate of {to} tell the two apart")
        }
        Question::Means { difference, .. } => {
            format!("{rows} rows and {second} others show that their means differ by {difference}")
        }
        Question::PairedMeans { difference, .. } => {
            format!("{rows} rows that both models answer show that the mean differs by {difference}")
        }
        Question::Auc { from, to, prevalence, .. } => {
            let positives = (rows as f64 * prevalence).round();
            format!("{rows} rows for each model, {positives} of them positive, tell an AUC of {from} from one of {to}")
        }
        Question::Mcnemar { challenger_only, champion_only } => format!(
            "{rows} rows that both models answer show that the challenger is right more often, alone in {challenger_only} of \
             them against {champion_only}"
        ),
        Question::Drift { effect, reference, columns } => format!(
            "A window of {rows} rows shows a drift of {effect} in one of {columns} columns against {reference} rows of reference"
        ),
    };
    format!(
        "{what}, in {} % of all cases, with {} % of false alarms where nothing differs.",
        percent(found.power),
        percent(found.alpha)
    )
}

/// A share in per cent, without the digits of its binary form.
fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 1e2
}

/// How to need fewer rows.
fn hint(question: &Question) -> Option<&'static str> {
    match question {
        Question::Auc { correlation, .. } if *correlation <= 0.0 => Some(
            "let both models answer the same rows: their AUCs then correlate, and with --correlation 0.5 about half is enough",
        ),
        Question::Means { .. } => {
            Some("let both models answer the same rows: --paired, with the deviation of the differences, needs fewer")
        }
        Question::Proportions { .. } => {
            Some("where both models answer the same rows, `sample-size mcnemar` needs fewer")
        }
        _ => None,
    }
}
