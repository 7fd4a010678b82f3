//! Mail, to a server that speaks the protocol.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_monitoring::alert::AlertPolicy;
use flyball_monitoring::notify::Destination;
use flyball_testkit::on_both;

use crate::fixture::{World, route};

/// What a client said up to the end of its mail.
struct Session {
    commands: Vec<String>,
    mail: String,
}

/// A server that takes mail of whoever knows the password; it offers no TLS.
fn server() -> (String, Receiver<Session>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let (tell, sessions) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if tell.send(serve(stream.unwrap())).is_err() {
                return;
            }
        }
    });
    (url, sessions)
}

fn serve(stream: TcpStream) -> Session {
    let mut reader = BufReader::new(stream);
    let mut session = Session { commands: Vec::new(), mail: String::new() };
    let say = |reader: &mut BufReader<TcpStream>, text: &str| reader.get_mut().write_all(text.as_bytes()).is_ok();
    say(&mut reader, "220 ready\r\n");
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return session;
        }
        let line = line.trim_end().to_owned();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        session.commands.push(line.clone());
        let known = format!("AUTH PLAIN {}", STANDARD.encode("\0me\0canary-pass"));
        let answer = match verb.as_str() {
            "EHLO" => "250-here\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" if line == known => "235 welcome\r\n",
            "AUTH" => "535 who are you, canary-pass?\r\n",
            "MAIL" | "RCPT" => "250 ok\r\n",
            "DATA" => {
                say(&mut reader, "354 go on\r\n");
                let mut text = String::new();
                while !session.mail.ends_with("\r\n.\r\n") {
                    text.clear();
                    reader.read_line(&mut text).unwrap();
                    session.mail.push_str(&text);
                }
                "250 taken\r\n"
            }
            "QUIT" => {
                say(&mut reader, "221 bye\r\n");
                return session;
            }
            _ => "502 what\r\n",
        };
        say(&mut reader, answer);
    }
}

fn email(server: &str) -> Destination {
    let text = |text: &str| text.parse().unwrap();
    Destination::Email {
        to: text("on-call@example.com, lead@example.com"),
        from: text("Flyball <flyball@example.com>"),
        server: text(server),
        user: Some(text("me")),
        password: Some(text("${{ secrets.MAIL }}")),
    }
}

#[test]
fn mail_reaches_a_server() {
    on_both(|db| {
        let (address, sessions) = server();
        let world =
            World::new(db, AlertPolicy::default(), vec![route("email", email(&format!("smtp+plain://{address}")))]);
        world.set_secret("MAIL", "canary-pass");
        world.drift(true);
        world.deliver();
        let session = sessions.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(
            session.commands.iter().any(|line| line.starts_with("RCPT TO:<lead@example.com>")),
            "{:?}",
            session.commands
        );
        assert!(session.mail.contains("Subject: [FIRING] flights: 1 of 9 columns drifted"), "{}", session.mail);
        assert!(session.mail.contains("What to do:"), "{}", session.mail);
        assert_eq!(world.deliveries()[0].state, "succeeded");
    });
}

#[test]
fn a_wrong_password_and_missing_tls_are_told_without_secrets() {
    on_both(|db| {
        let (address, sessions) = server();
        let routes = vec![
            route("plain", email(&format!("smtp+plain://{address}"))),
            route("tls", email(&format!("smtp://{address}"))),
        ];
        let world = World::new(db, AlertPolicy::default(), routes);
        world.set_secret("MAIL", "canary-pas");
        world.drift(true);
        world.deliver();
        let commands: Vec<String> =
            (0..2).flat_map(|_| sessions.recv_timeout(Duration::from_secs(20)).unwrap().commands).collect();
        assert!(!commands.iter().any(|line| line.starts_with("MAIL")), "{commands:?}");
        assert_eq!(commands.iter().filter(|line| line.starts_with("AUTH")).count(), 1, "no password without TLS");
        let deliveries = world.deliveries();
        let error = |route: &str| deliveries.iter().find(|d| d.route == route).unwrap().error.clone().unwrap();
        assert_eq!(error("plain"), "the mail server refused with 535");
        assert!(error("tls").contains("STARTTLS"), "{}", error("tls"));
        assert!(!serde_json::to_string(&deliveries).unwrap().contains("canary"));
    });
}
