use std::collections::BTreeSet;
use std::thread;

use flyball_store::{DatabaseUrl, Db, params};
use flyball_testkit::on_both;

use crate::child;

const WRITERS: i64 = 4;

/// Writes for ever and tells each row that was acknowledged.
#[test]
#[ignore = "the child process of another test"]
fn child_that_writes() {
    let url: DatabaseUrl = child::subject().unwrap().parse().unwrap();
    let db = Db::open(&url).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let db = &db;
            scope.spawn(move || {
                for id in (writer..).step_by(4) {
                    db.write(move |tx| {
                        tx.execute("INSERT INTO left_rows (id) VALUES ($1)", &params![id])?;
                        tx.execute("INSERT INTO right_rows (id) VALUES ($1)", &params![id])
                    })
                    .unwrap();
                    println!("\nacknowledged {id}");
                }
            });
        }
    });
}

#[test]
fn after_kill_9_every_acknowledged_write_is_there_whole() {
    on_both(|db| {
        db.write(|tx| {
            tx.execute("CREATE TABLE left_rows (id BIGINT PRIMARY KEY)", &[])?;
            tx.execute("CREATE TABLE right_rows (id BIGINT PRIMARY KEY)", &[])
        })
        .unwrap();
        let url = match db.url() {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let (mut writer, lines) = child::spawn("crash::child_that_writes", &url);
        let mut acknowledged = BTreeSet::new();
        for line in lines {
            if let Some(id) = line.unwrap().strip_prefix("acknowledged ") {
                acknowledged.insert(id.parse::<i64>().unwrap());
            }
            if acknowledged.len() == 300 {
                writer.kill().unwrap(); // SIGKILL; what is still in the pipe is read on
            }
        }
        writer.wait().unwrap();
        assert!(acknowledged.len() >= 300, "{} rows were acknowledged", acknowledged.len());
        let ids = |sql: &str| -> BTreeSet<i64> {
            let rows = db.read(|tx| tx.query(sql, &[])).unwrap();
            rows.iter().map(|row| row.get("id").unwrap()).collect()
        };
        let (left, right) = (ids("SELECT id FROM left_rows"), ids("SELECT id FROM right_rows"));
        assert_eq!(left, right, "a write is there as a whole or not at all");
        assert!(acknowledged.is_subset(&left));
        assert!(left.len() <= acknowledged.len() + usize::try_from(WRITERS).unwrap());
    });
}
