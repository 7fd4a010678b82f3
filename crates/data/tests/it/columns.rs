//! Arrow and Parquet: what goes in comes out, and other writers' types are understood.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Int8Array, Int32Array,
    LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray, Time32SecondArray,
    TimestampNanosecondArray, UInt16Array, UInt64Array,
};
use arrow::datatypes::Int32Type;
use flyball_core::table::{MISSING_BOOL, MISSING_INT};
use flyball_core::{Column, Kind, Table, Value};
use flyball_data::columnar::{self, Zone};
use flyball_data::formats::parquet;

use super::{table, texts};

fn of(columns: Vec<(&str, ArrayRef)>) -> flyball_core::Result<Table> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    columnar::from_batches(&batch.schema(), &[batch.clone(), batch])
}

fn everything() -> Table {
    table(vec![
        ("text", texts(&[Some("a"), None, Some("")])),
        ("float", Column::Float(vec![0.1, f64::NAN, f64::NEG_INFINITY])),
        ("int", Column::Int(vec![i64::MAX, MISSING_INT, -1])),
        ("flag", Column::Bool(vec![1, 0, MISSING_BOOL])),
        ("time", Column::Time(vec![1_356_998_400_001, MISSING_INT, -1])),
    ])
}

fn rows(table: &Table) -> Vec<Vec<Value>> {
    (0..table.rows()).map(|row| table.row(row)).collect()
}

#[test]
fn parquet_gives_back_what_it_got_with_the_same_bytes_each_time() {
    let long = everything().take(&(0..50_000).map(|row| row % 3).collect::<Vec<_>>());
    for original in [everything(), everything().take(&[]), long] {
        let bytes = parquet::write(&original).unwrap();
        assert_eq!(parquet::write(&original).unwrap(), bytes);
        let back = parquet::read(bytes.into()).unwrap();
        assert_eq!((back.names(), rows(&back)), (original.names(), rows(&original)));
        let kinds = |table: &Table| table.columns().map(|(_, c)| c.kind()).collect::<Vec<_>>();
        assert_eq!(kinds(&back), kinds(&original));
    }
}

#[test]
fn the_bytes_depend_on_the_values_and_not_on_unused_levels() {
    let whole = everything();
    let head = whole.take(&[0]);
    let fresh = table(vec![("text", texts(&[Some("a")]))]);
    assert_eq!(parquet::write(&head.select(&["text"]).unwrap()).unwrap(), parquet::write(&fresh).unwrap());
    assert_ne!(parquet::write(&whole).unwrap(), parquet::write(&head).unwrap());
}

#[test]
fn every_usual_type_finds_its_place() {
    let dictionary: DictionaryArray<Int32Type> = vec![Some("x"), None].into_iter().collect();
    let table = of(vec![
        ("int8", Arc::new(Int8Array::from(vec![Some(-1), None]))),
        ("uint16", Arc::new(UInt16Array::from(vec![65535, 0]))),
        ("float32", Arc::new(Float32Array::from(vec![0.5, f32::NAN]))),
        ("decimal", Arc::new(Decimal128Array::from(vec![12345, -5]).with_precision_and_scale(10, 2).unwrap())),
        ("date", Arc::new(Date32Array::from(vec![1, -1]))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![1_500_000, 0]).with_timezone("Europe/Berlin"))),
        ("clock", Arc::new(Time32SecondArray::from(vec![3661, 0]))),
        ("large", Arc::new(LargeStringArray::from(vec!["é", ""]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("longer than twelve bytes"), None]))),
        ("dictionary", Arc::new(dictionary)),
        ("binary", Arc::new(BinaryArray::from(vec![b"b".as_slice(), b""]))),
        ("nothing", Arc::new(NullArray::new(2))),
    ])
    .unwrap();
    assert_eq!(table.rows(), 4);
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(
        table.row(2),
        [
            Value::Int(-1),
            Value::Int(65535),
            Value::Float(0.5),
            Value::Float(123.45),
            Value::Time(86_400_000),
            Value::Time(1),
            text("01:01:01"),
            text("é"),
            text("longer than twelve bytes"),
            text("x"),
            text("b"),
            Value::Missing
        ]
    );
    assert_eq!(table.row(3)[..3], [Value::Missing, Value::Int(0), Value::Missing]);
    assert_eq!(table.row(1)[9], Value::Missing);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let error = of(vec![("tags", Arc::new(list))]).unwrap_err();
    assert!(error.message().contains("'tags'"), "{error}");
    for array in
        [Arc::new(UInt64Array::from(vec![u64::MAX])) as ArrayRef, Arc::new(BinaryArray::from(vec![b"\xff".as_slice()]))]
    {
        let error = of(vec![("id", array)]).unwrap_err();
        assert!(error.message().contains("column 'id'"), "{error}");
    }
}

#[test]
fn another_writers_file_is_read_over_several_row_groups() {
    let array: ArrayRef = Arc::new(Int32Array::from_iter_values(0..1000));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..1000).map(|i| format!("t{}", i % 7))));
    let batch = RecordBatch::try_from_iter([("i", array), ("t", texts)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    for start in [0, 400, 800] {
        writer.write(&batch.slice(start, 200)).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    let table = parquet::read(bytes.into()).unwrap();
    assert_eq!(table.rows(), 600);
    assert_eq!(table.row(599), [Value::Int(999), Value::Text("t5".into())]);
    assert_eq!(table.at(1).kind(), Kind::Text);
}

#[test]
fn a_file_cut_short_is_refused() {
    let bytes = parquet::write(&everything()).unwrap();
    for length in [0, 4, bytes.len() / 2, bytes.len() - 1] {
        assert!(parquet::read(bytes[..length].to_vec().into()).is_err(), "{length}");
    }
}

#[test]
fn batches_mark_their_times_as_asked() {
    let table = everything();
    let zone = |zone| columnar::to_batches(&table, zone).unwrap()[0].schema().field(4).data_type().to_string();
    assert!(zone(Zone::Utc).contains("UTC"), "{}", zone(Zone::Utc));
    assert!(!zone(Zone::Unmarked).contains("UTC"));
}
