//! The end of what a process printed.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// The last bytes of an output, whose writer is never held up.
#[derive(Default)]
pub(crate) struct Log {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    ended: bool,
}

impl Log {
    /// Reads `output` to its end, in a thread of its own.
    pub(crate) fn drain(mut output: impl Read + Send + 'static) -> std::io::Result<Arc<Self>> {
        let log = Arc::new(Self::default());
        let own = Arc::clone(&log);
        std::thread::Builder::new().name("python-output".into()).spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                let mut state = own.lock();
                state.bytes.extend(&chunk[..count]);
                let surplus = state.bytes.len().saturating_sub(KEPT);
                state.bytes.drain(..surplus);
            }
            own.lock().ended = true;
            own.ended.notify_all();
        })?;
        Ok(log)
    }

    /// Waits for the end of the output; whether it came.
    pub(crate) fn wait(&self, within: Duration) -> bool {
        let waited = self.ended.wait_timeout_while(self.lock(), within, |state| !state.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// What is kept, without passwords in addresses.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.lock().bytes.iter().copied().collect();
        without_passwords(String::from_utf8_lossy(&bytes).trim_end())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last line that says something, cut to what fits a message.
pub(crate) fn last_line(text: &str) -> String {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it printed nothing");
    shown(line)
}

/// A text of another program, made fit for a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(500).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// `https://user:word@host` loses what stands before the `@`.
fn without_passwords(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after.find(|letter: char| letter == '/' || letter.is_whitespace()).unwrap_or(after.len());
        let name = after[..end].rfind('@').map_or(0, |at| at + 1);
        clean.push_str(if name > 0 { "***@" } else { "" });
        clean.push_str(&after[name..end]);
        rest = &after[end..];
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let log = Log::drain(std::io::repeat(b'x').take(1 << 20).chain(&b"\nthe end\n"[..])).unwrap();
        assert!(log.wait(Duration::from_secs(5)));
        assert!(log.text().len() <= KEPT);
        assert_eq!(last_line(&log.text()), "the end");
    }

    #[test]
    fn passwords_in_addresses_are_left_out() {
        let text = "at https://me:secret@host/simple and http://host/a@b";
        assert_eq!(without_passwords(text), "at https://***@host/simple and http://host/a@b");
    }
}
