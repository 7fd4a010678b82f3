#![allow(warnings, clippy::all)]
use flyball_data::*;
use std::sync::Arc;
use std::time::Instant;
fn hwm() -> String {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
        .map(|l| l.replace('\t', " "))
        .collect::<Vec<_>>()
        .join("  ")
}
fn main() {
    let root = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let engine = flyball_engine_query::DataFusionEngine::new(2, 1 << 30).unwrap();
    let t = Instant::now();
    let load = |s: &str| Arc::new(source::load(&root, s).unwrap().parse().unwrap().0);
    let flights = load("flights.parquet");
    println!("read flights {} rows {} columns {:?} {}", flights.rows(), flights.names().len(), t.elapsed(), hwm());
    let weather = load("weather.csv");
    println!(
        "read weather {:?} {:?} {}",
        weather.columns().map(|(n, c)| format!("{n}:{}", c.kind().as_str())).collect::<Vec<_>>(),
        t.elapsed(),
        hwm()
    );
    let sql = "SELECT ROW_NUMBER() OVER (ORDER BY f.time_hour, f.carrier, f.flight, f.origin, f.sched_dep_time) AS flight_id, f.time_hour AS scheduled_at, f.carrier, f.origin, f.dest, f.distance, f.tailnum, date_part('hour', f.time_hour) AS hour, date_part('dow', f.time_hour) AS dow, w.temp, w.wind_speed, w.visib, w.precip, w.pressure, AVG(w.temp) OVER (PARTITION BY f.origin ORDER BY f.time_hour ROWS 10 PRECEDING) AS recent, CASE WHEN f.arr_delay IS NULL THEN NULL ELSE f.arr_delay > 15 END AS late FROM flights f LEFT JOIN weather w ON f.origin = w.origin AND f.time_hour = w.time_hour";
    println!("tables {:?}", engine.referenced_tables(sql).unwrap());
    let tables = vec![("flights".to_string(), flights.clone()), ("weather".to_string(), weather.clone())];
    let derived = engine.sql(sql, &tables).unwrap();
    println!(
        "derived {} rows {:?} {:?} {}",
        derived.rows(),
        derived.columns().map(|(n, c)| format!("{n}:{}", c.kind().as_str())).collect::<Vec<_>>(),
        t.elapsed(),
        hwm()
    );
    let bytes = formats::parquet::write(&derived).unwrap();
    println!("written {} bytes {:?} {}", bytes.len(), t.elapsed(), hwm());
    let d = flyball_core::Digest::of(&bytes);
    let t = Instant::now();
    let p = profile::profile(&derived);
    println!(
        "profile {:?}, temp missing {}, late {:?}",
        t.elapsed(),
        p.columns.iter().find(|c| c.name == "temp").unwrap().missing,
        p.columns.last().unwrap().top
    );
    let t = Instant::now();
    let checks: Vec<Check> = vec![
        Check::strict(Rule::Unique {
            columns: ["year", "month", "day", "carrier", "flight", "origin", "sched_dep_time"]
                .map(String::from)
                .to_vec(),
        }),
        Check::strict(Rule::NotNull { columns: vec!["arr_delay".into()] }),
        Check::strict(Rule::Expression { sql: "distance > 20".into() }),
        Check::strict(Rule::Regex { column: "origin".into(), pattern: "^(EWR|JFK|LGA)$".into() }),
    ];
    for o in check::evaluate(&flights, &checks, Some(&engine)).unwrap() {
        println!("  {} passed={} failing={}/{} {:?}", o.text, o.passed, o.failing, o.examined, o.finding);
    }
    println!("checks {:?}", t.elapsed());
    for _ in 0..2 {
        let t = Instant::now();
        let again = engine.sql(sql, &tables).unwrap();
        println!(
            "again {:?} same {}",
            t.elapsed(),
            flyball_core::Digest::of(&formats::parquet::write(&again).unwrap()) == d
        );
    }
    let unordered = "SELECT f.*, w.temp FROM flights f JOIN weather w USING (origin, time_hour)";
    for _ in 0..2 {
        let t = Instant::now();
        let a = engine.sql(unordered, &tables).unwrap();
        println!(
            "unordered {} {:?} {}",
            a.rows(),
            t.elapsed(),
            flyball_core::Digest::of(&formats::parquet::write(&a).unwrap()).short()
        );
    }
    let grouped = "SELECT origin, dest, avg(arr_delay) AS a, stddev(dep_delay) AS s FROM flights GROUP BY origin, dest";
    for _ in 0..2 {
        let a = engine.sql(grouped, &tables).unwrap();
        println!("grouped {} {}", a.rows(), flyball_core::Digest::of(&formats::parquet::write(&a).unwrap()).short());
    }
    let t = Instant::now();
    for _ in 0..20 {
        engine.sql("SELECT 1 AS x", &[]).unwrap();
    }
    println!("empty query {:?}", t.elapsed() / 20);
    for s in [
        "SELECT abs(distance), round(distance/3), sqrt(distance), ln(distance) FROM flights LIMIT 1",
        "SELECT orgin FROM flights",
        "SELECT now()",
        "SELECT count(*) FROM generate_series(1,10)",
        "SELECT a FROM flights WHERE",
    ] {
        match engine.sql(s, &tables) {
            Ok(t) => println!("{s}: {:?}", t.row(0)),
            Err(e) => println!("{s}: {e:?} / {:?}", e.next_step()),
        }
    }
    println!("{}", hwm());
}
