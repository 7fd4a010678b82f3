//! Patterns mean the same on both databases.

use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_tracking::search::{ColumnType, Comparator, Sql, Value};

fn holds(db: &Db, text: &str, comparator: Comparator, pattern: &str) -> flyball_core::Result<bool> {
    db.read(|tx| {
        let mut sql = Sql::new(tx);
        let column = format!("CAST({} AS TEXT)", sql.bind(text));
        let test = sql.compare(&column, ColumnType::Text, comparator, &Value::Text(pattern.into()))?;
        Ok(!tx.query(&format!("SELECT 1 AS one WHERE {test}"), sql.params())?.is_empty())
    })
}

#[test]
fn patterns_mean_the_same_on_both_databases() {
    on_both(|db| {
        for (text, comparator, pattern, wanted) in [
            ("abc", Comparator::Like, "a%", true),
            ("abc", Comparator::Like, "A%", false),
            ("abc", Comparator::ILike, "A_C", true),
            ("abc", Comparator::Like, "b", false),
            ("abc", Comparator::Like, "%b%", true),
            ("", Comparator::Like, "%", true),
            ("", Comparator::Like, "_", false),
            ("é", Comparator::Like, "_", true),
            ("a*c", Comparator::Like, "a*c", true),
            ("abc", Comparator::Like, "a*c", false),
            ("abc", Comparator::Like, "a?c", false),
            ("b", Comparator::Like, "[abc]", false),
            ("[abc]", Comparator::Like, "[abc]", true),
            ("a\\", Comparator::Like, "a\\", true),
            ("a\\", Comparator::ILike, "A\\", true),
            ("50%", Comparator::Like, "50\\%", false),
            ("model-12", Comparator::RLike, "^model-[0-9]+$", true),
            ("xmodel-12", Comparator::RLike, "^model", false),
            ("xmodel", Comparator::RLike, "mod|foo", true),
            ("MODEL", Comparator::RLike, "model", false),
            ("it's", Comparator::Equal, "it's", true),
            ("a", Comparator::Equal, "A", false),
        ] {
            assert_eq!(holds(db, text, comparator, pattern).unwrap(), wanted, "{text} {comparator} {pattern}");
        }
        for bad in ["(", "[a", "(a)\\1", "a{2000000}"] {
            let error = holds(db, "a", Comparator::RLike, bad).unwrap_err();
            assert_eq!(error.code().status(), 400, "{bad}: {error}");
        }
    });
}
