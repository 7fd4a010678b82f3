//! Reads files out of a wheel, which is a zip archive. Only what wheels have: no encryption, no parts, no 64-bit sizes.

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use flyball_core::{Error, ErrorCode, Result};

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// How long the end record is without its comment.
const END_BYTES: usize = 22;

/// The files of an archive.
pub(super) struct Files<'a> {
    archive: &'a [u8],
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    name: &'a [u8],
    method: u16,
    crc: u32,
    packed: usize,
    unpacked: usize,
    /// Where its local header begins.
    start: usize,
}

impl<'a> Files<'a> {
    /// The files of an archive.
    pub(super) fn read(archive: &'a [u8]) -> Result<Self> {
        let entries = entries(archive).ok_or_else(broken)?;
        Ok(Self { archive, entries })
    }

    /// The content of a file, of at most `limit` bytes.
    pub(super) fn unpack(&self, name: &str, limit: usize) -> Result<Vec<u8>> {
        let entry = self.entries.iter().find(|entry| entry.name == name.as_bytes());
        let entry =
            entry.ok_or_else(|| Error::new(ErrorCode::InvalidData, format!("the wheel has no file '{name}'")))?;
        if entry.unpacked > limit {
            return Err(Error::new(ErrorCode::LimitExceeded, format!("the file '{name}' of the wheel is too long")));
        }
        let packed = packed(self.archive, entry).ok_or_else(broken)?;
        let mut unpacked = Vec::with_capacity(entry.unpacked);
        match entry.method {
            0 => unpacked.extend_from_slice(packed),
            8 => {
                let mut reader = DeflateDecoder::new(packed).take(entry.unpacked as u64 + 1);
                reader.read_to_end(&mut unpacked).map_err(|cause| broken().cause(cause))?;
            }
            _ => return Err(broken()),
        }
        let mut crc = Crc::new();
        crc.update(&unpacked);
        if unpacked.len() != entry.unpacked || crc.sum() != entry.crc {
            return Err(broken());
        }
        Ok(unpacked)
    }
}

fn broken() -> Error {
    Error::new(ErrorCode::InvalidData, "the wheel is broken")
}

fn entries(archive: &[u8]) -> Option<Vec<Entry<'_>>> {
    let last = archive.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let end = (first..=last).rev().find(|at| archive[*at..].starts_with(&END))?;
    let count = short(archive, end + 10)?;
    let mut at = long(archive, end + 16)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        if !archive.get(at..)?.starts_with(&ENTRY) {
            return None;
        }
        let [name, extra, comment] = [28, 30, 32].map(|field| short(archive, at + field).map(usize::from));
        let name_end = (at + 46).checked_add(name?)?;
        entries.push(Entry {
            name: archive.get(at + 46..name_end)?,
            method: short(archive, at + 10)?,
            crc: u32::try_from(long(archive, at + 16)?).ok()?,
            packed: long(archive, at + 20)?,
            unpacked: long(archive, at + 24)?,
            start: long(archive, at + 42)?,
        });
        at = name_end + extra? + comment?;
    }
    Some(entries)
}

fn packed<'a>(archive: &'a [u8], entry: &Entry<'_>) -> Option<&'a [u8]> {
    if !archive.get(entry.start..)?.starts_with(&LOCAL) {
        return None;
    }
    let name = usize::from(short(archive, entry.start + 26)?);
    let extra = usize::from(short(archive, entry.start + 28)?);
    let start = entry.start + 30 + name + extra;
    archive.get(start..start.checked_add(entry.packed)?)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|own| u16::from_le_bytes(*own))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let own = bytes.get(at..)?.first_chunk().map(|own| u32::from_le_bytes(*own))?;
    usize::try_from(own).ok()
}
