//! A small HTTP client and a closed loop of requests over it.
//!
//! Unlike a generator that stops at a time, the loop waits for the last answer: with requests of seconds, those cut off
//! would cost the server CPU time that no counted request stands for.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// A connection that is kept for many requests.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    address: String,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("nobody answers at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(300)))?;
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream), address: address.to_owned(), answer: Vec::new() })
    }

    /// Sends a request and reads the body of its answer; anything but 200 is an error.
    pub(super) fn call(&mut self, method: &str, path: &str, body: &str) -> Result<&[u8]> {
        let mut request = self.head(method, path, Some(("application/json", body.len() as u64)));
        request.push_str(body);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut answer = std::mem::take(&mut self.answer);
        answer.clear();
        let read = self.read(&mut answer);
        self.answer = answer;
        read.with_context(|| format!("{method} {path}"))?;
        Ok(&self.answer)
    }

    /// Sends `length` bytes as the body of a PUT.
    pub(super) fn put(&mut self, path: &str, body: &mut impl Read, length: u64) -> Result<()> {
        let head = self.head("PUT", path, Some(("application/octet-stream", length)));
        self.stream.get_mut().write_all(head.as_bytes())?;
        let sent = io::copy(body, self.stream.get_mut());
        // A server that refuses may close before the whole body is there: its answer says more than the broken pipe.
        self.read(&mut Vec::new()).with_context(|| format!("PUT {path}"))?;
        sent?;
        Ok(())
    }

    /// Gets what is at `path`, and tells its length.
    pub(super) fn get(&mut self, path: &str, into: &mut impl Write) -> Result<u64> {
        let head = self.head("GET", path, None);
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.read(into).with_context(|| format!("GET {path}"))
    }

    fn head(&self, method: &str, path: &str, body: Option<(&str, u64)>) -> String {
        let host = &self.address;
        let body = body.map(|(kind, length)| format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n"));
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{}\r\n", body.unwrap_or_default())
    }

    /// Reads an answer and gives its body to `into`.
    fn read(&mut self, into: &mut impl Write) -> Result<u64> {
        let status = self.line()?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("content-length", value)) => length = value.parse()?,
                Some(("transfer-encoding", value)) => chunked = value == "chunked",
                Some(_) => {}
                None if line.is_empty() => break,
                None => bail!("a header without a colon: {line}"),
            }
        }
        if !status.starts_with("HTTP/1.1 200") {
            let mut said = Vec::new();
            self.body(chunked, length.min(2_000), &mut said)?;
            bail!("refused with {status}: {}", String::from_utf8_lossy(&said));
        }
        self.body(chunked, length, into)
    }

    fn body(&mut self, chunked: bool, length: u64, into: &mut impl Write) -> Result<u64> {
        if !chunked {
            return self.piece(length, into);
        }
        let mut whole = 0;
        loop {
            let size = u64::from_str_radix(self.line()?.split(';').next().unwrap_or_default(), 16)?;
            whole += self.piece(size, into)?;
            self.line()?;
            if size == 0 {
                return Ok(whole);
            }
        }
    }

    fn piece(&mut self, length: u64, into: &mut impl Write) -> Result<u64> {
        let read = io::copy(&mut (&mut self.stream).take(length), into)?;
        if read != length {
            bail!("the answer broke off after {read} of {length} bytes");
        }
        Ok(read)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// How much is asked: for so many seconds and at least so many requests, unless that takes too long.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) seconds: f64,
    pub(super) least: usize,
    pub(super) most_seconds: f64,
}

impl Budget {
    fn is_spent(&self, since: Instant, requests: usize) -> bool {
        let elapsed = since.elapsed().as_secs_f64();
        elapsed >= self.most_seconds || (elapsed >= self.seconds && requests >= self.least)
    }
}

/// The request that is repeated.
pub(super) struct Shape<'a> {
    pub(super) method: &'static str,
    pub(super) path: String,
    /// The body for the connection of this number; made before the clock of a request starts.
    pub(super) body: &'a (dyn Fn(usize) -> String + Sync),
}

/// What the loop saw.
pub(super) struct Timing {
    /// From the first request to the last answer, in seconds.
    pub(super) wall: f64,
    /// Of each request in milliseconds, shortest first.
    latencies: Vec<f64>,
}

impl Timing {
    pub(super) fn requests(&self) -> usize {
        self.latencies.len()
    }

    /// The latency in milliseconds that this percentage of requests does not exceed.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let position = (self.latencies.len() * percent).div_ceil(100);
        self.latencies.get(position.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// Keeps `connections` busy, each with one request at a time. The first refusal ends it.
pub(super) fn run(address: &str, connections: usize, budget: Budget, shape: &Shape<'_>) -> Result<Timing> {
    let (done, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let latencies = Mutex::new(Vec::new());
    let started = Instant::now();
    let one = |number: usize| -> Result<()> {
        let mut connection = Connection::open(address)?;
        let mut own = Vec::new();
        while !failed.load(Relaxed) && !budget.is_spent(started, done.load(Relaxed)) {
            let body = (shape.body)(number);
            let asked = Instant::now();
            connection.call(shape.method, &shape.path, &body)?;
            own.push(asked.elapsed().as_secs_f64() * 1000.0);
            done.fetch_add(1, Relaxed);
        }
        latencies.lock().map_err(|_| anyhow!("a connection panicked"))?.extend(own);
        Ok(())
    };
    std::thread::scope(|scope| -> Result<()> {
        let start = |number| {
            let (one, failed) = (&one, &failed);
            scope.spawn(move || one(number).inspect_err(|_| failed.store(true, Relaxed)))
        };
        let threads: Vec<_> = (0..connections).map(start).collect();
        let ends = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a connection panicked"))?);
        ends.collect::<Vec<_>>().into_iter().collect()
    })?;
    let wall = started.elapsed().as_secs_f64();
    let mut latencies = latencies.into_inner().map_err(|_| anyhow!("a connection panicked"))?;
    latencies.sort_by(f64::total_cmp);
    Ok(Timing { wall, latencies })
}
