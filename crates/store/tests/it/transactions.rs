use flyball_core::{Error, ErrorCode};
use flyball_store::{Db, Row, params};
use flyball_testkit::{TestDb, on_both};

fn create_accounts(db: &Db) {
    db.write(|tx| {
        tx.execute("CREATE TABLE accounts (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)", &[])?;
        tx.execute(
            "CREATE TABLE entries (id BIGINT PRIMARY KEY, \
             account BIGINT NOT NULL REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED)",
            &[],
        )?;
        tx.execute("CREATE TABLE cards (account BIGINT NOT NULL REFERENCES accounts (id))", &[])?;
        tx.execute("INSERT INTO accounts (id, balance) VALUES (1, 0)", &[])
    })
    .unwrap();
}

fn count(db: &Db, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) AS n FROM {table}");
    db.read(|tx| tx.query_one(&sql, &[])).unwrap().unwrap().get("n").unwrap()
}

#[test]
fn an_error_rolls_back_its_own_closure_only() {
    on_both(|db| {
        create_accounts(db);
        let failed = db.write(|tx| -> flyball_core::Result<()> {
            tx.execute("INSERT INTO accounts (id, balance) VALUES (2, 0)", &[])?;
            Err(Error::invalid("no"))
        });
        assert_eq!(failed.unwrap_err().message(), "no");
        db.write(|tx| tx.execute("INSERT INTO accounts (id, balance) VALUES (3, 0)", &[])).unwrap();
        let ids = db.read(|tx| tx.query("SELECT id FROM accounts ORDER BY id", &[])).unwrap();
        assert_eq!(ids.iter().map(|row| row.get::<i64>("id").unwrap()).collect::<Vec<_>>(), [1, 3]);
    });
}

#[test]
fn broken_constraints_are_conflicts_and_say_nothing_of_the_sql() {
    on_both(|db| {
        create_accounts(db);
        for sql in [
            "INSERT INTO accounts (id, balance) VALUES (1, 5)",
            "INSERT INTO accounts (id) VALUES (9)",
            "INSERT INTO cards (account) VALUES (99)",
        ] {
            let error = db.write(move |tx| tx.execute(sql, &[])).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Conflict, "{sql}: {error:?}");
            assert!(!error.message().contains("accounts") && error.cause_text().is_some());
        }
        let wrong = db.write(|tx| tx.execute("INSERT INTO nowhere (id) VALUES (1)", &[])).unwrap_err();
        assert_eq!(wrong.code(), ErrorCode::Internal);
        assert!(!wrong.message().contains("nowhere"));
    });
}

#[test]
fn after_a_failed_statement_nothing_of_the_transaction_is_kept() {
    on_both(|db| {
        create_accounts(db);
        let ignored = db.write(|tx| {
            tx.execute("INSERT INTO accounts (id, balance) VALUES (2, 0)", &[])?;
            let duplicate = tx.execute("INSERT INTO accounts (id, balance) VALUES (1, 0)", &[]);
            assert_eq!(duplicate.unwrap_err().code(), ErrorCode::Conflict);
            let after = tx.execute("INSERT INTO accounts (id, balance) VALUES (4, 0)", &[]);
            assert_eq!(after.unwrap_err().code(), ErrorCode::Internal);
            Ok(())
        });
        assert_eq!(ignored.unwrap_err().code(), ErrorCode::Internal, "success would be a lie");
        assert_eq!(count(db, "accounts"), 1);
    });
}

#[test]
fn a_panic_in_a_write_is_an_error_of_that_write() {
    on_both(|db| {
        create_accounts(db);
        let panicked = db.write(|tx| -> flyball_core::Result<()> {
            tx.execute("INSERT INTO accounts (id, balance) VALUES (2, 0)", &[])?;
            panic!("on purpose")
        });
        let error = panicked.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(error.cause_text().unwrap().contains("on purpose"));
        assert_eq!(count(db, "accounts"), 1);
        db.write(|tx| tx.execute("INSERT INTO accounts (id, balance) VALUES (2, 0)", &[])).unwrap();
    });
}

#[test]
fn a_write_inside_a_write_is_refused_instead_of_waiting_for_ever() {
    on_both(|db| {
        let inner = Db::clone(db);
        let nested = db.write(move |_| inner.write(|_| Ok(())));
        assert_eq!(nested.unwrap_err().code(), ErrorCode::Internal);
    });
}

#[test]
fn the_last_handle_may_be_dropped_inside_a_write() {
    let test = TestDb::sqlite();
    let db = Db::open(test.url()).unwrap();
    let last = db.clone();
    db.write(move |_| {
        drop(last);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_read_sees_one_snapshot_and_cannot_write() {
    on_both(|db| {
        create_accounts(db);
        db.read(|tx| {
            let number = |row: Option<Row>| row.unwrap().get::<i64>("n").unwrap();
            let before = number(tx.query_one("SELECT COUNT(*) AS n FROM accounts", &[])?);
            db.write(|tx| tx.execute("INSERT INTO accounts (id, balance) VALUES (2, 0)", &[]))?;
            assert_eq!(number(tx.query_one("SELECT COUNT(*) AS n FROM accounts", &[])?), before);
            Ok(())
        })
        .unwrap();
        assert_eq!(count(db, "accounts"), 2);
        assert!(db.read(|tx| tx.execute("DELETE FROM accounts", &[])).is_err());
        assert_eq!(count(db, "accounts"), 2);
        let many = db.read(|tx| tx.query_one("SELECT id FROM accounts", &params![])).unwrap_err();
        assert_eq!(many.code(), ErrorCode::Internal);
    });
}

#[test]
fn a_commit_that_fails_fails_the_write_and_leaves_nothing() {
    on_both(|db| {
        create_accounts(db);
        // The reference is checked at the commit only.
        let failed = db.write(|tx| tx.execute("INSERT INTO entries (id, account) VALUES (1, 99)", &[]));
        assert!(failed.is_err());
        assert_eq!(count(db, "entries"), 0);
        db.write(|tx| tx.execute("INSERT INTO entries (id, account) VALUES (1, 1)", &[])).unwrap();
        assert_eq!(count(db, "entries"), 1);
    });
}
