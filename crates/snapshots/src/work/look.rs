//! Looking at what lies in the folder: what its stamp does not tell is read.

use std::io::Read;
use std::os::fd::OwnedFd;

use flyball_core::{Clock, Digest, Error, ErrorCode, Result};
use rayon::prelude::*;

use crate::entry::Entry;
use crate::failure::io;
use crate::index::{Pair, Tracked};
use crate::intake::{LARGE, now_nanos, open, read_small};
use crate::scan::{Found, Stamp, Tree, open_folder, stamp_of};

/// A path of the index or the folder, and what it holds now.
#[derive(Debug)]
pub(crate) struct Looked {
    /// What was added of it.
    pub(crate) known: Option<Tracked>,
    /// Its stamp now, if it is there and rests.
    pub(crate) stamp: Stamp,
    /// What it is now; none if it is gone. Its digest is that of what was added or of what was read.
    pub(crate) now: Option<Entry>,
    /// Whether it holds something else than what was added.
    pub(crate) changed: bool,
}

/// Looks at all paths. `exactly` reads what is new or has another size, too: its digest counts.
pub(crate) fn look(tree: &Tree, pairs: Vec<Pair>, clock: &dyn Clock, exactly: bool) -> Result<Vec<Looked>> {
    if pairs.iter().all(Pair::is_unchanged) {
        return Ok(pairs.into_iter().map(unchanged).collect());
    }
    let folder = open_folder(&tree.folder)?;
    let looked = |pair: Pair| {
        if pair.is_unchanged() {
            return Ok(unchanged(pair));
        }
        let Pair { known, found } = pair;
        let (Some(found), Some(folder)) = (found, &folder) else {
            return Ok(Looked { known, stamp: Stamp::NONE, now: None, changed: true });
        };
        let has_its_size =
            known.as_ref().is_some_and(|known| known.entry.size == found.stamp.size && known.entry.kind == found.kind);
        if !exactly && !has_its_size {
            let entry = Entry {
                path: found.path,
                kind: found.kind,
                size: found.stamp.size,
                digest: Digest::of(b""),
                lists: Box::default(),
            };
            return Ok(Looked { known, stamp: Stamp::NONE, now: Some(entry), changed: true });
        }
        let (now, stamp) = read(folder, &found, clock)?.unzip();
        // The lists of a large file are a matter of its content alone.
        let same = known.as_ref().filter(|known| now.as_ref().is_some_and(|now| known.entry.is_same(now)));
        let (changed, now) = (same.is_none(), same.map(|known| known.entry.clone()).or(now));
        Ok(Looked { known, stamp: stamp.unwrap_or(Stamp::NONE), now, changed })
    };
    pairs.into_par_iter().map(looked).collect()
}

fn unchanged(pair: Pair) -> Looked {
    let stamp = pair.known.as_ref().map_or(Stamp::NONE, |known| known.stamp);
    let now = pair.known.as_ref().filter(|_| pair.found.is_some()).map(|known| known.entry.clone());
    Looked { known: pair.known, stamp, now, changed: false }
}

/// Reads a file for its digest; none if it vanished.
fn read(folder: &OwnedFd, found: &Found, clock: &dyn Clock) -> Result<Option<(Entry, Stamp)>> {
    let looked_at = now_nanos(clock);
    let (kind, stamp, digest, size) = if found.kind.is_file() && found.stamp.size >= LARGE {
        let Some(mut file) = open(folder, found)? else { return Ok(None) };
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1024 * 1024];
        let mut size = 0;
        loop {
            match file.read(&mut buffer).map_err(|error| io("read", &found.path, error))? {
                0 => break,
                read => {
                    hasher.update(&buffer[..read]);
                    size += read as u64;
                }
            }
        }
        let unsteady = || {
            Error::new(ErrorCode::Conflict, format!("{} changes while it is read", found.path))
                .hint("try again once nobody writes to it")
        };
        let (kind, stamp) = stamp_of(&file, &found.path)?.ok_or_else(unsteady)?;
        (kind, stamp, Digest::from(hasher.finalize()), size)
    } else {
        let mut content = Vec::new();
        let Some((kind, stamp)) = read_small(folder, found, &mut content)? else { return Ok(None) };
        (kind, stamp, Digest::of(&content), content.len() as u64)
    };
    let stamp = if stamp.rests(looked_at) { stamp } else { Stamp::NONE };
    Ok(Some((Entry { path: found.path.clone(), kind, size, digest, lists: Box::default() }, stamp)))
}
