"""What the model takes, and how that is made from tensors."""

import json

import numpy
import pandas

COLUMNS = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "binary": "BYTES",
    "datetime": "BYTES",
}


class Refused(Exception):
    """An input that the model cannot take."""


class Contract:
    """What the model takes, and how that is made from tensors."""

    def __init__(self, metadata):
        self.schema = metadata.get_input_schema() if metadata.signature else None
        outputs = metadata.get_output_schema() if metadata.signature else None
        self.open = self.schema is None or not self.schema.inputs
        self.tensors = not self.open and self.schema.is_tensor_spec()
        self.specs = [] if self.open else list(self.schema.inputs)
        self.named = not self.open and self.schema.has_input_names()
        first = "input" if self.tensors else 0
        self.names = [spec.name if self.named else first if self.tensors else at for at, spec in enumerate(self.specs)]
        self.kinds = [] if self.tensors else [getattr(spec.type, "name", "json") for spec in self.specs]
        self.index = None if self.open or self.tensors else pandas.Index(self.names)
        self.signature = {
            "inputs": [self.told(*both) for both in zip(self.names, self.specs)],
            "outputs": self.outputs(outputs),
            "open": self.open,
            "columns": not self.open and not self.tensors,
        }

    def told(self, name, spec):
        if hasattr(spec, "shape"):
            datatype, shape = NUMBERS.get(spec.type.name, "BYTES"), [int(size) for size in spec.shape]
        else:
            datatype, shape = COLUMNS.get(getattr(spec.type, "name", ""), "BYTES"), [-1]
        return {"name": str(name), "datatype": datatype, "shape": shape, "optional": not spec.required}

    def outputs(self, schema):
        """Whether one named column comes as a table or as plain numbers is only known from an answer."""
        specs = list(schema.inputs) if schema else []
        if len(specs) == 1 and (specs[0].name is None or hasattr(specs[0], "shape")):
            return [self.told(specs[0].name or "predictions", specs[0])]
        return [self.told(spec.name, spec) for spec in specs if spec.name is not None] if len(specs) > 1 else []

    def data(self, tensors):
        if self.open:
            return self.open_data(tensors)
        if self.tensors:
            made = {name: self.tensor(tensors[str(name)], spec) for name, spec in self.pairs(tensors)}
            return made if self.named else next(iter(made.values()))
        arrays = list(tensors.values())
        if len(arrays) == 1 and arrays[0].ndim == 2 and arrays[0].shape[1] == len(self.specs):
            return self.matrix(arrays[0])
        return self.frame(tensors)

    def pairs(self, tensors):
        return [(name, spec) for name, spec in zip(self.names, self.specs) if str(name) in tensors]

    def tensor(self, array, spec):
        if array.dtype.kind != "O" or spec.type.kind == "O":
            return array
        texts = [text if spec.type.kind == "S" else utf8(text) for text in array.reshape(-1)]
        return numpy.array(texts, spec.type.kind).reshape(array.shape)

    def frame(self, tensors):
        places = [at for at, name in enumerate(self.names) if str(name) in tensors]
        arrays = [tensors[str(self.names[at])] for at in places]
        arrays = [array if array.ndim == 1 else array.reshape(-1) for array in arrays]
        index = self.index if len(places) == len(self.names) else self.index[places]
        same_length(arrays)
        dtype = arrays[0].dtype if arrays else None
        # One block of memory is what pandas makes of equal columns anyway; this way it is made at once.
        if arrays and dtype.kind != "O" and all(array.dtype == dtype for array in arrays):
            block = numpy.empty((len(arrays), len(arrays[0])), dtype)
            for row, array in zip(block, arrays):
                row[:] = array
            return pandas.DataFrame(block.T, columns=index, copy=False)
        columns = {}
        for at, array in zip(places, arrays):
            columns[self.names[at]] = self.column(array, at) if dtype_is_text(array) else array
        return pandas.DataFrame(columns, columns=index, copy=False)

    def column(self, array, at):
        kind = self.kinds[at]
        if kind == "binary":
            return pandas.Series(array, dtype=object)
        texts = [utf8(text) for text in array]
        if kind == "string":
            return pandas.Series(texts, dtype=object)
        try:
            if kind == "datetime":
                moments = pandas.to_datetime(texts, format="ISO8601", utc=True)
                return pandas.Series(moments.tz_localize(None).astype("datetime64[ns]"))
            return pandas.Series([json.loads(text) for text in texts], dtype=object)
        except ValueError as error:
            raise Refused(f"the column '{self.names[at]}' has a value that is no {kind}: {short(error)}")

    def matrix(self, array):
        columns = {}
        for at, name in enumerate(self.names):
            column, kind = array[:, at], self.kinds[at]
            wanted = COLUMNS.get(kind, "BYTES")
            if (wanted == "BYTES") != dtype_is_text(column):
                raise Refused(f"the column '{name}' is {wanted}: send each column as a tensor of its own")
            if wanted == "BYTES":
                columns[name] = self.column(column, at)
                continue
            dtype = numpy.dtype(DTYPES[wanted])
            with numpy.errstate(invalid="ignore"):
                columns[name] = column.astype(dtype)
            if dtype.kind != "f" and column.dtype.kind == "f" and numpy.isnan(column).any():
                raise Refused(f"the column '{name}' is {wanted} and has a missing value")
            if dtype.kind != "f" and (column != columns[name]).any():
                raise Refused(f"the column '{name}' is {wanted} and has a value that is none")
        return pandas.DataFrame(columns, columns=self.index, copy=False)

    def open_data(self, tensors):
        tensors = {name: decoded(array) for name, array in tensors.items()}
        arrays = list(tensors.values())
        if len(arrays) == 1 and arrays[0].ndim != 1:
            return arrays[0]
        if any(array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 1) for array in arrays):
            return tensors
        columns = {name: array.reshape(-1) for name, array in tensors.items()}
        same_length(list(columns.values()))
        return pandas.DataFrame(columns)


def dtype_is_text(array):
    return array.dtype.kind == "O"


def decoded(array):
    """Texts where they are texts; what is not UTF-8 stays bytes."""
    if array.dtype.kind != "O":
        return array
    try:
        texts = [text.decode() for text in array.reshape(-1)]
    except UnicodeDecodeError:
        return array
    return objects(texts).reshape(array.shape)


def same_length(arrays):
    if len({len(array) for array in arrays}) > 1:
        raise Refused("the columns have different numbers of rows")


def utf8(text):
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Refused("a text is not UTF-8")
