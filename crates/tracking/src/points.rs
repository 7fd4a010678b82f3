//! A metric's points, packed: 24 bytes each, timestamp, step and value in little-endian order.

use flyball_core::{Error, Result};

use crate::model::Point;
use crate::rules::number;

const POINT_BYTES: usize = 24;

/// Packs points as they are.
pub(crate) fn pack<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.size_hint().0 * POINT_BYTES);
    for point in points {
        bytes.extend_from_slice(&point.timestamp.to_le_bytes());
        bytes.extend_from_slice(&point.step.to_le_bytes());
        bytes.extend_from_slice(&point.value.to_le_bytes());
    }
    bytes
}

/// Unpacks a chunk behind those that are there.
pub(crate) fn unpack(chunk: &[u8], points: &mut Vec<Point>) -> Result<()> {
    let (whole, rest) = chunk.as_chunks::<POINT_BYTES>();
    if !rest.is_empty() {
        return Err(Error::internal(format!("a chunk of points with {} bytes", chunk.len())));
    }
    let word = |bytes: &[u8; POINT_BYTES], at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        word
    };
    points.extend(whole.iter().map(|bytes| Point {
        timestamp: i64::from_le_bytes(word(bytes, 0)),
        step: i64::from_le_bytes(word(bytes, 8)),
        value: f64::from_le_bytes(word(bytes, 16)),
    }));
    Ok(())
}

/// Puts points in the order of a history, by time, step and value, and drops repetitions.
pub(crate) fn put_in_order(points: &mut Vec<Point>) {
    let in_order = |a: &Point, b: &Point| {
        (a.timestamp, a.step)
            .cmp(&(b.timestamp, b.step))
            .then(number(a).total_cmp(&number(b)))
            .then(a.value.is_nan().cmp(&b.value.is_nan()))
    };
    points.sort_by(in_order);
    points.dedup_by(|a, b| in_order(a, b).is_eq());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_in_order_and_once() {
        let point = |timestamp, step, value| Point { timestamp, step, value };
        let logged =
            [point(2, 0, 1.0), point(1, -5, f64::MAX), point(2, 0, 1.0), point(2, 0, f64::NAN), point(2, 0, 0.0)];
        let mut points = Vec::new();
        unpack(&pack(logged[..2].iter()), &mut points).unwrap();
        unpack(&pack(logged[2..].iter()), &mut points).unwrap();
        put_in_order(&mut points);
        let shown: Vec<String> = points.iter().map(|p| format!("{} {} {}", p.timestamp, p.step, p.value)).collect();
        assert_eq!(shown, [format!("1 -5 {}", f64::MAX), "2 0 0".into(), "2 0 NaN".into(), "2 0 1".into()]);
        assert!(unpack(&[0; 25], &mut points).is_err());
    }
}
