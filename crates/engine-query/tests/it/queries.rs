use flyball_core::{Column, Value};
use flyball_data::check::{Check, Context, Rule, evaluate};

use super::*;

#[test]
fn joins_windows_and_date_functions_work() {
    let table = answer(
        "SELECT f.id, date_part('hour', f.time_hour) AS hour, w.windSpeed, \
         AVG(f.delay) OVER (PARTITION BY f.origin ORDER BY f.time_hour ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS recent, \
         f.delay > 3 AS late, date_trunc('day', f.time_hour) AS day \
         FROM flights f LEFT JOIN weather w USING (origin, time_hour) ORDER BY f.id",
    );
    assert_eq!(table.rows(), 96);
    assert_eq!(
        table.row(0),
        [
            Value::Int(0),
            Value::Int(0),
            Value::Float(0.0),
            Value::Missing,
            Value::Bool(false),
            Value::Time(1_356_998_400_000)
        ]
    );
    let row = table.row(53);
    assert_eq!(row[1..4], [Value::Int(2), Value::Float(53.0), Value::Float(4.0)]);
    assert_eq!(row[5], Value::Time(1_357_084_800_000));
}

#[test]
fn times_compare_with_literals_and_intervals() {
    let table = answer(
        "SELECT COUNT(*) AS n FROM flights WHERE time_hour >= '2013-01-01T06:00:00' \
         AND time_hour < TIMESTAMP '2013-01-01 06:00:00' + INTERVAL '3 hours'",
    );
    assert_eq!(table.column("n").unwrap(), &Column::Int(vec![6]));
}

#[test]
fn the_same_query_gives_the_same_rows_in_the_same_order() {
    let tables = tables(20_000);
    let sql = "SELECT origin, time_hour, SUM(delay / 3.0) AS total, COUNT(DISTINCT id) AS n FROM flights \
               JOIN weather USING (origin, time_hour) GROUP BY origin, time_hour";
    let first = engine().sql(sql, &tables).unwrap();
    assert_eq!(first.rows(), 40_000);
    for _ in 0..3 {
        assert_eq!(engine().sql(sql, &tables).unwrap(), first);
    }
}

#[test]
fn values_and_gaps_survive_the_way_through_the_engine() {
    let table = Table::new(vec![
        ("text".into(), Column::Text(TextColumn::from_texts([Some("é"), None, Some("")]))),
        ("float".into(), Column::Float(vec![f64::NAN, -0.5, f64::INFINITY])),
        ("int".into(), Column::Int(vec![i64::MAX, flyball_core::table::MISSING_INT, -1])),
        ("flag".into(), Column::Bool(vec![1, 0, flyball_core::table::MISSING_BOOL])),
        ("time".into(), Column::Time(vec![-1, flyball_core::table::MISSING_INT, 5])),
    ])
    .unwrap();
    let rows = |table: &Table| (0..table.rows()).map(|row| table.row(row)).collect::<Vec<_>>();
    let answer = engine().sql("SELECT * FROM t", &[("t".into(), Arc::new(table.clone()))]).unwrap();
    assert_eq!(rows(&answer), rows(&table));
    let empty = Arc::new(table.take(&[]));
    assert_eq!(engine().sql("SELECT * FROM t WHERE flag", &[("t".into(), empty)]).unwrap().names(), table.names());
}

#[test]
fn tables_in_use_are_those_that_are_read() {
    let sql = "WITH w AS (SELECT * FROM weather) SELECT * FROM Flights f, w, \"flight-log\" \
               WHERE EXISTS (SELECT 1 FROM holidays) AND EXISTS (SELECT 1 FROM weather)";
    assert_eq!(engine().referenced_tables(sql).unwrap(), ["Flights", "flight-log", "holidays", "weather"]);
}

#[test]
fn a_query_may_be_asked_from_inside_another_runtime() {
    let outer = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rows = outer.block_on(async { engine().sql("SELECT * FROM flights", &tables(2)).unwrap().rows() });
    assert_eq!(rows, 4);
}

#[test]
fn a_check_may_be_a_condition() {
    let table = &tables(3)[0].1;
    let run = |sql: &str| {
        let check = Check::strict(Rule::Expression { sql: sql.into() });
        let engine = engine();
        let context = Context { query: Some(&engine), ..Context::default() };
        evaluate(table, &[check], &context).unwrap().remove(0)
    };
    let outcome = run("delay < 2 OR origin = 'EWR' -- the rest is a comment");
    assert_eq!((outcome.examined, outcome.first_rows), (6, vec![5]));
    assert!(run("NULLIF(delay, 0) > 0").passed, "an unknown answer is not a failure");
    let finding = run("dealy > 0").finding.unwrap();
    assert_eq!(finding, "there is no column 'dealy'; did you mean delay?");
}
