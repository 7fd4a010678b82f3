//! Detectors of change in a stream: the indexes at which River's fire, and what they hold at the end.

use flyball_stats::stream::{Detector, NAMES, Settings, State};
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::read::{items, numbers};

/// How the names of cases shorten River's names of parameters.
const SHORT: &[(&str, &str)] = &[
    ("thr", "threshold"),
    ("min", "min_instances"),
    ("lambda", "lambda_val"),
    ("window", "window_size"),
    ("window", "sliding_window_size"),
    ("short", "short_window_size"),
    ("stat", "stat_size"),
];

/// Every stream with every detector that has a case for it.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    for (number, stream) in items(&fixture["streams"]).iter().enumerate() {
        let name = stream["name"].as_str().map_or_else(|| format!("stream {number}"), str::to_owned);
        let values = numbers(&stream["values"]);
        for (case, expected) in stream["expected"].as_object().into_iter().flatten() {
            let what = format!("{name}, {case}");
            match detector(case, expected) {
                Some(detector) => compare(&what, detector, &values, expected, checks),
                None => checks.leave_out(format!("{what}: no detector of this name and these parameters")),
            }
        }
    }
}

/// The detector of a case: parameters that the fixture states, else those in the name, as in
/// `page_hinkley_thr10_delta0.1_up`.
fn detector(case: &str, expected: &Value) -> Option<Detector> {
    let case = if case.starts_with("hddma") || case.starts_with("hddmw") {
        format!("hddm_{}", &case[4..])
    } else {
        case.to_owned()
    };
    let name = NAMES.iter().filter(|name| case.starts_with(**name)).max_by_key(|name| name.len())?;
    let mut settings = Settings::named(name)?;
    let stated = ["parameters", "params", "settings", "kwargs"].iter().find_map(|key| expected[key].as_object());
    if let Some(stated) = stated {
        for (parameter, value) in stated {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // Python's None is the default of every parameter that may be absent.
            if !value.is_null() && !settings.set(parameter, &text.to_lowercase()) {
                return None;
            }
        }
        return Detector::new(settings);
    }
    for word in case[name.len()..].split('_').filter(|word| !word.is_empty() && *word != "default") {
        if !set(&mut settings, word) {
            return None;
        }
    }
    Detector::new(settings)
}

/// Sets what a word such as `thr20`, `delta1e-3`, `up` or `two` (sided) says.
fn set(settings: &mut Settings, word: &str) -> bool {
    if matches!(word, "two" | "twosided" | "sided") {
        return settings.set("two_sided_test", "true");
    }
    if settings.set("mode", word) {
        return true;
    }
    let Some(digits) = word.find(|letter: char| letter.is_ascii_digit() || letter == '.') else { return false };
    let (short, value) = word.split_at(digits);
    let mut longer = SHORT.iter().filter(|(known, _)| *known == short).map(|(_, long)| *long);
    settings.set(short, value) || longer.any(|long| settings.set(long, value))
}

fn compare(what: &str, mut detector: Detector, values: &[f64], expected: &Value, checks: &mut Checks) {
    let states: Vec<State> = values.iter().map(|&value| detector.update(value)).collect();
    let indexes = |flag: fn(&State) -> bool| -> Vec<usize> {
        states.iter().enumerate().filter(|(_, state)| flag(state)).map(|(index, _)| index).collect()
    };
    let (drifts, warnings) = (indexes(|state| state.drift), indexes(|state| state.warning));
    for (key, expected) in expected.as_object().into_iter().flatten() {
        let what = format!("{what}, {key}");
        match (key.as_str(), &detector) {
            ("drift_indexes", _) => checks.equal(&what, &json!(drifts), expected),
            ("warning_indexes", _) => checks.equal(&what, &json!(warnings), expected),
            ("first_warning_indexes", _) => {
                let first = &warnings[..items(expected).len().min(warnings.len())];
                checks.equal(&what, &json!(first), expected);
            }
            ("n_drifts", _) => checks.equal(&what, &json!(drifts.len()), expected),
            ("n_warnings", _) => checks.equal(&what, &json!(warnings.len()), expected),
            // River counts the detections since it began anew, which is after every detection.
            ("n_detections", _) => {
                let since = states.last().map_or(0, |state| u8::from(state.drift));
                checks.equal(&what, &json!(since), expected);
            }
            ("final_width", Detector::Adwin(adwin)) => checks.equal(&what, &json!(adwin.width()), expected),
            ("final_total", Detector::Adwin(adwin)) => checks.same(&what, adwin.total(), expected),
            ("final_estimation", Detector::Adwin(adwin)) => checks.same(&what, adwin.mean(), expected),
            ("final_variance", Detector::Adwin(adwin)) => checks.same(&what, adwin.squared_deviations(), expected),
            ("final_p_value", Detector::Kswin(kswin)) => checks.p_value(&what, kswin.p_value(), expected),
            ("parameters" | "params" | "settings" | "kwargs", _) => {}
            _ => checks.leave_out(format!("{what}: not known")),
        }
    }
}
