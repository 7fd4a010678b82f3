//! What versions are judged by, made once and kept in memory: reading a reference and learning from it takes longer than
//! judging a window.

use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Digest, Result};
use flyball_monitoring::prepared::Prepared;

use crate::watch::Usual;

/// Most references in memory: the champions of as many loops; each takes some megabytes.
const KEPT: usize = 16;

/// The references that were used last, and how models reason about them.
#[derive(Default)]
pub struct References {
    prepared: Recent<Digest, Prepared>,
    /// By reference and artifact: a fallback has the reference of the version that it stands beside.
    usual: Recent<(Digest, Digest), Usual>,
}

impl References {
    /// The reference of this name, made when it is not in memory.
    ///
    /// # Errors
    /// What `make` answers.
    pub(crate) fn get(&self, name: Digest, make: impl FnOnce() -> Result<Prepared>) -> Result<Arc<Prepared>> {
        self.prepared.get(name, make)
    }

    /// How a model, by its artifact, reasons about a reference; made when it is not in memory.
    ///
    /// # Errors
    /// What `make` answers.
    pub(crate) fn usual(&self, key: (Digest, Digest), make: impl FnOnce() -> Result<Usual>) -> Result<Arc<Usual>> {
        self.usual.get(key, make)
    }
}

/// What was used last; the latest one is the last.
struct Recent<K, V>(Mutex<Vec<(K, Arc<V>)>>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + PartialEq, V> Recent<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> Result<V>) -> Result<Arc<V>> {
        if let Some(found) = self.take(key) {
            return Ok(found);
        }
        // Made without the lock: two may make the same, and then the later one is kept.
        let made = Arc::new(make()?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(other, _)| *other != key);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, Arc::clone(&made)));
        Ok(made)
    }

    fn take(&self, key: K) -> Option<Arc<V>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|(other, _)| *other == key)?;
        let entry = kept.remove(position);
        let found = Arc::clone(&entry.1);
        kept.push(entry);
        Some(found)
    }
}
