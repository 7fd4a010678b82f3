use flyball_core::{Digest, ErrorCode, Name, Timestamp};
use flyball_store::{OnConflict, Param, params};
use flyball_testkit::{TestDb, on_both};
use serde_json::{Value, json};

fn create_values(db: &TestDb) {
    let bytes = if db.kind() == flyball_store::DatabaseKind::Sqlite { "BLOB" } else { "BYTEA" };
    let sql = format!("CREATE TABLE v (id BIGINT PRIMARY KEY, i BIGINT, f DOUBLE PRECISION, t TEXT, b {bytes})");
    db.write(move |tx| tx.execute(&sql, &[])).unwrap();
}

#[test]
fn every_type_comes_back_as_it_went_in() {
    on_both(|db| {
        create_values(db);
        let name: Name = "flight-delays".parse().unwrap();
        let json = json!({"b": [1, 2.5, null], "a": "ü"});
        let rows = vec![
            params![1, i64::MIN, f64::MAX, "it's \"ü\" \\ $1 ?", vec![0_u8, 255]].to_vec(),
            params![2, u64::MAX, f64::INFINITY, &name, Vec::<u8>::new()].to_vec(),
            params![3, true, -0.0, Digest::of(b"x"), None::<Vec<u8>>].to_vec(),
            params![4, Timestamp(-1), f64::NAN, json.clone(), None::<Vec<u8>>].to_vec(),
            params![5, None::<i64>, 1e-300, "", None::<Vec<u8>>].to_vec(),
        ];
        let columns = ["id", "i", "f", "t", "b"];
        assert_eq!(db.write(move |tx| tx.insert_rows("v", &columns, &rows, OnConflict::Fail)).unwrap(), 5);
        let rows = db.read(|tx| tx.query("SELECT * FROM v ORDER BY id", &[])).unwrap();
        assert_eq!(rows[0].get::<i64>("i").unwrap(), i64::MIN);
        assert_eq!(rows[0].get::<f64>("f").unwrap(), f64::MAX);
        assert_eq!(rows[0].get::<String>("t").unwrap(), "it's \"ü\" \\ $1 ?");
        assert_eq!(rows[0].get::<Vec<u8>>("b").unwrap(), [0, 255]);
        assert_eq!(rows[1].get::<u64>("i").unwrap(), u64::MAX);
        assert_eq!(rows[1].get::<f64>("f").unwrap(), f64::INFINITY);
        assert_eq!(rows[1].get::<Name>("t").unwrap(), name);
        assert_eq!(rows[1].get::<Option<Vec<u8>>>("b").unwrap(), Some(vec![]));
        assert!(rows[2].get::<bool>("i").unwrap());
        assert_eq!(rows[2].get::<Digest>("t").unwrap(), Digest::of(b"x"));
        assert_eq!(rows[3].get::<Timestamp>("i").unwrap(), Timestamp(-1));
        assert!(rows[3].get::<f64>("f").unwrap().is_nan());
        assert_eq!(rows[3].get::<Option<f64>>("f").unwrap(), None);
        assert_eq!(rows[3].get::<Value>("t").unwrap(), json);
        assert_eq!(rows[4].get::<Option<i64>>("i").unwrap(), None);
        assert_eq!(rows[4].get::<String>("t").unwrap(), "");
    });
}

#[test]
fn a_wrong_column_type_or_range_is_an_internal_error() {
    on_both(|db| {
        create_values(db);
        db.write(|tx| tx.execute("INSERT INTO v (id, i, t) VALUES ($1, $2, $3)", &params![1, -7, "x"])).unwrap();
        let row = db.read(|tx| tx.query_one("SELECT * FROM v", &[])).unwrap().unwrap();
        let codes = [
            row.get::<i64>("t").unwrap_err().code(),
            row.get::<u32>("i").unwrap_err().code(),
            row.get::<bool>("i").unwrap_err().code(),
            row.get::<i64>("f").unwrap_err().code(),
            row.get::<Digest>("t").unwrap_err().code(),
            row.get::<i64>("nowhere").unwrap_err().code(),
        ];
        assert!(codes.iter().all(|code| *code == ErrorCode::Internal));
    });
}

