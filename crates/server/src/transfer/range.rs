//! Which part of a file a request asks for (RFC 9110, sections 13 and 14).

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Beyond,
}

/// What the headers ask for, of a file of `size` bytes with this entity tag. What we do not offer, as several ranges at
/// once, or do not understand is answered with the whole, as the protocol has it.
pub(super) fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let Some(asked) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Wanted::Whole };
    if headers.contains_key(header::IF_RANGE) && !names(headers, header::IF_RANGE, tag) {
        return Wanted::Whole;
    }
    let Some((first, last)) = asked.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a number beyond any file.
        true if !text.is_empty() => Some(text.parse().unwrap_or(u64::MAX)),
        _ => None,
    };
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(0)) => Wanted::Beyond,
        ("", _, _, Some(suffix)) => part(size.saturating_sub(suffix)..size, size),
        (_, Some(start), "", _) => part(start..size, size),
        (_, Some(start), _, Some(end)) if start <= end => part(start..size.min(end.saturating_add(1)), size),
        _ => Wanted::Whole,
    }
}

fn part(range: Range<u64>, size: u64) -> Wanted {
    if range.start >= size { Wanted::Beyond } else { Wanted::Part(range) }
}

/// Whether a header that lists entity tags has this one, or stands for any.
pub(super) fn names(headers: &HeaderMap, name: header::HeaderName, tag: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|listed| listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, size: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        wanted(&headers, "\"t\"", size)
    }

    #[test]
    fn a_single_range_is_understood() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=2-", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("bytes=5-99999999999999999999999", 5..10),
        ] {
            assert_eq!(asked(range, 10), Wanted::Part(part), "{range}");
        }
        for range in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(range, 10), Wanted::Beyond, "{range}");
        }
        assert_eq!(asked("bytes=0-", 0), Wanted::Beyond);
        for range in ["bytes=0-1,3-4", "bytes=4-2", "bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "0-1", "bytes=+1-2"]
        {
            assert_eq!(asked(range, 10), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_content_is_not_mixed_in() {
        for (tag, wanted_part) in [("\"t\"", Wanted::Part(1..2)), ("\"other\"", Wanted::Whole)] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, "bytes=1-1".parse().unwrap());
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
            assert_eq!(wanted(&headers, "\"t\"", 10), wanted_part);
        }
    }

    #[test]
    fn entity_tags_are_found_in_lists() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, "\"a\", W/\"b\"".parse().unwrap());
        assert!(names(&headers, header::IF_NONE_MATCH, "\"a\"") && names(&headers, header::IF_NONE_MATCH, "\"b\""));
        assert!(!names(&headers, header::IF_NONE_MATCH, "\"c\"") && !names(&headers, header::IF_RANGE, "\"a\""));
    }
}
