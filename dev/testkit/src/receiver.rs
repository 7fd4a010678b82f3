//! A receiver of webhooks that remembers what it got.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::time::Duration;

/// A request as it came.
#[derive(Debug)]
pub struct Received {
    /// The request line and the headers.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Received {
    /// The value of a header, empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// Answers requests one after another, each with the next status; the last one again and again.
pub struct Receiver {
    /// Where it listens, with a path.
    pub url: String,
    got: Channel<Received>,
}

impl Receiver {
    /// A receiver on a free port of this machine.
    ///
    /// # Panics
    /// When there is none.
    pub fn answering(statuses: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (tell, got) = channel();
        // Ends when nobody listens to it any more.
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let status = statuses[number.min(statuses.len() - 1)];
                if answer(stream.expect("a request"), status, &tell).is_none() {
                    return;
                }
            }
        });
        Self { url, got }
    }

    /// The next request.
    ///
    /// # Panics
    /// When none comes.
    pub fn next(&self) -> Received {
        self.got.recv_timeout(Duration::from_secs(30)).expect("a request")
    }

    /// Whether nothing more came.
    pub fn is_quiet(&self) -> bool {
        self.got.try_recv().is_err()
    }
}

fn answer(stream: TcpStream, status: &str, tell: &Sender<Received>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).expect("a request");
    }
    let mut received = Received { head, body: String::new() };
    let mut body = vec![0; received.header("content-length").parse().expect("a request")];
    reader.read_exact(&mut body).expect("a request");
    received.body = String::from_utf8(body).expect("a request");
    // Told before it is answered, so that whoever was answered finds it.
    tell.send(received).ok()?;
    let answer = format!(
        "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody"
    );
    reader.get_mut().write_all(answer.as_bytes()).ok()
}
