"""An ONNX model behind FastAPI, as one writes it by hand: the Open Inference Protocol in JSON.

The variable MODEL names the file.
"""

import os
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
NAMES = [output.name for output in session.get_outputs()]
INPUT = session.get_inputs()[0].name
KINDS = {"int64": "INT64", "float32": "FP32"}
app = FastAPI()


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Asked(BaseModel):
    inputs: list[Tensor]


@app.get("/v2/health/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v2/models/model/infer")
async def infer(asked: Asked) -> dict[str, Any]:
    tensor = asked.inputs[0]
    answers = session.run(NAMES, {INPUT: np.array(tensor.data, np.float32).reshape(tensor.shape)})
    outputs = [
        {"name": name, "shape": list(one.shape), "datatype": KINDS[str(one.dtype)], "data": one.ravel().tolist()}
        for name, one in zip(NAMES, answers)
    ]
    return {"model_name": "model", "outputs": outputs}
