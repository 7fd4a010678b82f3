//! Tables that were read lately, so that a loop that works on one version does not decode it again and again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use flyball_core::{Column, Digest, Table};

/// Memory that the cache itself keeps alive. A year of flights with its features fits.
const KEPT_BYTES: usize = 32 * 1024 * 1024;

/// Tables by the digest of their content.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The tables kept alive here, most recently used last.
    kept: VecDeque<(Digest, Arc<Table>)>,
    /// Every table that somebody still holds.
    known: HashMap<Digest, Weak<Table>>,
}

impl Cache {
    /// The table with this content, when it is still in memory.
    pub(crate) fn get(&self, content: &Digest) -> Option<Arc<Table>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let table = state.known.get(content)?.upgrade()?;
        state.keep(*content, &table);
        Some(table)
    }

    /// Remembers a table.
    pub(crate) fn put(&self, content: Digest, table: &Arc<Table>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.known.retain(|_, table| table.strong_count() > 0);
        state.known.insert(content, Arc::downgrade(table));
        state.keep(content, table);
    }
}

impl State {
    fn keep(&mut self, content: Digest, table: &Arc<Table>) {
        self.kept.retain(|(kept, _)| *kept != content);
        self.kept.push_back((content, table.clone()));
        let mut bytes: usize = self.kept.iter().map(|(_, table)| size(table)).sum();
        while bytes > KEPT_BYTES {
            let Some((_, oldest)) = self.kept.pop_front() else { break };
            bytes -= size(&oldest);
        }
    }
}

/// About how many bytes a table takes; the levels of text are estimated.
fn size(table: &Table) -> usize {
    let column = |column: &Column| match column {
        Column::Float(_) | Column::Int(_) | Column::Time(_) => column.len() * 8,
        Column::Bool(_) => column.len(),
        Column::Text(text) => column.len() * 4 + text.levels.len() * 64,
    };
    table.columns().map(|(_, c)| column(c)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> Arc<Table> {
        Arc::new(Table::new(vec![("x".into(), Column::Int(vec![0; rows]))]).unwrap())
    }

    #[test]
    fn old_tables_give_way_unless_somebody_holds_them() {
        let cache = Cache::default();
        let large = KEPT_BYTES / 8 / 2;
        let held = table(large);
        cache.put(Digest::of(b"held"), &held);
        for name in ["a", "b"] {
            cache.put(Digest::of(name.as_bytes()), &table(large));
        }
        assert!(Arc::ptr_eq(&cache.get(&Digest::of(b"held")).unwrap(), &held));
        assert!(cache.get(&Digest::of(b"a")).is_none());
        assert!(cache.get(&Digest::of(b"b")).is_some());
    }
}
