"""Answers requests for one model, one at a time, over a socket."""

import json
import os
import struct
import sys
import time
import traceback

import numpy

CHUNK = 1 << 16
WRITER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


class Wire:
    """Frames: u32 length of the JSON, u64 length of the body, JSON, body."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray(CHUNK)

    def receive(self):
        """The next request and its body. The body is new memory, because a model may keep what it was given."""
        have = self.fill(0, 12)
        head, body = struct.unpack_from("<IQ", self.buffer)
        start = 12 + head
        if start > len(self.buffer):
            self.buffer.extend(bytes(start - len(self.buffer)))
        have = self.fill(have, start)
        request = json.loads(self.buffer[12:start].decode())
        early = have - start
        try:
            memory = numpy.empty(body, numpy.uint8)
        except MemoryError:
            left = body - early
            while left > 0:
                left -= self.some(memoryview(self.buffer)[: min(left, CHUNK)])
            return request, None
        if body:
            view = memoryview(memory)
            view[:early] = memoryview(self.buffer)[start:have]
            while early < body:
                early += self.some(view[early:])
        return request, memory

    def fill(self, have, wanted):
        view = memoryview(self.buffer)
        while have < wanted:
            have += self.some(view[have:])
        return have

    def some(self, view):
        count = self.sock.recv_into(view)
        if not count:
            os._exit(0)
        return count

    def send(self, head, parts=()):
        text = WRITER.encode(head).encode()
        length = sum(len(part) for part in parts)
        start = struct.pack("<IQ", len(text), length) + text
        if length < CHUNK:
            self.sock.sendall(b"".join((start, *parts)))
        else:
            self.sock.sendall(start)
            for part in parts:
                self.sock.sendall(part)


def failure(code, message, trace=""):
    return {"error": {"code": code, "message": message, "trace": trace[-16384:]}}


def of_exception(error):
    """Who is to blame: the input, the limit, or the model with this input."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if isinstance(error, Refused):
        return failure("invalid_input", str(error))
    if isinstance(error, MemoryError):
        return failure("memory", short(error) or "no memory is left", trace)
    if type(error).__name__ == "MlflowException" and getattr(error, "error_code", "") in (
        "INVALID_PARAMETER_VALUE",
        "BAD_REQUEST",
    ):
        text = str(error)
        return failure("invalid_input", short(text.split("Error: ", 1)[-1]), trace)
    return failure("model", f"{type(error).__name__}: {short(error)}", trace)


def answer(model, contract, request, body):
    if body is None:
        raise MemoryError("the inputs do not fit")
    data = contract.data(read_tensors(request, body))
    started = time.perf_counter_ns()
    result = model.predict(data)
    took = time.perf_counter_ns() - started
    wanted = request.get("outputs")
    made = [(name, values) for name, values in answer_of(result) if not wanted or str(name) in wanted]
    outputs = [written(name, values) for name, values in made]
    head = {"id": request["id"], "nanoseconds": took, "outputs": [head for head, _ in outputs]}
    return head, [data for _, data in outputs]


def serve(wire, model, contract):
    own = os.getpid()
    while True:
        request, body = wire.receive()
        try:
            head, parts = answer(model, contract, request, body)
        except BaseException as error:
            head, parts = {"id": request["id"], **of_exception(error)}, []
        del body
        # A model that forked comes back here twice; only one of the two may answer.
        if os.getpid() != own:
            os._exit(0)
        wire.send(head, parts)


def run(sock, settings):
    """Loads the model, tells its contract and answers until the socket is shut."""
    import mlflow.pyfunc

    wire = Wire(sock)
    model = mlflow.pyfunc.load_model(settings["folder"])
    contract = Contract(model.metadata)
    python = ".".join(map(str, sys.version_info[:3]))
    wire.send({"ready": {"signature": contract.signature, "python": python, "mlflow": mlflow.__version__}})
    serve(wire, model, contract)
