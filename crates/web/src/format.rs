//! How values look: numbers, shares, times. What cannot be shown as a number (NaN, missing) is an en dash.

use flyball_core::Timestamp;

/// What stands for a value that is not there.
pub const MISSING: &str = "–";

/// What stands for a value whose denominator is empty: it is not zero, and not unknown either.
pub const UNDEFINED: &str = "undefined";

/// Smaller p-values are not told apart: nobody decides otherwise, and what computes them is less exact.
const LEAST_P: f64 = 1e-16;

/// A metric: four decimals below ten, else four significant digits or whole with thin separators.
pub fn metric(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.1e}").replace('-', "−");
    }
    let text = match size {
        size if size < 10.0 => format!("{value:.4}"),
        size if size < 100.0 => format!("{value:.2}"),
        size if size < 1000.0 => format!("{value:.1}"),
        _ => grouped(&format!("{size:.0}"), value < 0.0),
    };
    signed(text)
}

/// A number without the zeros that say nothing: `0.1`, `200`, `1,250.5`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let size = value.abs();
    if size >= 1e15 || (f64::MIN_POSITIVE..1e-4).contains(&size) {
        return format!("{value:.1e}").replace('-', "−");
    }
    let digits = if size < 1.0 {
        4
    } else if size < 1000.0 {
        3
    } else {
        1
    };
    let text = format!("{size:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let mut shown = grouped(whole, value < 0.0);
    if !rest.is_empty() {
        shown.push('.');
        shown.push_str(rest);
    }
    signed(shown)
}

/// A number to be looked at, not reckoned with: four significant digits (`24.08`, `853.3`, `1,244`, `0.2775`).
pub fn short(value: f64) -> String {
    // What an exact sum or a histogram leaves of a zero is a zero.
    if !value.is_finite() || value.abs() < f64::MIN_POSITIVE {
        return number(value);
    }
    let places = 3 - value.abs().log10().floor() as i32;
    if places <= 0 { number(value.round()) } else { number(rounded(value, places.min(6))) }
}

fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    (value * scale).round() / scale
}

/// A p-value: four decimals, powers of ten below, and a bound where it is next to nothing.
pub fn p_value(value: f64) -> String {
    if value < LEAST_P { "< 1e−16".to_owned() } else { metric(value) }
}

/// A value with the ends of its interval: `0.7068 (0.6845 to 0.7282)`.
pub fn interval(value: f64, low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} ({} to {})", metric(value), metric(low), metric(high)),
        _ => metric(value),
    }
}

/// The name of a metric or rate as people say it: `auc` is AUC, `tpr` the true positive rate, `log_loss` the log loss.
pub fn name(name: &str) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| name.replace('_', " "), |(_, said)| (*said).to_owned())
}

/// Metrics that are not called as they are written.
const NAMES: &[(&str, &str)] = &[
    ("auc", "AUC"),
    ("brier", "Brier score"),
    ("ece", "calibration error (ECE)"),
    ("f0_5", "F0.5"),
    ("f1", "F1"),
    ("f1_macro", "F1, macro"),
    ("f1_weighted", "F1, weighted"),
    ("f2", "F2"),
    ("fdr", "false discovery rate"),
    ("fnr", "false negative rate"),
    ("for", "false omission rate"),
    ("fpr", "false positive rate"),
    ("ks", "Kolmogorov–Smirnov"),
    ("lift_5", "lift in the top 5 %"),
    ("lift_10", "lift in the top 10 %"),
    ("lift_20", "lift in the top 20 %"),
    ("lift_50", "lift in the top 50 %"),
    ("mae", "mean absolute error"),
    ("mape", "mean absolute percentage error"),
    ("mcc", "Matthews correlation (MCC)"),
    ("mce", "largest calibration error (MCE)"),
    ("mse", "mean squared error"),
    ("npv", "negative predictive value"),
    ("r2", "R²"),
    ("rmse", "root mean squared error (RMSE)"),
    ("tnr", "true negative rate"),
    ("tpr", "true positive rate"),
];

/// A signed amount: `+0.1234`, `−0.0500`.
pub fn delta(value: f64) -> String {
    if value > 0.0 { format!("+{}", metric(value)) } else { metric(value) }
}

/// How many: `336,776`.
pub fn count(value: u64) -> String {
    grouped(&value.to_string(), false)
}

/// A share of one as per cent: `97.2 %`.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return not_finite(share);
    }
    let value = share * 100.0;
    let digits = if value == value.trunc() { 0 } else { 1 };
    signed(format!("{value:.digits$} %"))
}

