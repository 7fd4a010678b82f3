"""Writes one of the models of the tests into a folder, with inputs and what ONNX Runtime's own Python answers to them."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

folder = Path(sys.argv[2])
random = np.random.default_rng(7)
DATATYPES = {
    TensorProto.BOOL: "BOOL", TensorProto.UINT8: "UINT8", TensorProto.UINT16: "UINT16", TensorProto.UINT32: "UINT32",
    TensorProto.UINT64: "UINT64", TensorProto.INT8: "INT8", TensorProto.INT16: "INT16", TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64", TensorProto.FLOAT16: "FP16", TensorProto.FLOAT: "FP32", TensorProto.DOUBLE: "FP64",
}


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def save(nodes, inputs, outputs, initializers=(), opset=19, name="model.onnx", **kwargs):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(initializers), **kwargs)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=9)
    onnx.save(model, folder / name)
    return model


def tensor(name, array):
    array = np.asarray(array)
    if array.dtype.kind in "OUS":
        texts = [str(text) for text in array.reshape(-1)]
        return {"name": name, "datatype": "BYTES", "shape": list(array.shape), "texts": texts}
    datatype = DATATYPES[helper.np_dtype_to_tensor_dtype(array.dtype)]
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "hex": array.tobytes().hex()}


def ask(inputs, model="model.onnx", case="case.json"):
    """Keeps the inputs and the answers."""
    session = onnxruntime.InferenceSession(str(folder / model), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    answers = session.run(names, inputs)
    answers = [tensor(name, answer) for name, answer in zip(names, answers) if isinstance(answer, np.ndarray)]
    kept = {"inputs": [tensor(name, array) for name, array in inputs.items()], "outputs": answers}
    (folder / case).write_text(json.dumps(kept))


def network():
    weights = [
        numpy_helper.from_array(random.normal(size=(4, 1, 3, 3)).astype(np.float32), "kernel"),
        numpy_helper.from_array(random.normal(size=(4, 3)).astype(np.float32), "dense"),
    ]
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "dense"], ["m"]),
        helper.make_node("Softmax", ["m"], ["probabilities"]),
        helper.make_node("Cast", ["probabilities"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("ReduceSum", ["m"], ["total"], keepdims=0),
    ]
    outputs = [
        value("probabilities", TensorProto.FLOAT, ["n", 3]),
        value("half", TensorProto.FLOAT16, ["n", 3]),
        value("total", TensorProto.FLOAT, []),
    ]
    save(nodes, [value("image", TensorProto.FLOAT, ["n", 1, 8, 8])], outputs, weights)
    ask({"image": random.normal(size=(5, 1, 8, 8)).astype(np.float32)})


def types():
    arrays = {
        "bool": np.array([[True, False]]), "u8": np.array([[0, 255]], np.uint8), "u16": np.array([[1, 65535]], np.uint16),
        "u32": np.array([[1, 2**32 - 1]], np.uint32), "u64": np.array([[1, 2**64 - 1]], np.uint64),
        "i8": np.array([[-128, 127]], np.int8), "i16": np.array([[-(2**15), 2]], np.int16),
        "i32": np.array([[-(2**31), 2]], np.int32), "i64": np.array([[-(2**63), 2]], np.int64),
        "f16": np.array([[0.1, -65504]], np.float16), "f32": np.array([[np.nan, -0.0]], np.float32),
        "f64": np.array([[1e300, 5e-324]], np.float64), "text": np.array([["", "größer 🙂"]], object),
    }
    kind = lambda array: TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)
    inputs = [value(name, kind(array), ["n", "m"]) for name, array in arrays.items()]
    outputs = [value(name + "_out", kind(array), ["n", "m"]) for name, array in arrays.items()]
    nodes = [helper.make_node("Identity", [name], [name + "_out"]) for name in arrays]
    save(nodes, inputs, outputs)
    ask(arrays)


def bfloat():
    nodes = [helper.make_node("Cast", ["x"], ["half"], to=TensorProto.BFLOAT16)]
    nodes.append(helper.make_node("Identity", ["y"], ["same"]))
    inputs = [value("x", TensorProto.FLOAT, ["n"]), value("y", TensorProto.BFLOAT16, [])]
    save(nodes, inputs, [value("half", TensorProto.BFLOAT16, ["n"]), value("same", TensorProto.BFLOAT16, [])])


def unranked():
    loose = [value(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    save([helper.make_node("Neg", ["x"], ["y"])], loose[:1], loose[1:])
    ask({"x": np.array([[1.5, -2]], np.float32)})


def elsewhere():
    locations = ["../../etc/passwd", "/etc/passwd", "../model.onnx", "sub/../weights.bin", "missing.bin", "C:\\weights.bin",
                 "*/_ORT_MEM_ADDR_/*", ""]
    for number, location in enumerate(locations):
        external(location, name=f"model{number}.onnx")
    (folder / "locations.json").write_text(json.dumps(locations))


def external(location="weights.bin", size=64, name="model.onnx"):
    """Tensors outside of the graph: of the graph, of a constant, and of a graph in it."""
    arrays = [random.normal(size=(size, size)).astype(np.float32) for _ in range(3)]
    offset = 0
    tensors = []
    with open(folder / "weights.bin", "wb") as file:
        for letter, array in zip("abc", arrays):
            made = numpy_helper.from_array(array, letter)
            made.ClearField("raw_data")
            made.data_location = TensorProto.EXTERNAL
            entries = {"location": location, "offset": offset, "length": array.nbytes}
            for key, text in entries.items():
                made.external_data.add(key=key, value=str(text))
            file.write(array.tobytes())
            offset += array.nbytes
            tensors.append(made)
    branch = helper.make_graph([helper.make_node("MatMul", ["m", "c"], ["t"])], "then", [],
                               [value("t", TensorProto.FLOAT, ["n", size])], [tensors[2]])
    other = helper.make_graph([helper.make_node("Identity", ["m"], ["e"])], "else", [],
                              [value("e", TensorProto.FLOAT, ["n", size])])
    nodes = [
        helper.make_node("Constant", [], ["k"], value=tensors[1]),
        helper.make_node("Add", ["a", "k"], ["sum"]),
        helper.make_node("MatMul", ["x", "sum"], ["m"]),
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Greater", ["s", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["y"], then_branch=branch, else_branch=other),
    ]
    zero = numpy_helper.from_array(np.float32(0), "zero")
    save(nodes, [value("x", TensorProto.FLOAT, ["n", size])], [value("y", TensorProto.FLOAT, ["n", size])],
         [tensors[0], zero], name=name)
    if location == "weights.bin":
        ask({"x": np.abs(random.normal(size=(2, size))).astype(np.float32)})


def classifiers():
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rows, labels = load_iris(return_X_y=True)
    rows = rows.astype(np.float32)
    texts = np.array(["a", "b", "c"])[labels]
    regression = LogisticRegression(max_iter=500)
    for kind, last, of in [
        ("numbers", regression, labels), ("texts", regression, texts), ("svc", SVC(probability=True, random_state=0), labels)
    ]:
        model = make_pipeline(StandardScaler(), last).fit(rows, of)
        (folder / f"{kind}.onnx").write_bytes(to_onnx(model, rows[:1]).SerializeToString())
        plain = to_onnx(model, rows[:1], options={"zipmap": False})
        (folder / "plain.onnx").write_bytes(plain.SerializeToString())
        ask({"X": rows[::7]}, "plain.onnx", f"{kind}.json")


def sequence():
    nodes = [helper.make_node("SplitToSequence", ["x"], ["parts"])]
    kind = helper.make_tensor_sequence_value_info("parts", TensorProto.FLOAT, None)
    save(nodes, [value("x", TensorProto.FLOAT, ["n"])], [kind])


def loop():
    """Adds 1 so many times."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["was", "one"], ["is"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("was", TensorProto.DOUBLE, [])],
        [value("on", TensorProto.BOOL, []), value("is", TensorProto.DOUBLE, [])],
    )
    weights = [numpy_helper.from_array(np.float64(1), "one"), numpy_helper.from_array(np.bool_(True), "true"),
               numpy_helper.from_array(np.float64(0), "zero")]
    nodes = [helper.make_node("Loop", ["times", "true", "zero"], ["count"], body=body)]
    save(nodes, [value("times", TensorProto.INT64, [])], [value("count", TensorProto.DOUBLE, [])], weights)


def gather():
    nodes = [helper.make_node("Gather", ["table", "at"], ["y"])]
    table = numpy_helper.from_array(np.arange(4, dtype=np.float32), "table")
    save(nodes, [value("at", TensorProto.INT64, ["n"])], [value("y", TensorProto.FLOAT, ["n"])], [table])


def unknown():
    node = helper.make_node("Frobnicate", ["x"], ["y"], domain="com.example")
    save([node], [value("x", TensorProto.FLOAT, ["n"])], [value("y", TensorProto.FLOAT, ["n"])])


globals()[sys.argv[1]]()
