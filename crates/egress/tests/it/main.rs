//! Calls against a listener of this process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use flyball_core::ErrorCode;
use flyball_egress::{Download, Egress, Reach};

/// Answers one request and gives back what it was.
fn answering(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let length = head.to_lowercase().split_once("content-length: ").unwrap().1.to_owned();
        let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        head + &String::from_utf8(body).unwrap()
    });
    (url, thread)
}

#[test]
fn a_call_brings_headers_and_body_and_gets_the_answer() {
    let (url, server) = answering("HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    let answer = Egress::new(Reach::Anywhere).post_json(&url, &[("X-Test", "1")], "{\"a\":1}").unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (202, "ok"));
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains("x-test: 1\r\n") && request.ends_with("{\"a\":1}"), "{request}");
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let (url, server) = answering(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/inside\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(Egress::new(Reach::Anywhere).post_json(&url, &[], "{}").unwrap().status, 302);
    server.join().unwrap();
}

#[test]
fn an_endless_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut start = [0; 4];
        stream.read_exact(&mut start).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        // Until the caller hangs up.
        while stream.write_all(chunk.as_bytes()).is_ok() {}
    });
    let egress = Egress::new(Reach::Anywhere);
    let answer = egress.post_json(&url, &[], "{}").unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 64 * 1024));
    server.join().unwrap();
}

#[test]
fn an_inner_address_is_refused_where_it_is_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
    let error = Egress::new(Reach::Public).post_json(&url, &[], "{}").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Forbidden, "{error:?}");
    let plain = Egress::new(Reach::Public).post_json("http://8.8.8.8/", &[], "{}").unwrap_err();
    assert_eq!(plain.code(), ErrorCode::InvalidInput, "{plain:?}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing was dialled");
}

#[test]
fn a_host_that_is_not_there_may_come_back() {
    let error = Egress::new(Reach::Anywhere).post_json("http://127.0.0.1:1/", &[], "{}").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error:?}");
}

/// Answers one GET with this.
fn serving(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        head
    });
    (url, thread)
}

#[test]
fn a_download_goes_into_the_writer_up_to_its_limit() {
    const ANSWER: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    let egress = Egress::new(Reach::Anywhere);
    let mut body = Vec::new();
    let (url, server) = serving(ANSWER);
    let download = Download { url: &url, headers: &[("Accept", "text/html")], limit: 5, authorities: None };
    let fetched = egress.get(&download, &mut body).unwrap();
    assert_eq!((fetched.status, fetched.content_type.as_deref()), (200, Some("text/html")));
    assert_eq!(body, b"hello");
    assert!(server.join().unwrap().to_lowercase().contains("accept: text/html\r\n"));
    let (url, server) = serving(ANSWER);
    let error = egress.get(&Download { url: &url, limit: 4, ..download }, &mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::LimitExceeded);
    server.join().unwrap();
    let (url, server) = serving("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 3\r\n\r\nabc");
    body.clear();
    let fetched = egress.get(&Download { url: &url, ..download }, &mut body).unwrap();
    assert_eq!((fetched.status, fetched.location.as_deref(), body.len()), (302, Some("/other"), 0));
    server.join().unwrap();
    let error = egress.get(&Download { authorities: Some(b"none"), ..download }, &mut body).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput);
}

#[test]
fn a_download_stays_within_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/file", listener.local_addr().unwrap().port());
    let download = Download { url: &url, headers: &[], limit: 1, authorities: None };
    let error = Egress::new(Reach::Public).get(&download, &mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Forbidden, "{error:?}");
}
