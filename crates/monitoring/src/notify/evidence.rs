//! The numbers behind an alert, in words: what pages and messages show of its details.

use serde_json::Value;

use crate::alert::AlertKind;

/// How many columns are named.
const COLUMNS: usize = 5;
/// How many other details are shown, and how long each may be.
const OTHERS: usize = 12;
const OTHER_CHARS: usize = 200;

/// What is known of an alert, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Named numbers.
    pub facts: Vec<(String, String)>,
    /// Why it is so, as far as it was found out.
    pub diagnosis: Vec<String>,
    /// What was done already.
    pub done: Vec<String>,
    /// What to do next.
    pub next: Vec<String>,
}

impl Evidence {
    /// Reads the details of an alert. Whoever raised it may have put anything there, and anything is shown.
    pub fn of(kind: AlertKind, details: &Value) -> Self {
        let mut evidence = Self::default();
        let mut others = 0;
        for (key, value) in details.as_object().into_iter().flatten() {
            match key.as_str() {
                "columns" => evidence.facts.extend(columns(value)),
                "measured" => evidence.facts.extend(measured(value)),
                "diagnosis" => evidence.diagnosis.extend(sentences(value)),
                "done" => evidence.done.extend(sentences(value)),
                "next" => evidence.next.extend(sentences(value)),
                _ if value.is_null() => {}
                _ if others < OTHERS => {
                    others += 1;
                    evidence.facts.push((key.replace('_', " "), shown(key, value)));
                }
                _ => {}
            }
        }
        if evidence.next.is_empty() {
            evidence.next.extend(advice(kind).iter().map(|&text| text.to_owned()));
        }
        evidence
    }
}

/// What to do about an alert of a kind when nobody knows better.
pub fn advice(kind: AlertKind) -> &'static [&'static str] {
    match kind {
        AlertKind::Data => &[
            "ask whoever sends these values what changed; a model cannot be better than what it is asked with",
            "do not retrain on broken data: repair the source, then look at the next window",
        ],
        AlertKind::Drift => &[
            "see which columns moved and since when; one that broke at its source is repaired there",
            "see whether the metric fell as well: drift by itself is no reason to retrain",
        ],
        AlertKind::Fairness => &[
            "see on the window's page which groups are concerned, and since when",
            "see whether the groups differ in what they send or in what really happens; decide with who answers for the model",
        ],
        AlertKind::Performance => &[
            "see on which slices it fell and what changed before: a rollout, the data, the world",
            "if a rollout came before, roll it back; otherwise fall back or retrain",
        ],
        AlertKind::Training => {
            &["read the run and the gates that it did not pass", "the version that serves goes on serving meanwhile"]
        }
        AlertKind::Rollout => &[
            "the earlier version has all traffic again; read why before the next attempt",
            "compare both versions on the endpoint's page",
        ],
        AlertKind::Monitor => &[
            "nobody watches until this is repaired: correct the section `monitor` of the loop file, and apply it",
            "the windows that were left out are judged afterwards",
        ],
        AlertKind::Page => &["a rule of the loop file asked for a person: read its condition and decide"],
    }
}

/// The columns that moved most, with effect, p-value and how they were.
fn columns(value: &Value) -> Vec<(String, String)> {
    let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut facts: Vec<(String, String)> = all.iter().take(COLUMNS).map(column).collect();
    if all.len() > COLUMNS {
        facts.push(("further columns".to_owned(), (all.len() - COLUMNS).to_string()));
    }
    facts
}

fn column(column: &Value) -> (String, String) {
    let name = column["column"].as_str().unwrap_or("a column").to_owned();
    let mut parts = Vec::new();
    if let Some(effect) = column["effect"].as_f64() {
        parts.push(format!("{} {effect:.3}", column["effect_name"].as_str().unwrap_or("effect")));
    }
    if let Some(p) = column["adjusted_p"].as_f64().or_else(|| column["p_value"].as_f64()) {
        parts.push(format!("p {p:.2e}"));
    }
    let median = |at: usize| column["quantiles"][at][2].as_f64();
    if let (Some(then), Some(now)) = (median(0), median(1)) {
        parts.push(format!("median {} → {}", number(then), number(now)));
    }
    if let Some((level, then, now)) = level_that_moved(&column["levels"]) {
        parts.push(format!("{level} {:.0} % → {:.0} %", then * 100.0, now * 100.0));
    }
    (name, parts.join(", "))
}

