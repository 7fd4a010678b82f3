//! Classifiers of scikit-learn, whose converter gives maps.

use flyball_core::ErrorCode;
use flyball_core::tensor::{DataType, Tensor};

use crate::common::{Files, LONG, Made, engine};

fn close(one: &Tensor, other: &Tensor) -> bool {
    one.shape() == other.shape()
        && one.datatype() == other.datatype()
        && (0..one.len()).all(|at| (one.number(at) - other.number(at)).abs() <= 1e-6)
}

#[test]
fn a_map_becomes_the_probabilities_in_it() {
    let made = Made::new("classifiers");
    for kind in ["numbers", "texts", "svc"] {
        let model = Files::lone(made.file(&format!("{kind}.onnx"))).load(&engine()).unwrap();
        let (inputs, plain) = made.case_of(&format!("{kind}.json"));
        let outputs = model.run(&inputs, None, LONG).unwrap();
        let names: Vec<&str> = outputs.iter().map(Tensor::name).collect();
        assert_eq!(names, ["output_label", "output_probability"], "{kind}");
        assert_eq!(outputs[0].data(), plain[0].data(), "{kind}");
        assert!(close(&outputs[1], &plain[1]), "{kind}");
        let [label, probability] = model.signature().outputs.as_slice() else { panic!("two outputs") };
        assert_eq!(label.datatype, if kind == "texts" { DataType::Bytes } else { DataType::Int64 });
        assert_eq!((probability.datatype, probability.shape.as_slice()), (DataType::Fp32, &[-1, 3][..]), "{kind}");
    }
}

#[test]
fn other_sequences_are_refused() {
    let error = Made::new("sequence").files(&["model.onnx"]).refused();
    assert_eq!(error.code(), ErrorCode::UnsupportedModel);
    assert!(error.message().contains("'parts'") && error.message().contains("sequence"), "{error}");
}
