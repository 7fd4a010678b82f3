use flyball_core::{Error, ErrorCode, limits};

use super::*;

fn refused(sql: &str) -> Error {
    engine().sql(sql, &tables(4)).unwrap_err()
}

#[test]
fn unknown_names_come_with_what_looks_like_them() {
    for (sql, message, hint) in [
        ("SELECT orgin FROM flights", "there is no column 'orgin'", "did you mean origin?"),
        ("SELECT f.windspeed FROM weather f", "there is no column 'f.windspeed'", "did you mean windSpeed?"),
        ("SELECT * FROM flihgts", "there is no table 'flihgts'", "did you mean flights?"),
        ("SELECT uper(origin) FROM flights", "there is no function 'uper'", "did you mean upper?"),
        ("SELECT origin FROM flights, weather", "several tables have a column 'origin'", "t.origin"),
        ("SELECT f.id, f.id AS id FROM flights f", "twice", "AS"),
    ] {
        let error = refused(sql);
        assert!(error.message().contains(message), "{sql}: {error}");
        assert!(error.next_step().unwrap_or_default().contains(hint), "{sql}: {error}");
    }
}

#[test]
fn what_cannot_be_read_says_where() {
    let error = refused("SELECT id FROM flights WHERE");
    assert_eq!(error.code(), ErrorCode::SqlError);
    assert!(error.message().starts_with("the SQL cannot be read: expected"), "{error}");
    let error = refused("SELECT CAST(origin AS INT) FROM flights");
    assert!(error.message().contains("EWR"), "{error}");
}

#[test]
fn only_queries_are_run() {
    for sql in [
        "",
        "CREATE TABLE t AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "COPY flights TO 'flights.csv'",
        "INSERT INTO flights SELECT * FROM flights",
        "DROP TABLE flights",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "SELECT 1; SELECT 2",
        "SELECT * INTO t FROM flights",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'flights.csv'",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM read_csv('/etc/passwd')",
    ] {
        assert_eq!(refused(sql).code(), ErrorCode::SqlError, "{sql}");
    }
}

#[test]
fn time_and_chance_do_not_exist() {
    for function in ["now()", "current_timestamp", "current_date", "current_time", "today()", "random()", "uuid()"] {
        let error = refused(&format!("SELECT {function} AS x FROM flights"));
        assert!(error.message().contains("is not allowed") || error.message().contains("there is no"), "{error}");
    }
}

#[test]
fn memory_has_a_limit() {
    let small = DataFusionEngine::new(1, 1 << 20).unwrap();
    for sql in [
        "SELECT a.id FROM flights a, flights b, flights c, flights d",
        "SELECT a.id + b.id * 1000 AS x, COUNT(*) AS n FROM flights a, flights b GROUP BY 1 ORDER BY 2",
    ] {
        assert_eq!(small.sql(sql, &tables(500)).unwrap_err().code(), ErrorCode::LimitExceeded, "{sql}");
    }
}

#[test]
fn long_and_deep_texts_do_no_harm() {
    assert_eq!(refused(&" ".repeat(limits::SQL_BYTES + 1)).code(), ErrorCode::LimitExceeded);
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(refused(&deep).code(), ErrorCode::SqlError);
    let chain = |terms| format!("SELECT id{} AS x FROM flights", "+1".repeat(terms));
    assert_eq!(engine().sql(&chain(200), &tables(1)).unwrap().rows(), 2);
    for terms in [300, 120_000] {
        let error = refused(&chain(terms));
        assert!(error.message().contains("nested"), "{error}");
    }
}
