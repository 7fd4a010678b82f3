//! How alike groups are treated, for people: the rates of each group with what they rest on, and how far they are apart.

use flyball_evaluation::fairness::{
    AttributeFairness, FairnessReport, GroupFairness, GroupGap, GroupThreshold, GroupValue, MEASURES, Mitigation,
    PerGroupThresholds,
};
use flyball_web::{Fact, Folded, Grid, Panel, format};

/// The values that are looked at first; the others are folded away.
const SHOWN: [&str; 7] = ["selection_rate", "tpr", "fpr", "precision", "mean_prediction", "mean_error", "rmse"];
/// The values whose gap between groups is told.
const GAPS: [&str; 5] = ["selection_rate", "tpr", "fpr", "mean_prediction", "rmse"];

/// The panels of a report: for each attribute its groups, and the measures over them.
pub(crate) fn panels(report: &FairnessReport) -> Vec<Panel> {
    let mut panels = Vec::new();
    for attribute in &report.attributes {
        panels.push(groups(attribute));
        panels.extend(measures(attribute));
    }
    panels
}

fn groups(attribute: &AttributeFairness) -> Panel {
    let known = attribute.overall.keys().map(String::as_str);
    let (first, others): (Vec<&str>, Vec<&str>) = known.partition(|name| SHOWN.contains(name));
    let gap = |name: &&str| attribute.gaps.get(*name).map(|gap| apart(name, gap));
    let folded = Folded { title: "All rates".to_owned(), grid: table(attribute, &others) };
    Panel {
        title: format!("Groups of {}", attribute.columns.join(", ")),
        text: attribute.warnings.iter().map(|warning| sentence(warning)).collect::<Vec<_>>().join(" "),
        facts: GAPS.iter().filter_map(gap).collect(),
        grid: table(attribute, &first),
        folded: (!others.is_empty()).then_some(folded),
    }
}

/// A group each row, a rate each column.
fn table(attribute: &AttributeFairness, names: &[&str]) -> Grid {
    let row = |group: &GroupFairness| {
        let own = [group.group.clone(), format::count(group.rows as u64)];
        own.into_iter().chain(names.iter().map(|name| cell(group.values.get(*name)))).collect()
    };
    let head = ["Group", "Rows"].into_iter().map(str::to_owned);
    Grid {
        head: head.chain(names.iter().map(|name| format::name(name))).collect(),
        rows: attribute.groups.iter().map(row).collect(),
    }
}

/// A value with its interval; what has no denominator is undefined, not zero.
fn cell(value: Option<&GroupValue>) -> String {
    let found = value.and_then(|own| Some((own.value?, own)));
    found.map_or_else(|| format::UNDEFINED.to_owned(), |(value, own)| format::interval(value, own.low, own.high))
}

/// How far groups are apart in one value.
fn apart(name: &str, gap: &GroupGap) -> Fact {
    let ratio = gap.ratio.map_or_else(
        || format!("{} apart", format::short(gap.difference)),
        |ratio| format!("{} of the highest", format::percent(ratio)),
    );
    Fact::new(format!("lowest {}", format::name(name)), format!("{ratio} ({} against {})", gap.lowest, gap.highest))
}

/// The measures over all compared groups, each with what it says.
fn measures(attribute: &AttributeFairness) -> Option<Panel> {
    let row = |(name, about, _): &(&str, &str, _)| {
        let value = attribute.measures.get(*name)?;
        let told = value.map_or_else(|| format::UNDEFINED.to_owned(), format::metric);
        Some(vec![name.replace('_', " "), told, (*about).to_owned()])
    };
    let rows: Vec<Vec<String>> = MEASURES.iter().filter_map(row).collect();
    let compared = attribute.groups.iter().filter(|group| group.compared).count();
    (!rows.is_empty() && compared > 1).then(|| Panel {
        title: format!("Fairness by {}", attribute.columns.join(", ")),
        text: "A difference of 0 and a ratio of 1 are perfectly alike; gates and windows know these names.".to_owned(),
        grid: Grid::new(&["Measure", "Value", "What it says"], rows),
        ..Panel::default()
    })
}

/// What would make decisions more alike: a threshold for each group, and weights in the training.
pub(crate) fn mitigation(found: &Mitigation) -> Panel {
    let columns = found.columns.join(", ");
    let difference = |value: Option<f64>| value.map_or_else(|| format::UNDEFINED.to_owned(), format::short);
    let base_rates = found.base_rate_difference.map_or_else(String::new, |apart| {
        format!(
            " The groups differ by {} in how often the outcome is positive: `fairness: {{ reweigh: [{columns}] }}` below \
             `train` learns as if they did not.",
            format::short(apart)
        )
    });
    let text = format!(
        "One threshold for each group brings them within {}, found on these rows: look at the same on others before it is \
         used, and at whether the law allows it.{base_rates}",
        format::short(found.tolerance)
    );
    let fact = |one: &PerGroupThresholds| {
        let (before, after) = (one.before, one.after);
        let said = format!(
            "{} apart becomes {}, accuracy {} becomes {}",
            difference(before.difference),
            difference(after.difference),
            format::short(before.accuracy),
            format::short(after.accuracy)
        );
        Fact::new(one.alike.replace('_', " "), said)
    };
    let row = |one: &PerGroupThresholds, group: &GroupThreshold| {
        let threshold = group.threshold.map_or_else(|| "nobody".to_owned(), format::short);
        let rates = group.before.iter().zip(&group.after);
        let rates = rates.map(|(before, after)| format!("{} → {}", difference(*before), difference(*after)));
        let own = [one.alike.replace('_', " "), group.group.clone(), format::count(group.rows as u64), threshold];
        own.into_iter().chain(rates).collect()
    };
    let rows = found.thresholds.iter().flat_map(|one| one.groups.iter().map(move |group| row(one, group)));
    let names = ["selection_rate", "tpr", "fpr"].map(format::name);
    let head = ["Alike in", "Group", "Rows", "Threshold"].map(str::to_owned).into_iter().chain(names).collect();
    Panel {
        title: format!("What would make {columns} more alike"),
        text,
        facts: found.thresholds.iter().map(fact).collect(),
        grid: Grid { head, rows: rows.collect() },
        ..Panel::default()
    }
}

/// A warning as a sentence of its own.
fn sentence(warning: &str) -> String {
    let mut letters = warning.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    // The names of groups stay as they are written.
    let known = ["fewer", "the", "there", "no"].iter().any(|word| warning.starts_with(&format!("{word} ")));
    if known { format!("{first}{}.", letters.as_str()) } else { format!("{warning}.") }
}
