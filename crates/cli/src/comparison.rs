//! The table at the end of a simulation: what each policy came to, month by month.

use flyball_core::Task;
use flyball_loops::file::LoopFile;
use flyball_loops::outcome::PolicyOutcome;
use flyball_loops::simulate::Progress;

use crate::output::aligned;
use crate::story::grouped;

/// The comparison as text with aligned columns.
pub(crate) fn render(progress: &Progress, file: &LoopFile) -> String {
    let (first, second) = match file.task {
        Task::Classification => ("auc", "log_loss"),
        Task::Regression => ("rmse", "mae"),
    };
    let names: Vec<String> = progress.policies.iter().map(|policy| title(policy, &progress.policies)).collect();
    let mut rows: Vec<Vec<String>> = vec![
        std::iter::once("month".to_owned())
            .chain(names.iter().map(|name| format!("{name} {first}")))
            .chain(names.iter().map(|name| format!("{name} {second}")))
            .collect(),
    ];
    let months = progress.policies.first().map_or(0, |policy| policy.months.len());
    for position in 0..months {
        let mut row = vec![progress.policies[0].months[position].month.clone()];
        for metric in [first, second] {
            for policy in &progress.policies {
                row.push(
                    policy
                        .months
                        .get(position)
                        .and_then(|m| m.metrics.get(metric))
                        .map_or("–".into(), |m| format!("{:.3}", m.value)),
                );
            }
        }
        rows.push(row);
    }
    let mut mean = vec!["mean".to_owned()];
    for metric in [first, second] {
        mean.extend(
            progress.policies.iter().map(|policy| mean_of(policy, metric).map_or("–".into(), |x| format!("{x:.3}"))),
        );
    }
    rows.push(mean);
    let mut text = aligned(&rows);
    text.push('\n');
    let mut summary: Vec<Vec<String>> = vec![std::iter::once(String::new()).chain(names).collect()];
    let mut line = |name: &str, value: &dyn Fn(&PolicyOutcome) -> String| {
        summary.push(std::iter::once(name.to_owned()).chain(progress.policies.iter().map(value)).collect());
    };
    line("windows with drift", &|p| format!("{} of {}", p.drifted_windows, p.windows));
    line("alerts", &|p| p.alerts.to_string());
    line("retrainings", &|p| p.retrainings.to_string());
    line("promotions", &|p| p.promotions.to_string());
    line("rollbacks", &|p| p.rollbacks.to_string());
    if progress.policies.iter().any(|policy| policy.cost.is_some()) {
        let currency = file.costs.as_ref().and_then(|costs| costs.currency.as_deref());
        let title = currency.map_or("cost".to_owned(), |currency| format!("cost in {currency}"));
        line(&title, &|p| p.cost.map_or("–".into(), |cost| grouped(cost.round() as u64)));
    }
    text.push_str(&aligned(&summary));
    text
}

/// `loop`, `never` or `monthly`: what tells the policies apart.
fn title(policy: &PolicyOutcome, all: &[PolicyOutcome]) -> String {
    let main = all.first().map_or("", |first| first.name.as_str());
    match policy.name.strip_prefix(main).map(|rest| rest.trim_start_matches('.')) {
        Some("") => "loop".to_owned(),
        Some(rest) => rest.to_owned(),
        None => policy.name.clone(),
    }
}

/// The mean of a monthly metric, each month alike.
fn mean_of(policy: &PolicyOutcome, metric: &str) -> Option<f64> {
    let values: Vec<f64> = policy.months.iter().filter_map(|m| m.metrics.get(metric)).map(|m| m.value).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
