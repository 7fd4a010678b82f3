//! An open loop: requests have times at which they are due, however long earlier ones take.
//!
//! One thread serves all connections and never sleeps: waking up costs more than a request does, and would be taken for
//! latency. It gives way to whoever else wants its core.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::measure::Target;

/// What the loop saw, in milliseconds.
pub(super) struct Paced {
    /// From the time at which a request was due to its answer.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// From the time at which it was sent.
    pub(super) sent_p99: f64,
    /// How late requests were sent: the generator's own part, unless all connections were busy.
    pub(super) late_p99: f64,
}

/// Sends `rate` requests a second, each on a connection that is free, of at most so many.
pub(super) fn run(target: &Target, connections: usize, rate: f64, seconds: f64) -> Result<Paced> {
    let requests: Vec<String> = target.bodies.iter().map(|body| request(target, body)).collect();
    let mut lines = (0..connections).map(|_| Line::open(&target.address)).collect::<Result<Vec<_>>>()?;
    let mut free: VecDeque<usize> = (0..connections).collect();
    let mut asked: VecDeque<(usize, Instant, Instant)> = VecDeque::new();
    let (mut latencies, mut from_sending, mut late) = (Vec::new(), Vec::new(), Vec::new());
    let all = (rate * seconds) as usize;
    let (start, mut sent) = (Instant::now(), 0);
    while latencies.len() < all {
        // Who cannot keep up with half of what it can do is not waited for without end.
        if start.elapsed().as_secs_f64() > 5.0 * seconds + 10.0 {
            bail!("{} of {all} requests were answered in {} s", latencies.len(), start.elapsed().as_secs());
        }
        let due = start + Duration::from_secs_f64(sent as f64 / rate);
        let mut is_busy = false;
        if sent < all
            && Instant::now() >= due
            && let Some(number) = free.pop_front()
        {
            late.push(since(due));
            lines[number].stream.write_all(requests[sent % requests.len()].as_bytes())?;
            asked.push_back((number, due, Instant::now()));
            (sent, is_busy) = (sent + 1, true);
        }
        for _ in 0..asked.len() {
            let Some((number, due, sent)) = asked.pop_front() else { break };
            if lines[number].is_answered().with_context(|| format!("POST {}", target.path))? {
                latencies.push(since(due));
                from_sending.push(since(sent));
                free.push_back(number);
                is_busy = true;
            } else {
                asked.push_back((number, due, sent));
            }
        }
        if !is_busy {
            std::thread::yield_now();
        }
    }
    for samples in [&mut latencies, &mut from_sending, &mut late] {
        samples.sort_by(f64::total_cmp);
    }
    Ok(Paced {
        p50: share(&latencies, 0.5),
        p99: share(&latencies, 0.99),
        sent_p99: share(&from_sending, 0.99),
        late_p99: share(&late, 0.99),
    })
}

fn request(target: &Target, body: &str) -> String {
    let (path, address, length) = (&target.path, &target.address, body.len());
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A connection that is never waited for.
struct Line {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Line {
    fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("nobody answers at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// Reads what is there, and tells whether that ends the answer.
    fn is_answered(&mut self) -> Result<bool> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(length) => self.answer.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let text = std::str::from_utf8(&self.answer).context("an answer that is no text")?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return Ok(false) };
        if !head.starts_with("HTTP/1.1 200") {
            bail!("refused with {text}");
        }
        let header = |name: &str| {
            let named = |line: &&str| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            head.lines().find(named).map(|line| line[name.len()..].trim())
        };
        let is_whole = match header("content-length:") {
            Some(length) => body.len() >= length.parse()?,
            None => body.ends_with("0\r\n\r\n"),
        };
        if is_whole {
            self.answer.clear();
        }
        Ok(is_whole)
    }
}

fn since(due: Instant) -> f64 {
    Instant::now().saturating_duration_since(due).as_secs_f64() * 1e3
}

/// The value that this share of the sorted ones does not exceed.
fn share(sorted: &[f64], share: f64) -> f64 {
    let position = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(position.saturating_sub(1)).copied().unwrap_or_default()
}
