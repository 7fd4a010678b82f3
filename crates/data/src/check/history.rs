//! The rules that look at earlier versions of the dataset.

use super::figures::shown;
use super::pass::Found;
use super::rule::Figure;
use crate::profile::TableProfile;

/// With fewer earlier versions nothing is known of how a figure varies.
const FEWEST_VERSIONS: usize = 3;

/// Whether the rows became so many more or fewer.
pub(super) fn row_count_change(rows: usize, history: &[TableProfile], min: Option<f64>, max: Option<f64>) -> Found {
    let Some(before) = history.last() else {
        return Found::Whole(true, "there is no earlier version to compare with".into());
    };
    if before.rows == 0 {
        return Found::Whole(
            min.is_none_or(|min| rows == 0 && min <= 0.0 || rows > 0),
            "the version before has no rows".into(),
        );
    }
    let change = rows as f64 / before.rows as f64 - 1.0;
    let holds = min.is_none_or(|min| change >= min) && max.is_none_or(|max| change <= max);
    Found::Whole(holds, format!("{rows} rows after {}: {:+.1}%", before.rows, change * 100.0))
}

/// Whether a figure is as earlier versions had it.
pub(super) fn anomaly(
    now: Option<f64>,
    of: Figure,
    column: Option<&str>,
    history: &[TableProfile],
    deviations: Option<f64>,
    change: Option<f64>,
) -> Found {
    let earlier: Vec<f64> = history.iter().filter_map(|profile| past(profile, of, column)).collect();
    let Some(now) = now else { return Found::Whole(false, "the column has no values".into()) };
    let Some(&before) = earlier.last() else {
        return Found::Whole(true, format!("it is {}; there is no earlier version to compare with", shown(now)));
    };
    let mut said = vec![format!("it is {}", shown(now))];
    let mut holds = true;
    if let Some(most) = change {
        let by =
            if before == 0.0 { if now == 0.0 { 0.0 } else { f64::INFINITY } } else { (now - before) / before.abs() };
        holds &= by.abs() <= most;
        said.push(format!("{:+.1}% against the version before", by * 100.0));
    }
    if let Some(most) = deviations {
        if earlier.len() < FEWEST_VERSIONS {
            said.push(format!("{FEWEST_VERSIONS} earlier versions are needed to know how it varies"));
        } else {
            let count = earlier.len() as f64;
            let mean = earlier.iter().sum::<f64>() / count;
            let deviation = (earlier.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
            // What never varied may still be rounded in another way.
            let slack = mean.abs() * 1e-9;
            holds &= (now - mean).abs() <= most * deviation + slack;
            said.push(format!("{} earlier versions have {} ± {}", earlier.len(), shown(mean), shown(deviation)));
        }
    }
    Found::Whole(holds, said.join("; "))
}

/// The figure of an earlier version; `None` when it has none.
fn past(profile: &TableProfile, of: Figure, column: Option<&str>) -> Option<f64> {
    let column = column.and_then(|name| profile.columns.iter().find(|column| column.name == name));
    let numbers = column.and_then(|column| column.numbers.as_ref());
    match of {
        Figure::RowCount => Some(profile.rows as f64),
        Figure::NullRate => column.filter(|_| profile.rows > 0).map(|c| c.missing as f64 / profile.rows as f64),
        Figure::DistinctCount => column.map(|column| column.distinct as f64),
        Figure::Min => numbers.map(|numbers| numbers.min),
        Figure::Max => numbers.map(|numbers| numbers.max),
        Figure::Mean => numbers.map(|numbers| numbers.mean),
        Figure::Stdev => numbers.map(|numbers| numbers.std),
    }
}
