//! What names, keys and values may be, and which of two metric values is the later one.

use flyball_core::{Digest, Error, Result, limits};

use crate::model::{Pair, Point};

/// The tag that holds a run's name.
pub const RUN_NAME: &str = "mlflow.runName";

/// Checks the key of a metric, parameter or tag: letters, digits, `_ - . : / ` and space, a normal relative path.
///
/// # Errors
/// `InvalidInput` that says what is wrong.
pub fn check_key(what: &str, key: &str) -> Result<()> {
    check_length(&format!("{what} name"), key, limits::KEY_CHARS)?;
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':' | '/');
    if let Some(bad) = key.chars().find(|c| !good(*c)) {
        return Err(Error::invalid(format!("Invalid {what} name {}: it holds {bad:?}", shown(key)))
            .hint("use letters, digits, underscores, dashes, periods, spaces, colons and slashes"));
    }
    // Nor may it begin with two dots, whatever follows: clients have always been refused that.
    let normal = !key.starts_with('/')
        && !key.starts_with("..")
        && key.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    if !normal {
        return Err(Error::invalid(format!(
            "Invalid {what} name {}: read as a path it would be another name",
            shown(key)
        ))
        .hint("leave out empty, '.' and '..' segments and slashes at the ends"));
    }
    Ok(())
}

/// Checks a length in characters.
///
/// # Errors
/// `InvalidInput` that names the limit.
pub fn check_length(what: &str, text: &str, most: usize) -> Result<()> {
    // Bytes are at least characters, so most texts are decided without counting.
    if text.len() <= most || text.chars().count() <= most {
        return Ok(());
    }
    Err(Error::invalid(format!("{what} {} exceeds the maximum length of {most} characters", shown(text))))
}

/// The first `most` characters.
pub fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// Checks a run id that a client gives.
///
/// # Errors
/// `InvalidInput` when it cannot be one.
pub fn check_run_id(id: &str) -> Result<()> {
    let mut characters = id.chars();
    let good = characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        && id.chars().count() <= 256;
    if good { Ok(()) } else { Err(Error::invalid(format!("Invalid run ID: {}", shown(id)))) }
}

/// Checks the name of an experiment.
///
/// # Errors
/// `InvalidInput` when it is empty or too long.
pub fn check_experiment_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("Invalid experiment name: it is empty"));
    }
    check_length("experiment name", name, limits::EXPERIMENT_NAME_CHARS)
}

/// Checks the tags of an experiment.
///
/// # Errors
/// `InvalidInput` for the first that may not be.
pub fn check_experiment_tag(tag: &Pair) -> Result<()> {
    check_key("tag", &tag.key)?;
    check_length("tag value", &tag.value, limits::EXPERIMENT_TAG_VALUE_CHARS)
}

/// The place of a point in the order that decides which value is the latest: by step, then time, then value; a NaN counts
/// as 0.
pub fn is_later(one: &Point, other: &Point) -> bool {
    let place = |point: &Point| (point.step, point.timestamp);
    place(one) > place(other) || (place(one) == place(other) && number(one) >= number(other))
}

/// The value with NaN as 0, as it is stored beside its flag.
pub fn number(point: &Point) -> f64 {
    if point.value.is_nan() { 0.0 } else { point.value }
}

/// An infinite value as the largest finite one of its sign: databases keep no infinities, and clients expect this.
pub fn finite(value: f64) -> f64 {
    if value.is_nan() { value } else { value.clamp(f64::MIN, f64::MAX) }
}

/// A name for a run that has none, made from its id: the same id always gives the same name.
pub fn made_up_name(id: &str) -> String {
    const ADJECTIVES: [&str; 32] = [
        "able", "amber", "brisk", "calm", "clear", "crisp", "deft", "eager", "even", "fair", "fleet", "fond", "glad",
        "grand", "keen", "kind", "lively", "lucid", "mellow", "neat", "nimble", "noble", "plain", "polite", "proud",
        "quiet", "rapid", "steady", "still", "swift", "vivid", "warm",
    ];
    const NOUNS: [&str; 32] = [
        "anchor", "beacon", "bearing", "brook", "cedar", "comet", "delta", "ember", "falcon", "fjord", "gear", "grove",
        "harbor", "heron", "isle", "kestrel", "lantern", "lever", "maple", "meadow", "orbit", "otter", "piston",
        "prairie", "rotor", "sail", "sparrow", "spindle", "summit", "tiller", "valve", "willow",
    ];
    let digest = Digest::of(id.as_bytes());
    let bytes = digest.bytes();
    let number = u16::from_le_bytes([bytes[2], bytes[3]]) % 1000;
    format!("{}-{}-{number}", ADJECTIVES[usize::from(bytes[0]) % 32], NOUNS[usize::from(bytes[1]) % 32])
}

/// A client's text, short and without control characters, in quotes.
pub(crate) fn shown(text: &str) -> String {
    let start: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() { format!("'{start}…'") } else { format!("'{start}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_normal_relative_paths_of_plain_characters() {
        for good in ["loss", "val/loss", "a b:c.d-e_f", "été", ".a", "a..", "système/cpu"] {
            assert!(check_key("metric", good).is_ok(), "{good}");
        }
        let (longest, longer) = ("é".repeat(250), "é".repeat(251));
        assert!(check_key("metric", &longest).is_ok());
        for bad in
            ["", "/a", "a/", "a//b", "../a", "..a", "a/./b", ".", "..", "a;b", "a\n", "a\0", "<b>", "a\\b", &longer]
        {
            assert!(check_key("metric", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn texts_are_cut_at_characters() {
        assert_eq!(cut("ééé", 2), "éé");
        assert_eq!(cut("ab", 2), "ab");
        assert!(check_length("x", "ééé", 3).is_ok() && check_length("x", "éééé", 3).is_err());
    }

    #[test]
    fn the_latest_point_has_the_greatest_step_then_time_then_value() {
        let point = |step, timestamp, value| Point { step, timestamp, value };
        assert!(is_later(&point(2, 0, 0.0), &point(1, 9, 9.0)));
        assert!(is_later(&point(1, 2, 0.0), &point(1, 1, 9.0)));
        assert!(is_later(&point(1, 1, 2.0), &point(1, 1, 1.0)));
        assert!(is_later(&point(1, 1, f64::NAN), &point(1, 1, -1.0)), "a NaN counts as 0");
        assert!(!is_later(&point(-1, 9, 9.0), &point(0, 0, 0.0)));
        assert_eq!(finite(f64::NEG_INFINITY), f64::MIN);
        assert!(finite(f64::NAN).is_nan());
    }

    #[test]
    fn made_up_names_follow_from_the_id() {
        assert_eq!(made_up_name("a"), made_up_name("a"));
        assert_ne!(made_up_name("a"), made_up_name("b"));
        for id in 0..500 {
            assert!(made_up_name(&id.to_string()).len() <= 20);
        }
    }
}
