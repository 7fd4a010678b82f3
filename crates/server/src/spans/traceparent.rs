//! The `traceparent` header of W3C Trace Context: to which trace a request belongs, and whether that is recorded.

use axum::http::HeaderMap;

const HEADER: &str = "traceparent";

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    /// Whether the caller records the trace.
    pub(super) sampled: bool,
}

/// The parent that the headers name; one that is malformed counts as none, as the standard has it.
pub(super) fn read(headers: &HeaderMap) -> Option<Parent> {
    let mut values = headers.get_all(HEADER).iter();
    let (value, another) = (values.next()?, values.next());
    if another.is_some() { None } else { parse(value.to_str().ok()?) }
}

fn parse(text: &str) -> Option<Parent> {
    let mut parts = text.trim().split('-');
    let [version] = hex::<1>(parts.next()?)?;
    let (trace_id, span_id) = (hex::<16>(parts.next()?)?, hex::<8>(parts.next()?)?);
    let [flags] = hex::<1>(parts.next()?)?;
    // Later versions may say more, the first one does not; 255 is no version.
    let whole = parts.next().is_none() || version > 0;
    let valid = version != u8::MAX && whole && trace_id != [0; 16] && span_id != [0; 8];
    valid.then_some(Parent { trace_id, span_id, sampled: flags & 1 == 1 })
}

/// Bytes of lower-case hexadecimal digits.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_parents_are_read_and_others_are_none() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = parse(good).unwrap();
        assert_eq!((parent.trace_id[0], parent.span_id[7], parent.sampled), (0x0a, 0x31, true));
        assert!(!parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02").unwrap().sampled);
        assert!(parse(&format!("cc{}-more", &good[2..])).is_some(), "of a later version");
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-é0af7651916cd43dd8448eb211c803-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.append(HEADER, good.parse().unwrap());
        assert!(read(&headers).is_some());
        headers.append(HEADER, good.parse().unwrap());
        assert_eq!(read(&headers), None, "two parents are none");
    }
}
