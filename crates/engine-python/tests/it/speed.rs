//! What asking a process costs over what the model itself takes.

use std::time::{Duration, Instant};

use flyball_core::Tensor;
use flyball_core::model::TensorModel;

use crate::common::{Bench, doubles, floats};

#[allow(clippy::disallowed_methods, reason = "this measures")]
fn median(model: &dyn TensorModel, inputs: &[Tensor]) -> f64 {
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..2000 {
        let begun = Instant::now();
        model.run(inputs, None, Duration::from_secs(10)).unwrap();
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2].as_secs_f64() * 1e6
}

#[test]
fn asking_costs_little() {
    let bench = Bench::new();
    let tensor = bench.load("double");
    let table = bench.load("table");
    let one = median(&*tensor, &[floats("input", &[1, 4], &[1.0; 4])]);
    let many = median(&*tensor, &[floats("input", &[4096, 4], &[1.0; 16384])]);
    let rows = |count: usize| ["a", "b", "c"].map(|name| doubles(name, &vec![1.0; count]));
    let (row, thousand) = (median(&*table, &rows(1)), median(&*table, &rows(1000)));
    println!("µs: tensor {one:.0}, 64 KiB {many:.0}, one row {row:.0}, thousand rows {thousand:.0}");
    assert!(one < 5_000.0, "{one} µs");
}
