use std::thread;

use flyball_core::{Error, ErrorCode, Result};
use flyball_store::{Db, params};
use flyball_testkit::{TestDb, on_both};

const THREADS: i64 = 16;

/// Reads the counter and writes it back larger by one: right only when writers take turns.
fn increment(db: &Db) -> Result<u64> {
    db.write(|tx| {
        let row = tx.query_one("SELECT n FROM counter", &[])?.ok_or_else(|| Error::not_found("row", "n"))?;
        tx.execute("UPDATE counter SET n = $1", &params![row.get::<i64>("n")? + 1])
    })
}

fn create_counter(db: &Db) {
    db.write(|tx| {
        tx.execute("CREATE TABLE counter (n BIGINT NOT NULL)", &[])?;
        tx.execute("CREATE TABLE log (id BIGINT PRIMARY KEY, text TEXT NOT NULL)", &[])?;
        tx.execute("INSERT INTO counter (n) VALUES (0)", &[])
    })
    .unwrap();
}

fn number(db: &Db, sql: &str) -> i64 {
    db.read(|tx| tx.query_one(sql, &[])).unwrap().unwrap().get("n").unwrap()
}

#[test]
fn writers_of_one_process_take_turns() {
    on_both(|db| {
        create_counter(db);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..25).for_each(|_| assert_eq!(increment(db).unwrap(), 1)));
            }
        });
        assert_eq!(number(db, "SELECT n FROM counter"), THREADS * 25);
    });
}

#[test]
fn writers_of_several_replicas_take_turns() {
    on_both(|db| {
        create_counter(db);
        let replicas: Vec<Db> = (0..3).map(|_| Db::open(db.url()).unwrap()).collect();
        thread::scope(|scope| {
            for replica in &replicas {
                for _ in 0..2 {
                    scope.spawn(|| (0..20).for_each(|_| assert_eq!(increment(replica).unwrap(), 1)));
                }
            }
        });
        assert_eq!(number(db, "SELECT n FROM counter"), 120);
    });
}

#[test]
fn in_a_group_each_closure_fails_alone() {
    on_both(|db| {
        create_counter(db);
        thread::scope(|scope| {
            for worker in 0..THREADS {
                scope.spawn(move || {
                    for step in 0..20 {
                        let id = worker * 100 + step;
                        let outcome = db.write(move |tx| {
                            tx.execute("INSERT INTO log (id, text) VALUES ($1, 'x')", &params![id])?;
                            match id % 4 {
                                0 => Err(Error::invalid("on purpose")),
                                1 => panic!("on purpose"),
                                2 => tx.execute("INSERT INTO log (id, text) VALUES ($1, 'twice')", &params![id]),
                                _ => Ok(1),
                            }
                        });
                        let code = outcome.err().map(|error| error.code());
                        let expected = [ErrorCode::InvalidInput, ErrorCode::Internal, ErrorCode::Conflict];
                        assert_eq!(code, expected.get(usize::try_from(id % 4).unwrap()).copied());
                    }
                });
            }
        });
        assert_eq!(number(db, "SELECT COUNT(*) AS n FROM log"), THREADS * 5);
        assert_eq!(number(db, "SELECT COUNT(*) AS n FROM log WHERE id % 4 = 3"), THREADS * 5);
    });
}

#[test]
fn on_a_full_disk_what_was_acknowledged_is_there_and_nothing_else() {
    let db = TestDb::sqlite();
    create_counter(&db);
    let pages = number(&db, "SELECT page_count AS n FROM pragma_page_count()") + 40;
    db.write(move |tx| tx.query(&format!("PRAGMA max_page_count = {pages}"), &[])).unwrap();
    let acknowledged: Vec<i64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let db = &db;
                scope.spawn(move || {
                    let ids = (0..20).map(|step| worker * 100 + step);
                    let kept = ids.filter(|id| {
                        let id = *id;
                        let outcome = db.write(move |tx| {
                            let text = "x".repeat(3_000);
                            tx.execute("INSERT INTO log (id, text) VALUES ($1, $2)", &params![id, text])
                        });
                        outcome.map_err(|error| assert_eq!(error.code(), ErrorCode::StorageFull, "{error:?}")).is_ok()
                    });
                    kept.collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert!(!acknowledged.is_empty() && acknowledged.len() < 320, "{} rows", acknowledged.len());
    let mut acknowledged = acknowledged;
    acknowledged.sort_unstable();
    let rows = db.read(|tx| tx.query("SELECT id FROM log ORDER BY id", &[])).unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<i64>("id").unwrap()).collect::<Vec<_>>(), acknowledged);
    db.write(|tx| tx.query("PRAGMA max_page_count = 1000000", &[])).unwrap();
    assert_eq!(increment(&db).unwrap(), 1, "with space again it goes on");
}

#[test]
fn lost_connections_are_replaced_before_anybody_notices() {
    let db = TestDb::postgres();
    create_counter(&db);
    let cut = "SELECT COUNT(*) AS n FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()) AS cut";
    let outsider = Db::open(db.url()).unwrap();
    for round in 0..20 {
        // Several connections for readers, of which each is lost.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| number(&db, "SELECT n FROM counter, pg_sleep(0.01)"));
            }
        });
        outsider.write(move |tx| tx.query(cut, &[])).unwrap();
        assert_eq!(increment(&db).unwrap(), 1);
        assert_eq!(number(&db, "SELECT n FROM counter"), round + 1);
    }
}

#[test]
fn a_connection_lost_inside_a_transaction_fails_it_and_is_replaced() {
    let db = TestDb::postgres();
    create_counter(&db);
    let own = "SELECT COUNT(*) AS n FROM (SELECT pg_terminate_backend(pg_backend_pid())) AS own";
    let lost = db.write(move |tx| {
        tx.execute("UPDATE counter SET n = 7", &[])?;
        tx.query(own, &[])
    });
    assert_eq!(lost.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(db.read(|tx| tx.query(own, &[])).unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(increment(&db).unwrap(), 1);
    assert_eq!(number(&db, "SELECT n FROM counter"), 1);
}
