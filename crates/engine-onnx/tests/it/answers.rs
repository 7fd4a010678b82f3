//! The same numbers as ONNX Runtime gives by itself.

use bytes::Bytes;
use flyball_core::ErrorCode;
use flyball_core::model::Engine;
use flyball_core::tensor::{DataType, Tensor, TensorData};

use crate::common::{LONG, Made, engine, floats, whole};

#[test]
fn a_network_answers_bit_for_bit() {
    let made = Made::new("network");
    let model = made.load();
    let (inputs, outputs) = made.case();
    assert_eq!(model.run(&inputs, None, LONG).unwrap(), outputs);
    let signature = model.signature();
    assert_eq!(
        (signature.inputs[0].datatype, signature.inputs[0].shape.as_slice()),
        (DataType::Fp32, &[-1, 1, 8, 8][..])
    );
    let shapes: Vec<&[i64]> = signature.outputs.iter().map(|output| output.shape.as_slice()).collect();
    assert_eq!(shapes, [&[-1, 3][..], &[-1, 3], &[]]);
    assert_eq!(outputs[2].shape(), [0usize; 0], "a scalar");
    let wanted = model.run(&inputs, Some(&["total"]), LONG).unwrap();
    assert_eq!(wanted, outputs[2..]);
    assert!(model.memory_bytes() >= made.file("model.onnx").len() as u64);
    let none = model.run(&[floats("image", &[0, 1, 8, 8], &[])], Some(&["probabilities"]), LONG).unwrap();
    assert_eq!(none[0].shape(), [0, 3], "a batch of nothing");
}

#[test]
fn elements_of_all_types_come_back_as_they_went() {
    let made = Made::new("types");
    let model = made.load();
    let (inputs, outputs) = made.case();
    assert_eq!(model.signature().inputs.len(), 13);
    assert_eq!(model.run(&inputs, None, LONG).unwrap(), outputs);
    for (input, spec) in inputs.iter().zip(&model.signature().inputs) {
        assert_eq!((input.datatype(), input.name()), (spec.datatype, spec.name.as_str()));
    }
}

#[test]
fn brain_floats_are_taken_and_given() {
    let made = Made::new("bfloat");
    let packed = |bits: &[u16]| TensorData::Packed(bits.iter().flat_map(|bits| bits.to_le_bytes()).collect());
    let own = Tensor::new("y", DataType::Bf16, vec![], packed(&[0x4049])).unwrap();
    let outputs = made.load().run(&[floats("x", &[2], &[1.0, -2.5]), own.clone()], None, LONG).unwrap();
    assert_eq!(outputs[0].data(), &packed(&[0x3f80, 0xc020]));
    assert_eq!(outputs[1], own.named("same"));
}

#[test]
fn texts_must_be_texts() {
    let made = Made::new("types");
    let (mut inputs, _) = made.case();
    let text = inputs.iter().position(|input| input.datatype() == DataType::Bytes).unwrap();
    for bad in [&b"\xff\xfe"[..], b"a\0b"] {
        let texts = TensorData::Texts(vec![Bytes::from_static(bad)]);
        inputs[text] = Tensor::new("text", DataType::Bytes, vec![1, 1], texts).unwrap();
        let error = made.load().run(&inputs, None, LONG).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        assert!(error.message().contains("'text'"), "{error}");
    }
}

#[test]
fn an_input_of_any_shape_is_taken() {
    let made = Made::new("unranked");
    let model = made.load();
    let (inputs, outputs) = made.case();
    assert!(model.signature().open);
    assert_eq!(
        (model.signature().inputs[0].shape.as_slice(), model.signature().outputs[0].shape.as_slice()),
        (&[-1][..], &[-1][..])
    );
    model.signature().check(&inputs).unwrap();
    assert_eq!(model.run(&inputs, None, LONG).unwrap(), outputs);
}

#[test]
fn what_does_not_fit_is_the_callers_mistake() {
    let made = Made::new("network");
    let model = made.load();
    let error = |inputs: &[Tensor]| {
        let error = model.run(inputs, None, LONG).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput, "{error:?}");
        error.message().to_owned()
    };
    assert!(error(&[floats("image", &[1, 1, 8, 7], &[0.0; 56])]).contains("image"));
    assert!(error(&[floats("image", &[64], &[0.0; 64])]).contains("image"));
    assert!(error(&[whole("image", &[1, 1, 8, 8], &[0; 64])]).contains("type"));
    assert!(error(&[floats("other", &[1], &[0.0])]).contains("'image' is missing"));
    let image = floats("image", &[1, 1, 8, 8], &[0.0; 64]);
    assert!(error(&[image, floats("other", &[1], &[0.0])]).contains("other"));
    assert!(error(&[]).contains("image"));
    let gather = Made::new("gather").load();
    let beyond = gather.run(&[whole("at", &[1], &[9])], None, LONG).unwrap_err();
    assert_eq!(beyond.code(), ErrorCode::InvalidInput, "{beyond:?}");
    let fits = gather.run(&[whole("at", &[2], &[3, -1])], None, LONG).unwrap();
    assert_eq!(fits, [floats("y", &[2], &[3.0, 3.0])]);
}

#[test]
fn the_state_says_the_version_and_where_the_library_lies() {
    let state = engine().state().unwrap();
    assert!(state.starts_with("ONNX Runtime 1.") && state.contains("onnxruntime/capi/libonnxruntime"), "{state}");
}
