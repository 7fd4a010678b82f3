use flyball_core::{Column, ErrorCode, Value};
use flyball_data::source::{load, resolve};

use super::write;

#[test]
fn a_pattern_names_its_files_in_order() {
    let root = tempfile::tempdir().unwrap();
    for path in ["data/b.csv", "data/a.csv", "data/deep/c.csv", "data/d.txt"] {
        write(root.path(), path, "x\n1\n");
    }
    let found = |source| resolve(root.path(), source).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(found("data/*.csv"), ["data/a.csv", "data/b.csv"]);
    assert_eq!(found("data/**/*.csv"), ["data/a.csv", "data/b.csv", "data/deep/c.csv"]);
    assert_eq!(found("data/[ab].csv"), ["data/a.csv", "data/b.csv"]);
    assert_eq!(found("data/b.csv"), ["data/b.csv"]);
}

#[test]
fn a_missing_file_names_what_looks_like_it() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "data/flights.parquet", "");
    let error = resolve(root.path(), "data/flight.parquet").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert_eq!(error.next_step().unwrap(), "did you mean data/flights.parquet?");
    let error = resolve(root.path(), "dta/flights.parquet").unwrap_err();
    assert!(error.next_step().unwrap().contains("no folder 'dta'"), "{error}");
    assert_eq!(resolve(root.path(), "data/*.csv").unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(resolve(root.path(), "data").unwrap_err().code(), ErrorCode::NotFound);
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_project_is_read() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.csv", "x\n1\n");
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "data/a.csv", "x\n1\n");
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), root.path().join("data/link.csv")).unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(root.path().join("data/a.csv"), root.path().join("data/inner.csv")).unwrap();
    for source in ["data/link.csv", "data/*.csv", "folder/secret.csv", "folder/*.csv"] {
        assert_eq!(resolve(root.path(), source).unwrap_err().code(), ErrorCode::Forbidden, "{source}");
    }
    for source in ["../secret.csv", "/etc/passwd", "data/../../x.csv", "data/../a.csv", "./data/a.csv"] {
        assert_eq!(resolve(root.path(), source).unwrap_err().code(), ErrorCode::InvalidName, "{source}");
    }
    assert_eq!(resolve(root.path(), "data/inner.csv").unwrap().len(), 1);
}

#[test]
fn files_are_stacked_and_types_widen() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a.csv", "id,temp,note\n1,20,\n2,21,\n");
    write(root.path(), "b.csv", "temp,id,note\n20.5,3,cold\n");
    write(root.path(), "c.jsonl", "{\"id\":4,\"temp\":null,\"note\":\"warm\"}\nbroken\n");
    let loaded = load(root.path(), "*").unwrap();
    assert_eq!(loaded.files[0].0.bytes, 25);
    let (table, broken) = loaded.parse().unwrap();
    assert_eq!(table.names(), ["id", "temp", "note"]);
    assert_eq!(table.column("id").unwrap(), &Column::Int(vec![1, 2, 3, 4]));
    assert_eq!(table.row(2), [Value::Int(3), Value::Float(20.5), Value::Text("cold".into())]);
    assert_eq!(table.row(3)[1..], [Value::Missing, Value::Text("warm".into())]);
    assert_eq!((broken[0].path.as_str(), broken[0].row.line), ("c.jsonl", 2));
}

#[test]
fn columns_that_disagree_name_file_and_column() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a.csv", "id,x\n1,2\n");
    for (content, word) in
        [("id\n1\n", "'x' is missing"), ("id,x,y\n1,2,3\n", "column 'y'"), ("id,x\n1,two\n", "text and not int")]
    {
        write(root.path(), "b.csv", content);
        let error = load(root.path(), "*.csv").unwrap().parse().unwrap_err();
        assert!(error.message().contains("b.csv") && error.message().contains(word), "{error}");
    }
    write(root.path(), "b.csv", "id,id\n1,2\n");
    let error = load(root.path(), "b.csv").unwrap().parse().unwrap_err();
    assert!(error.message().starts_with("b.csv: "), "{error}");
    write(root.path(), "b.xlsx", "");
    assert!(load(root.path(), "b.xlsx").unwrap().parse().unwrap_err().next_step().unwrap().contains(".parquet"));
}
