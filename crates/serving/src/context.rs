//! What is known of a request outside of serving, and what serving tells about it: kept for the thread that answers it,
//! so that no signature on the way carries what matters to observers alone.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::model::Revision;

/// What serving did for a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// Rows asked.
    pub rows: u64,
    /// Who answered, or failed to; of several the last.
    pub revision: Option<Arc<Revision>>,
    /// The id of the first prediction.
    pub prediction_id: String,
}

#[derive(Default)]
struct Context {
    waited: Cell<Option<u64>>,
    noting: Cell<bool>,
    note: RefCell<Note>,
}

thread_local! {
    static CONTEXT: Context = const {
        Context {
            waited: Cell::new(None),
            noting: Cell::new(false),
            note: RefCell::new(Note { rows: 0, revision: None, prediction_id: String::new() }),
        }
    };
}

/// Answers a request that waited `waited` nanoseconds for its turn. What serving did for it comes back when `noting`.
pub fn answering<T>(waited: Option<u64>, noting: bool, work: impl FnOnce() -> T) -> (T, Option<Note>) {
    /// The next request of this thread begins without a context, also after a panic.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            CONTEXT.with(|context| {
                context.waited.set(None);
                context.noting.set(false);
            });
        }
    }
    CONTEXT.with(|context| {
        context.waited.set(waited);
        context.noting.set(noting);
        context.note.take();
    });
    let leave = Leave;
    let outcome = work();
    drop(leave);
    (outcome, noting.then(|| CONTEXT.with(|context| context.note.take())))
}

/// Tells what was done for the request of this thread, if anybody wants to know, and answers how many nanoseconds it
/// waited for its turn.
pub(crate) fn tell(rows: u64, revision: &Arc<Revision>, prediction_id: &str) -> Option<u64> {
    CONTEXT.with(|context| {
        if context.noting.get() {
            let mut note = context.note.borrow_mut();
            note.rows += rows;
            note.revision = Some(Arc::clone(revision));
            if note.prediction_id.is_empty() {
                prediction_id.clone_into(&mut note.prediction_id);
            }
        }
        context.waited.get()
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_context_ends_with_its_request() {
        let waited = || CONTEXT.with(|context| context.waited.get());
        assert_eq!(answering(Some(7), false, waited), (Some(7), None));
        assert_eq!(waited(), None);
        let broken = catch_unwind(AssertUnwindSafe(|| answering(Some(7), true, || panic!("a defect"))));
        assert!(broken.is_err());
        assert_eq!(waited(), None);
        assert!(!CONTEXT.with(|context| context.noting.get()));
    }
}
