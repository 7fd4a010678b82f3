//! Tensors as bytes: little-endian numbers one behind the other, texts each behind their length in four bytes.

use std::sync::Arc;

use flyball_core::{Error, Result};
use half::{bf16, f16};

use super::cells::{Cells, Elements};

/// Reads the elements of a tensor.
///
/// # Errors
/// `InvalidInput` when they are not as many as its shape says, or not of its datatype.
pub(super) fn read(datatype: &str, bytes: &[u8], count: usize) -> Result<Cells> {
    let elements = match datatype {
        "BOOL" => Elements::Bools(numbers::<1>(bytes, count, |[byte]| f64::from(u8::from(byte != 0)))?),
        "UINT8" => Elements::Numbers(numbers(bytes, count, |bytes| u8::from_le_bytes(bytes).into())?),
        "UINT16" => Elements::Numbers(numbers(bytes, count, |bytes| u16::from_le_bytes(bytes).into())?),
        "UINT32" => Elements::Numbers(numbers(bytes, count, |bytes| u32::from_le_bytes(bytes).into())?),
        "UINT64" => Elements::Numbers(numbers(bytes, count, |bytes| u64::from_le_bytes(bytes) as f64)?),
        "INT8" => Elements::Numbers(numbers(bytes, count, |bytes| i8::from_le_bytes(bytes).into())?),
        "INT16" => Elements::Numbers(numbers(bytes, count, |bytes| i16::from_le_bytes(bytes).into())?),
        "INT32" => Elements::Numbers(numbers(bytes, count, |bytes| i32::from_le_bytes(bytes).into())?),
        "INT64" => Elements::Numbers(numbers(bytes, count, |bytes| i64::from_le_bytes(bytes) as f64)?),
        "FP16" => Elements::Numbers(numbers(bytes, count, |bytes| f16::from_le_bytes(bytes).to_f64())?),
        "BF16" => Elements::Numbers(numbers(bytes, count, |bytes| bf16::from_le_bytes(bytes).to_f64())?),
        "FP32" => Elements::Numbers(numbers(bytes, count, |bytes| f32::from_le_bytes(bytes).into())?),
        "FP64" => Elements::Numbers(numbers(bytes, count, f64::from_le_bytes)?),
        "BYTES" => Elements::Texts(texts(bytes, count)?),
        other => return Err(super::request::unknown_datatype(other)),
    };
    Ok(Cells { elements, whole: true, range: (0.0, 0.0) })
}

fn numbers<const SIZE: usize>(bytes: &[u8], count: usize, number: impl Fn([u8; SIZE]) -> f64) -> Result<Vec<f64>> {
    let (whole, rest) = bytes.as_chunks::<SIZE>();
    if whole.len() != count || !rest.is_empty() {
        let message = format!("it has {} bytes; its shape and datatype make {}", bytes.len(), count * SIZE);
        return Err(Error::invalid(message));
    }
    // A number that is none is a missing value.
    Ok(whole.iter().map(|bytes| number(*bytes)).collect())
}

fn texts(mut bytes: &[u8], count: usize) -> Result<Vec<Option<Arc<str>>>> {
    let cut =
        || Error::invalid("its texts do not fit its bytes").hint("each text stands behind its length in four bytes");
    let mut texts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
        let (text, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        let text = std::str::from_utf8(text).map_err(|_| Error::invalid("one of its texts is not UTF-8"))?;
        texts.push(Some(Arc::from(text)));
        bytes = rest;
    }
    if !bytes.is_empty() || texts.len() != count {
        return Err(cut());
    }
    Ok(texts)
}

/// Appends numbers.
pub(super) fn write_numbers(numbers: &[f64], to: &mut Vec<u8>) {
    to.reserve(size_of_val(numbers));
    for number in numbers {
        to.extend_from_slice(&number.to_le_bytes());
    }
}

/// Appends texts, each behind its length.
///
/// # Errors
/// `LimitExceeded` for a text of more than four gigabytes.
pub(super) fn write_texts(texts: &[&str], to: &mut Vec<u8>) -> Result<()> {
    for text in texts {
        let length = u32::try_from(text.len()).map_err(Error::internal)?;
        to.extend_from_slice(&length.to_le_bytes());
        to.extend_from_slice(text.as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_datatype_is_read_as_its_number() {
        for (datatype, bytes, wanted) in [
            ("BOOL", vec![0, 2], [0.0, 1.0]),
            ("UINT8", vec![0, 255], [0.0, 255.0]),
            ("INT8", vec![0, 255], [0.0, -1.0]),
            ("INT16", vec![1, 0, 0, 128], [1.0, -32768.0]),
            ("UINT32", vec![1, 0, 0, 0, 255, 255, 255, 255], [1.0, 4_294_967_295.0]),
            ("FP16", vec![0, 60, 0, 192], [1.0, -2.0]),
            ("BF16", vec![128, 63, 0, 192], [1.0, -2.0]),
            ("FP32", [1.5f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat(), [1.5, -2.0]),
            ("INT64", [7i64.to_le_bytes(), (-2i64).to_le_bytes()].concat(), [7.0, -2.0]),
        ] {
            let cells = read(datatype, &bytes, 2).unwrap();
            let (Elements::Numbers(numbers) | Elements::Bools(numbers)) = cells.elements else { unreachable!() };
            assert_eq!(numbers, wanted, "{datatype}");
            assert!(read(datatype, &bytes, 3).is_err(), "{datatype}");
            assert!(read(datatype, &bytes[1..], 2).is_err(), "{datatype}");
        }
        assert!(read("COMPLEX", &[], 0).is_err());
    }

    #[test]
    fn texts_stand_behind_their_lengths() {
        let mut bytes = Vec::new();
        write_texts(&["EWR", "", "é"], &mut bytes).unwrap();
        let Elements::Texts(texts) = read("BYTES", &bytes, 3).unwrap().elements else { unreachable!() };
        assert_eq!(texts, [Some("EWR".into()), Some("".into()), Some("é".into())]);
        for broken in [&bytes[..bytes.len() - 1], &[255, 255, 255, 255, 1], &[1, 0, 0, 0, 255], &[1]] {
            assert!(read("BYTES", broken, 3).is_err(), "{broken:?}");
        }
        assert!(read("BYTES", &bytes, 2).is_err());
    }
}