/// The level whose share changed most.
fn level_that_moved(levels: &Value) -> Option<(String, f64, f64)> {
    let levels = levels.as_array()?.iter();
    let read = levels.filter_map(|one| Some((one[0].as_str()?.to_owned(), one[1].as_f64()?, one[2].as_f64()?)));
    read.max_by(|a, b| (a.2 - a.1).abs().total_cmp(&(b.2 - b.1).abs()))
}

fn measured(value: &Value) -> Vec<(String, String)> {
    let Some(point) = value["value"].as_f64() else { return Vec::new() };
    let interval = match (value["low"].as_f64(), value["high"].as_f64()) {
        (Some(low), Some(high)) => format!(" ({} to {})", number(low), number(high)),
        _ => String::new(),
    };
    let rows = value["rows"].as_u64().map(|rows| format!(" on {rows} rows")).unwrap_or_default();
    vec![("measured".to_owned(), format!("{}{interval}{rows}", number(point)))]
}

/// A text, the texts of a list, or `name: text` of a map.
fn sentences(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![clipped(text)],
        Value::Array(items) => items.iter().take(OTHERS).flat_map(sentences).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .take(OTHERS)
            .map(|(key, value)| clipped(&format!("{}: {}", key.replace('_', " "), shown(key, value))))
            .collect(),
        other => vec![other.to_string()],
    }
}

fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) => clipped(text),
        // Moments are kept as milliseconds.
        Value::Number(at) if matches!(key, "from" | "to" | "at" | "since") => {
            at.as_i64().map_or_else(|| at.to_string(), |at| flyball_core::Timestamp(at).to_string())
        }
        Value::Number(value) => value.as_f64().map_or_else(|| value.to_string(), number),
        other => clipped(&other.to_string()),
    }
}

fn number(value: f64) -> String {
    let text = if value == 0.0 || (0.001..1e9).contains(&value.abs()) {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    };
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn clipped(text: &str) -> String {
    let mut kept: String = text.chars().take(OTHER_CHARS).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn details_become_sentences() {
        let details = json!({
            "from": 0, "to": 86_400_000, "rows": 1200,
            "columns": [
                { "column": "wind", "effect": 0.25, "effect_name": "D", "adjusted_p": 1e-9,
                  "quantiles": [[0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 5.5, 6.0, 7.0]] },
                { "column": "origin", "effect": 0.1, "effect_name": "TV", "p_value": 0.001,
                  "levels": [["EWR", 0.3, 0.31], ["JFK", 0.3, 0.1]] },
            ],
            "measured": { "value": 0.61, "low": 0.58, "high": 0.64, "rows": 900 },
            "diagnosis": { "cause": "unit change", "column": "wind" },
            "done": ["retraining began"],
            "slices": [{ "carrier": "UA" }],
        });
        let evidence = Evidence::of(AlertKind::Drift, &details);
        let fact = |name: &str| evidence.facts.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(fact("from"), Some("1970-01-01T00:00:00Z"));
        assert_eq!(fact("rows"), Some("1200"));
        assert_eq!(fact("wind"), Some("D 0.250, p 1.00e-9, median 2 → 5.5"));
        assert_eq!(fact("origin"), Some("TV 0.100, p 1.00e-3, JFK 30 % → 10 %"));
        assert_eq!(fact("measured"), Some("0.61 (0.58 to 0.64) on 900 rows"));
        assert_eq!(fact("slices"), Some(r#"[{"carrier":"UA"}]"#));
        assert_eq!(evidence.diagnosis, ["cause: unit change", "column: wind"]);
        assert_eq!((evidence.done.len(), evidence.next.len()), (1, advice(AlertKind::Drift).len()));
    }

    #[test]
    fn anything_may_stand_in_details() {
        for details in [json!(null), json!([1]), json!("x"), json!({ "columns": 3, "measured": "x", "next": 5 })] {
            let evidence = Evidence::of(AlertKind::Page, &details);
            assert!(!evidence.next.is_empty());
        }
        let long = json!({ "note": "é".repeat(5000) });
        assert!(Evidence::of(AlertKind::Page, &long).facts[0].1.chars().count() <= OTHER_CHARS + 1);
    }
}
