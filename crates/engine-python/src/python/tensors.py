"""Tensors as they stand in a frame, to values that models take and back. Models give all sorts of values."""

import json
import struct

import numpy
import pandas

NUMBERS = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "bfloat16": "BF16",
    "float32": "FP32",
    "float64": "FP64",
}
DTYPES = {wire: name for name, wire in NUMBERS.items()}


def read_tensors(request, body):
    tensors, start = {}, 0
    for entry in request["inputs"]:
        size = entry["parameters"]["binary_data_size"]
        datatype, shape = entry["datatype"], entry["shape"]
        if datatype == "BYTES":
            array = objects(read_texts(body, start, size))
        elif datatype == "BF16":
            bits = body[start : start + size].copy().view(numpy.uint16)
            array = (bits.astype(numpy.uint32) << 16).view(numpy.float32)
        else:
            array = body[start : start + size].view(DTYPES[datatype])
            # Compiled code of libraries takes it for granted that numbers lie at multiples of their size.
            if not array.flags.aligned:
                array = array.copy()
        tensors[entry["name"]] = array.reshape(shape) if len(shape) != 1 else array
        start += size
    return tensors


def read_texts(body, start, size):
    data, at, texts = body[start : start + size].tobytes(), 0, []
    while at < size:
        (length,) = struct.unpack_from("<I", data, at)
        texts.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return texts


def objects(items):
    """An array of just these; numpy would look into them by itself."""
    array = numpy.empty(len(items), object)
    for at, item in enumerate(items):
        array[at] = item
    return array


def written(name, values):
    """A tensor's header and its bytes."""
    array = numbers(values)
    if array.ndim == 0:
        array = array.reshape(1)
    shape = list(array.shape)
    datatype = NUMBERS.get(array.dtype.name)
    if datatype:
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        data = memoryview(numpy.ascontiguousarray(array).reshape(-1).view(numpy.uint8))
    else:
        datatype, data = "BYTES", written_texts(array)
    head = {"name": str(name), "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(data)}}
    return head, data


def written_texts(array):
    if array.dtype.kind in "Mm":
        array = numpy.where(numpy.isnat(array), None, array.astype(str).astype(object))
    parts = []
    for value in array.reshape(-1).tolist():
        text = value if isinstance(value, bytes) else text_of(value).encode("utf-8", "surrogatepass")
        parts += (struct.pack("<I", len(text)), text)
    return b"".join(parts)


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value, default=plain)


def plain(value):
    """What JSON cannot write, as something that it can."""
    for method in ("model_dump", "tolist", "isoformat", "to_dict"):
        if hasattr(value, method):
            return getattr(value, method)()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return None if value is pandas.NA else str(value)


def numbers(values):
    """Values of any kind as an array of numbers where they are numbers, else of objects."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    if isinstance(values, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
        return series(values)
    if not isinstance(values, numpy.ndarray):
        if hasattr(values, "toarray"):
            values = values.toarray()
        elif hasattr(values, "__array__"):
            values = numpy.asarray(values)
        else:
            return from_list(values if isinstance(values, (list, tuple)) else [values])
    if values.dtype.kind == "O" and values.ndim:
        return from_list(values.reshape(-1).tolist(), values.shape)
    if values.dtype.kind == "c":
        return from_list(values.reshape(-1).tolist(), values.shape)
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        return values.astype(numpy.float64)
    return values


def series(values):
    dtype = values.dtype
    if isinstance(dtype, numpy.dtype):
        return numbers(values.to_numpy())
    kinds = pandas.api.types
    if kinds.is_bool_dtype(dtype) or kinds.is_integer_dtype(dtype) or kinds.is_float_dtype(dtype):
        if values.isna().any():
            return values.to_numpy(dtype=numpy.float64, na_value=numpy.nan)
        return values.to_numpy(dtype=getattr(dtype, "numpy_dtype", None))
    if kinds.is_datetime64_any_dtype(dtype):
        return numpy.array([None if value is pandas.NaT else value.isoformat() for value in values], object)
    values = values.astype(object)
    return numbers(values.where(~values.isna(), None).to_numpy())


def from_list(items, shape=None):
    """A list, as Python models like to give. Only what is numbers throughout becomes numbers."""
    if len(items) and not any(isinstance(item, (str, bytes, dict, set)) or item is None for item in items):
        try:
            array = numpy.array([item.tolist() if isinstance(item, pandas.Series) else item for item in items])
        except (ValueError, TypeError):
            array = None
        if array is not None and array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
            return array.reshape(shape) if shape and array.ndim == 1 else array
    array = objects(items)
    return array.reshape(shape) if shape else array


def answer_of(result):
    """What the model gave, as named values."""
    if hasattr(result, "to_pandas") and not isinstance(result, pandas.DataFrame):
        result = result.to_pandas()
    if isinstance(result, pandas.DataFrame):
        # Columns of one type lie in one block; a series for each of them would cost more than many a model.
        if getattr(getattr(result, "_mgr", None), "is_single_block", False):
            block = result.to_numpy()
            if block.dtype.kind in "biuf":
                return [(name, block[:, at]) for at, name in enumerate(result.columns)]
        return list(result.items())
    if isinstance(result, dict) and result:
        return list(result.items())
    if result is None:
        raise ValueError("the model gave no answer (None)")
    return [("predictions", result)]


def short(error):
    return " ".join(str(error).split())[:500]
