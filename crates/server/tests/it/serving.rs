//! Over a real connection: live events, and a stop that cuts nobody off.

use std::sync::Arc;

use flyball_core::limits;
use flyball_server::serve;
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::fixture::TestServer;

#[test]
fn a_stop_ends_live_streams_and_answers_what_was_asked() {
    let server = TestServer::new();
    server.runtime.block_on(stop(&server));
}

async fn stop(server: &TestServer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(serve(Arc::clone(&server.app), listener, async { drop(stopped.await) }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    server.app.hub.publish("loop", "flight\r\ndelays");
    stop.send(()).unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("event: loop\ndata: flight  delays\n"), "{rest}");
    running.await.unwrap().unwrap();
}

#[test]
fn listeners_are_limited_and_slow_ones_are_told_to_refresh() {
    let server = TestServer::new();
    let mut listeners: Vec<_> =
        (0..limits::LIVE_LISTENERS).map(|_| Box::pin(server.app.hub.listen().unwrap())).collect();
    assert!(server.app.hub.listen().is_err());
    for n in 0..1000 {
        server.app.hub.publish("loop", n.to_string());
    }
    let first = server.runtime.block_on(listeners[0].next()).unwrap().unwrap();
    assert!(format!("{first:?}").contains("refresh"), "{first:?}");
    listeners.pop();
    assert!(server.app.hub.listen().is_ok());
}
