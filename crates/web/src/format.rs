//! How values look: numbers, shares, times. What cannot be shown as a number (NaN, missing) is an en dash.

use flyball_core::Timestamp;

/// What stands for a value that is not there.
pub const MISSING: &str = "–";

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
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
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
