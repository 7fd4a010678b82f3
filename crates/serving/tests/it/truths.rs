//! Ground truths: late, repeated and corrected.

use flyball_core::{Duration, ErrorCode, Timestamp};
use flyball_serving::{Truth, TruthValue, record_truths, truth};
use flyball_store::Db;
use flyball_testkit::on_both;

use crate::fixture::{Fixture, START, permit};

fn truth(key: &str, value: f64, at: Timestamp) -> Truth {
    Truth { key: key.to_owned(), value: TruthValue::Number(value), happened_at: at }
}

fn record(db: &Db, truths: Vec<Truth>, arrived_at: Timestamp) -> flyball_core::Result<u64> {
    db.write(move |tx| record_truths(tx, &permit(), "flights", &truths, arrived_at))
}

#[test]
fn the_latest_value_of_a_key_holds_and_repeats_change_nothing() {
    on_both(|db| {
        let fixture = Fixture::new(db);
        fixture.deploy("flights", &[("toy 1 0 x", 1000)]);
        let many: Vec<Truth> =
            (0..1500).map(|n| truth(&format!("k{n}"), f64::from(n), START + Duration::seconds(n.into()))).collect();
        assert_eq!(record(db, many.clone(), START).unwrap(), 1500);
        assert_eq!(record(db, many, START + Duration::days(1)).unwrap(), 0);
        let corrected =
            vec![truth("k3", 33.0, START), truth("k3", 333.0, START), truth("k4", 4.0, START + Duration::seconds(4))];
        assert_eq!(record(db, corrected, START + Duration::days(2)).unwrap(), 2);
        let held = db.read(|tx| truth::truths_of(tx, "flights", &["k3", "k4", "nobody"])).unwrap();
        assert_eq!(held.len(), 2);
        assert_eq!((&held["k3"].truth.value, held["k3"].revision), (&TruthValue::Number(333.0), 2));
        assert_eq!(held["k3"].arrived_at, START + Duration::days(2));
        let span = db.read(|tx| truth::truths(tx, "flights", START, START + Duration::seconds(5))).unwrap();
        let keys: Vec<_> = span.iter().map(|stored| stored.truth.key.as_str()).collect();
        assert_eq!(keys, ["k0", "k3", "k1", "k2", "k4"]);
    });
}

#[test]
fn bad_truths_are_refused_whole() {
    on_both(|db| {
        let fixture = Fixture::new(db);
        fixture.deploy("flights", &[("toy 1 0 x", 1000)]);
        for bad in [truth("", 1.0, START), truth("k", f64::NAN, START), truth(&"k".repeat(5000), 1.0, START)] {
            let error = record(db, vec![truth("good", 1.0, START), bad], START).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput);
        }
        assert!(db.read(|tx| truth::truths_of(tx, "flights", &["good"])).unwrap().is_empty());
        let class = Truth { key: "c".into(), value: TruthValue::Class("late".into()), happened_at: START };
        assert_eq!(record(db, vec![class.clone()], START).unwrap(), 1);
        assert_eq!(db.read(|tx| truth::truths_of(tx, "flights", &["c"])).unwrap()["c"].truth, class);
    });
}
