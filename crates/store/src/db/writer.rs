//! The one writer of a process: it runs waiting closures as a group, each in a savepoint, with one commit for all.
//!
//! The flush to disk is what a commit costs, so the cost per write falls with the number of writers that wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle, ThreadId};

use flyball_core::{Error, ErrorCode, Result};

use super::DatabaseUrl;
use super::Tx;
use super::checkpoint::Checkpointer;
use super::connection::{Access, Connection};
use super::failure::{storage_full, unavailable};

/// Most closures of one group; bounds how long the first of a group waits for its commit.
const GROUP: usize = 256;
/// How many closures may wait; past it callers block, which slows them to the speed of the disk.
const WAITING: usize = 1024;

pub(super) struct Writer {
    sender: Option<SyncSender<Box<dyn Call>>>,
    thread: Option<JoinHandle<()>>,
    id: ThreadId,
}

impl Writer {
    pub(super) fn start(url: DatabaseUrl, connection: Connection) -> Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let checkpointer = match &url {
            DatabaseUrl::Sqlite(path) => Some(Checkpointer::start(path)?),
            DatabaseUrl::Postgres(_) => None,
        };
        let thread = thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || serve(&url, connection, &receiver, checkpointer.as_ref()))
            .map_err(Error::internal)?;
        let id = thread.thread().id();
        Ok(Self { sender: Some(sender), thread: Some(thread), id })
    }

    /// Runs `f` on the writer's thread and waits until its changes are on disk.
    pub(super) fn call<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = sync_channel(1);
        // A caller that no longer waits (its thread ended) has nothing to be told.
        self.submit(f, move |outcome| drop(reply.send(outcome)))?;
        answer.recv().map_err(|_| gone())?
    }

    /// Has `f` run on the writer's thread, which hands its outcome to `reply` when its changes are on disk. Waits only
    /// while the queue is full.
    pub(super) fn submit<T, F, R>(&self, f: F, reply: R) -> Result<()>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        R: FnOnce(Result<T>) + Send + 'static,
    {
        if thread::current().id() == self.id {
            return Err(Error::internal("a write inside a write would wait for itself"));
        }
        let call = Pending { work: Some(f), outcome: None, reply };
        let sender = self.sender.as_ref().ok_or_else(gone)?;
        sender.send(Box::new(call)).map_err(|_| gone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends when there is nobody left to send; waiting for it closes the file in order.
        self.sender = None;
        if let Some(thread) = self.thread.take().filter(|_| thread::current().id() != self.id)
            && thread.join().is_err()
        {
            tracing::error!("the database writer ended with a panic");
        }
    }
}

fn gone() -> Error {
    unavailable().cause("the database writer has ended")
}

/// One closure that waits for its turn, whatever it returns.
trait Call: Send {
    /// Runs it and keeps its outcome; `Err` tells what made the rollback necessary.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), ErrorCode>;
    /// Answers the caller, with the kept outcome or with `failure` where the changes are not on disk.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

struct Pending<T, F, R> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    reply: R,
}

impl<T, F, R> Call for Pending<T, F, R>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send,
    R: FnOnce(Result<T>) + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), ErrorCode> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let mut outcome = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|panic| Err(Error::internal(format!("a panic in a write: {}", panic_text(&*panic)))));
        if outcome.is_ok() && tx.is_spoiled() {
            outcome = Err(Error::internal("a write went on after a statement of it had failed"));
        }
        let code = outcome.as_ref().err().map(Error::code);
        self.outcome = Some(outcome);
        code.map_or(Ok(()), Err)
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let outcome = match (self.outcome, failure) {
            (Some(Err(own)), _) => Err(own),
            (_, Some(failure)) => Err(failure),
            (Some(outcome), None) => outcome,
            (None, None) => Err(Error::internal("a write was answered before it ran")),
        };
        let reply = self.reply;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| reply(outcome))) {
            tracing::error!(text = panic_text(&*panic), "a panic in the answer to a write");
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

fn serve(
    url: &DatabaseUrl,
    mut connection: Connection,
    receiver: &Receiver<Box<dyn Call>>,
    checkpointer: Option<&Checkpointer>,
) {
    while let Ok(first) = receiver.recv() {
        let mut group = vec![first];
        group.extend(receiver.try_iter().take(GROUP - 1));
        let outcome = run_group(&mut connection, url, &mut group);
        if let Err(error) = &outcome {
            connection.rollback();
            tracing::error!(?error, "a group of writes could not be committed");
        }
        answer_all(group, outcome.as_ref().err());
        if let Some(checkpointer) = checkpointer {
            checkpointer.remind();
        }
    }
}

/// Runs and commits a group. After an error nothing of the group may be kept.
fn run_group(connection: &mut Connection, url: &DatabaseUrl, group: &mut [Box<dyn Call>]) -> Result<()> {
    connection.begin_again(url, Access::Write)?;
    if let [alone] = group {
        return match alone.run(&mut Tx::new(connection)) {
            Ok(()) => connection.batch("COMMIT"),
            Err(_) => {
                connection.rollback();
                Ok(())
            }
        };
    }
    for call in group {
        connection.batch("SAVEPOINT one")?;
        match call.run(&mut Tx::new(connection)) {
            Ok(()) => connection.batch("RELEASE SAVEPOINT one")?,
            // A full disk or an I/O error makes SQLite drop the whole transaction, and with it the group.
            Err(code) if !connection.in_transaction() => return Err(group_error(code)),
            Err(_) => connection.batch("ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one")?,
        }
    }
    connection.batch("COMMIT")
}

fn group_error(code: ErrorCode) -> Error {
    let error = if code == ErrorCode::StorageFull { storage_full() } else { unavailable() };
    error.cause("another write of the same group ended the transaction")
}

/// Answers every caller of a group; those whose own closure failed hear their own error.
fn answer_all(group: Vec<Box<dyn Call>>, failure: Option<&Error>) {
    for call in group {
        call.answer(failure.map(|error| {
            let copy = match error.code() {
                ErrorCode::StorageFull => storage_full(),
                _ => unavailable(),
            };
            copy.cause(error.cause_text().unwrap_or_else(|| error.message().to_owned()))
        }));
    }
}