#[test]
fn parameters_may_come_in_any_order_and_repeat() {
    on_both(|db| {
        create_values(db);
        db.write(|tx| tx.execute("INSERT INTO v (t, id, i) VALUES ($2, $1, $1)", &params![7, "seven"])).unwrap();
        let row = db.read(|tx| tx.query_one("SELECT id, i, t FROM v WHERE t = $2 AND i = $1", &params![7, "seven"]));
        assert_eq!(row.unwrap().unwrap().get::<i64>("id").unwrap(), 7);
        for wrong in [params![1].to_vec(), params![1, "a", 3].to_vec()] {
            let error = db.read(|tx| tx.query("SELECT id FROM v WHERE i = $1 AND t = $2", &wrong)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Internal);
        }
    });
}

#[test]
fn whole_number_sums_stay_whole_and_means_are_floats() {
    on_both(|db| {
        create_values(db);
        db.write(|tx| {
            let rows: Vec<Vec<Param>> = (1..=4_i64).map(|n| params![n, n * 100_000].to_vec()).collect();
            tx.insert_rows("v", &["id", "i"], &rows, OnConflict::Fail)
        })
        .unwrap();
        let sql = "SELECT SUM(i) AS total, AVG(i) AS mean, COUNT(*) AS n, MAX(f) AS none FROM v";
        let row = db.read(|tx| tx.query_one(sql, &[])).unwrap().unwrap();
        assert_eq!(row.get::<i64>("total").unwrap(), 1_000_000);
        assert_eq!(row.get::<f64>("mean").unwrap(), 250_000.0);
        assert_eq!(row.get::<u32>("n").unwrap(), 4);
        assert_eq!(row.get::<Option<f64>>("none").unwrap(), None);
    });
}

#[test]
fn bulk_inserts_of_any_size_put_every_value_in_its_place() {
    on_both(|db| {
        create_values(db);
        for (from, count) in [(0_i64, 0_i64), (0, 1), (1, 3), (10, 128), (200, 1_500)] {
            let rows: Vec<Vec<Param>> = (from..from + count).map(|n| params![n, n, format!("r{n}")].to_vec()).collect();
            let inserted = db.write(move |tx| tx.insert_rows("v", &["id", "i", "t"], &rows, OnConflict::Fail)).unwrap();
            assert_eq!(inserted, count.cast_unsigned());
        }
        let rows = db.read(|tx| tx.query("SELECT id, i, t FROM v ORDER BY id", &[])).unwrap();
        assert_eq!(rows.len(), 1_632);
        for row in &rows {
            let id: i64 = row.get("id").unwrap();
            assert_eq!((row.get("i").unwrap(), row.get("t").unwrap()), (id, format!("r{id}")));
        }
        let again: Vec<Vec<Param>> = (1_690..1_710_i64).map(|n| params![n].to_vec()).collect();
        let more = again.clone();
        let inserted = db.write(move |tx| tx.insert_rows("v", &["id"], &again, OnConflict::Ignore)).unwrap();
        assert_eq!(inserted, 10, "the ten that were there are left out");
        let refused = db.write(move |tx| tx.insert_rows("v", &["id"], &more, OnConflict::Fail)).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Conflict);
        let ragged = vec![params![1].to_vec()];
        let ragged = db.write(move |tx| tx.insert_rows("v", &["id", "i"], &ragged, OnConflict::Fail)).unwrap_err();
        assert_eq!(ragged.code(), ErrorCode::Internal);
    });
}

#[test]
fn a_text_with_a_nul_character_is_refused_on_both_engines() {
    on_both(|db| {
        create_values(db);
        let refused = db.write(|tx| tx.execute("INSERT INTO v (id, t) VALUES ($1, $2)", &params![1, "a\0b"]));
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidInput);
    });
}
