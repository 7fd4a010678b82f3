//! The index of a dataset: what was added, with the stamp of each file, so that nothing unchanged is read twice.

use std::io::Write;
use std::path::{Path, PathBuf};

use flyball_core::{Digest, Result};

use crate::codec::{Reader, put_number};
use crate::entry::{self, Entry};
use crate::failure::{damaged, io};
use crate::scan::{Found, Stamp};

const MAGIC: &[u8; 8] = b"FLYSTAT1";

/// A file of the index.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub(crate) entry: Entry,
    pub(crate) stamp: Stamp,
}

/// What was added, in the order of the paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// The manifest of just these files, once a commit made it.
    pub(crate) manifest: Option<Digest>,
    pub(crate) files: Vec<Tracked>,
}

impl Index {
    /// Reads an index; an empty one if it is not there.
    ///
    /// # Errors
    /// `InvalidData` when it is damaged.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io("read", path.display(), error)),
        };
        Self::decode(&bytes).map_err(|error| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            damaged(format_args!("the index of {name}"))
                .hint(format!("remove {} and add the dataset again; its versions are safe", path.display()))
                .cause(error)
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let (body, sum) = bytes.split_last_chunk::<32>().ok_or_else(|| damaged("an index"))?;
        if Digest::of(body).bytes() != sum {
            return Err(damaged("an index"));
        }
        let mut reader = Reader::after(MAGIC, body, "an index")?;
        let manifest = match reader.number()? {
            0 => None,
            _ => Some(reader.digest()?),
        };
        let entries = entry::decode(&mut reader)?;
        let mut files = Vec::with_capacity(entries.len());
        for entry in entries {
            let mut number = || reader.array().map(i64::from_le_bytes);
            let (modified, changed, inode, size) = (number()?, number()?, number()?, number()?);
            let stamp = Stamp { size: size.cast_unsigned(), modified, changed, inode: inode.cast_unsigned() };
            files.push(Tracked { entry, stamp });
        }
        reader.end()?;
        Ok(Self { manifest, files })
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_number(&mut out, u64::from(self.manifest.is_some()));
        out.extend(self.manifest.iter().flat_map(|id| *id.bytes()));
        out.extend_from_slice(&entry::encode(self.files.iter().map(|file| &file.entry)));
        for Tracked { stamp, .. } in &self.files {
            let numbers = [stamp.modified, stamp.changed, stamp.inode.cast_signed(), stamp.size.cast_signed()];
            numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        }
        let sum = Digest::of(&out);
        out.extend_from_slice(sum.bytes());
        out
    }

    /// Writes the index in place of the one before.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        replace_file(path, &self.encode())
    }

    /// Pairs what was found with what is known, both in the order of the paths.
    pub(crate) fn beside(self, found: Vec<Found>) -> Vec<Pair> {
        let mut pairs = Vec::with_capacity(found.len().max(self.files.len()));
        let (mut known, mut found) = (self.files.into_iter().peekable(), found.into_iter().peekable());
        loop {
            let order = match (known.peek(), found.peek()) {
                (Some(known), Some(found)) => known.entry.path.cmp(&found.path),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => return pairs,
            };
            let known = if order.is_le() { known.next() } else { None };
            let found = if order.is_ge() { found.next() } else { None };
            pairs.push(Pair { known, found });
        }
    }
}

/// A path of the index, of the folder, or of both.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) known: Option<Tracked>,
    pub(crate) found: Option<Found>,
}

impl Pair {
    /// Whether the file is as it was when it was added, by its stamp.
    pub(crate) fn is_unchanged(&self) -> bool {
        match (&self.known, &self.found) {
            (Some(known), Some(found)) => known.stamp == found.stamp && known.entry.kind == found.kind,
            (Some(known), None) => known.stamp == Stamp::ABSENT,
            (None, found) => found.is_none(),
        }
    }
}

/// Writes a file in place of another one, all at once, so that it survives a power cut.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let write = || {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let mut file = std::fs::File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |parent| std::fs::File::open(parent)?.sync_all())
    };
    write().map_err(|error: std::io::Error| io("write", path.display(), error))
}
