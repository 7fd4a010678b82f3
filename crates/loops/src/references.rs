//! What versions are judged by, made once and kept in memory: reading a reference and learning from it takes longer than
//! judging a window.

use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Digest, Result};
use flyball_monitoring::prepared::Prepared;

/// Most references in memory: the champions of as many loops; each takes some megabytes.
const KEPT: usize = 16;

/// The references that were used last.
#[derive(Default)]
pub struct References {
    /// The latest used one is the last.
    kept: Mutex<Vec<(Digest, Arc<Prepared>)>>,
}

impl References {
    /// The reference of this name, made when it is not in memory.
    ///
    /// # Errors
    /// What `make` answers.
    pub(crate) fn get(&self, name: Digest, make: impl FnOnce() -> Result<Prepared>) -> Result<Arc<Prepared>> {
        if let Some(found) = self.take(name) {
            return Ok(found);
        }
        // Made without the lock: two may make the same, and then the later one is kept.
        let made = Arc::new(make()?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(other, _)| *other != name);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((name, Arc::clone(&made)));
        Ok(made)
    }

    fn take(&self, name: Digest) -> Option<Arc<Prepared>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|(other, _)| *other == name)?;
        let entry = kept.remove(position);
        let found = Arc::clone(&entry.1);
        kept.push(entry);
        Some(found)
    }
}