/// Milliseconds as a person reads them: `0.8 ms`, `250 ms`, `4.2 s`, `3 m 20 s`, `2 h 5 m`, `3 d`.
pub fn duration_ms(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let seconds = (value / 1000.0).abs();
    let whole = seconds as u64;
    match seconds {
        s if s < 0.01 => format!("{} ms", number(value)),
        s if s < 1.0 => format!("{value:.0} ms"),
        s if s < 60.0 => format!("{} s", number((value / 100.0).round() / 10.0)),
        s if s < 3600.0 => pair(whole, 60, "m", 1, "s"),
        s if s < 86_400.0 => pair(whole, 3600, "h", 60, "m"),
        _ => pair(whole, 86_400, "d", 3600, "h"),
    }
}

fn pair(seconds: u64, large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    let rest = seconds % large / small;
    let whole = count(seconds / large);
    if rest == 0 { format!("{whole} {large_unit}") } else { format!("{whole} {large_unit} {rest} {small_unit}") }
}

/// Bytes with binary units: `512 B`, `1.5 MiB`.
pub fn bytes(value: u64) -> String {
    let mut size = value as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{} {unit}", number((size * 10.0).round() / 10.0))
}

/// A moment to the minute in UTC: `2013-03-01 06:30`.
pub fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match text.get(..16) {
        Some(minute) => minute.replacen('T', " ", 1),
        None => text,
    }
}

/// The day of a moment in UTC: `2013-03-01`.
pub fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..10).map(str::to_owned).unwrap_or(text)
}

/// The start of a text: at most `limit` characters, with an ellipsis where it was cut.
pub fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// An id as it is shown in tables: its kind and the first digits (`run_01h2k3m4`).
pub fn short_id(id: &str) -> String {
    match id.split_once('_') {
        Some((kind, digits)) if digits.len() > 10 && digits.is_ascii() => format!("{kind}_{}", &digits[..8]),
        _ => clip(id, 24),
    }
}

fn not_finite(value: f64) -> String {
    match value {
        v if v == f64::INFINITY => "∞".to_owned(),
        v if v == f64::NEG_INFINITY => "−∞".to_owned(),
        _ => MISSING.to_owned(),
    }
}

/// A true minus sign, and no minus before a zero that came from rounding.
fn signed(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().any(|c| c.is_ascii_digit() && c != '0') => format!("−{rest}"),
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

fn grouped(digits: &str, negative: bool) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if negative {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_lie_about_nan() {
        let shown = [
            (metric(0.698_123), "0.6981"),
            (metric(-0.000_04), "−4.0e−5"),
            (metric(12_345.6), "12,346"),
            (metric(-12_345.6), "−12,346"),
            (metric(f64::NAN), "–"),
            (metric(f64::INFINITY), "∞"),
            (number(0.1), "0.1"),
            (number(200.0), "200"),
            (number(1250.5), "1,250.5"),
            (number(-0.0), "0"),
            (number(f64::NEG_INFINITY), "−∞"),
            (delta(0.0123), "+0.0123"),
            (delta(-0.0123), "−0.0123"),
            (percent(0.9721), "97.2 %"),
            (percent(0.5), "50 %"),
            (percent(f64::NAN), "–"),
            (count(336_776), "336,776"),
            (count(999), "999"),
            (short(853.269), "853.3"),
            (short(24.079), "24.08"),
            (short(1244.4), "1,244"),
            (short(-0.277_54), "−0.2775"),
            (short(5e-324), "0"),
            (short(f64::NAN), "–"),
            (p_value(0.0), "< 1e−16"),
            (p_value(1.5e-12), "1.5e−12"),
            (p_value(0.041), "0.0410"),
            (p_value(f64::NAN), "–"),
            (interval(0.71, Some(0.68), Some(0.74)), "0.7100 (0.6800 to 0.7400)"),
            (interval(0.71, None, Some(0.74)), "0.7100"),
            (name("tpr"), "true positive rate"),
            (name("log_loss"), "log loss"),
            (bytes(1_572_864), "1.5 MiB"),
            (bytes(512), "512 B"),
        ];
        for (text, wanted) in shown {
            assert_eq!(text, wanted);
        }
    }

    #[test]
    fn times_read_well() {
        let at: Timestamp = "2013-03-01T06:30:59Z".parse().unwrap();
        assert_eq!((minute(at).as_str(), day(at).as_str()), ("2013-03-01 06:30", "2013-03-01"));
        assert!(!minute(Timestamp(i64::MAX)).is_empty());
        for (milliseconds, wanted) in
            [(0.8, "0.8 ms"), (250.0, "250 ms"), (4200.0, "4.2 s"), (200_000.0, "3 m 20 s"), (2.592e8, "3 d")]
        {
            assert_eq!(duration_ms(milliseconds), wanted);
        }
    }

    #[test]
    fn long_texts_are_cut_at_characters() {
        assert_eq!(clip("häuser", 4), "häu…");
        assert_eq!(clip("häus", 4), "häus");
        assert_eq!(short_id("run_0123456789abcdefghjkmnpqrs"), "run_01234567");
        assert_eq!(short_id("champion"), "champion");
    }
}
