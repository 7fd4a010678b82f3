"""The process outside of the walls: starts the worker, and ends it with all that it started."""

import json
import os
import select
import signal
import socket
import struct
import sys
import traceback


def exactly(sock, count):
    parts = b""
    while len(parts) < count:
        part = sock.recv(count - len(parts))
        if not part:
            os._exit(0)
        parts += part
    return parts


def work(sock, settings):
    """The process of the model, from inside of the walls."""
    try:
        shut_in(settings)
        space = {"__name__": "flyball_worker"}
        exec(compile(settings["source"], "<flyball worker>", "exec"), space)
        space["run"](sock, settings)
    except BaseException as error:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        sys.stderr.write(trace)
        message = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        told = {"code": "start", "message": message, "trace": trace[-16384:], "missing": missing}
        text = json.dumps({"error": told}).encode()
        sock.sendall(struct.pack("<IQ", len(text), 0) + text)


def shut_in(settings):
    names = settings["namespaces"]
    die_with_parent()
    settle(names)
    if settings["landlock"]:
        own = [sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable)), *sys.path]
        readable = SYSTEM_FOLDERS + SYSTEM_FILES + own + [settings["folder"], *settings["readable"]]
        cards = ["/dev/" + name for name in os.listdir("/dev") if name.startswith(("nvidia", "kfd", "dri"))]
        writable = [settings["scratch"], *DEVICES, *cards]
        confine_files([path for path in readable if path], writable, settings["network"] or "net" in names)
    drop_powers()
    limit(settings["memory"], "user" in names)


def fork_worker(sock, life, settings):
    child = os.fork()
    if child == 0:
        try:
            os.close(life)
            work(sock, settings)
        finally:
            os._exit(70)
    return child


def fork_first(sock, life, settings):
    """The first process of a process namespace: takes in orphans, and ends everything with the worker."""
    child = os.fork()
    if child == 0:
        die_with_parent()
        worker = fork_worker(sock, life, settings)
        os.close(life)
        sock.close()
        while True:
            ended, status = os.wait()
            if ended == worker:
                os._exit(code_of(status))
    return child


def code_of(status):
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def keep(sock, child):
    """Waits until the worker ends or the other side of the socket is shut; tells how the worker ended."""
    wake, waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    watch = select.poll()
    watch.register(sock, select.POLLRDHUP)
    watch.register(wake, select.POLLIN)
    while True:
        status = reaped(child)
        if status is not None:
            return status
        if any(place == sock.fileno() for place, _ in watch.poll()):
            return signal.SIGKILL
        os.read(wake, 512)


def reaped(child):
    """The status of the worker if it ended; orphans that ended are let go on the way."""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended in (0, child):
            return status if ended else None


def end_descendants():
    """Kills children until there are none: those of a killed one come to this process, which adopts orphans."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            children = [int(word) for word in file.read().split()]
        if not children:
            return
        for child in children:
            os.kill(child, signal.SIGKILL)
        os.waitpid(-1, 0)


def main(given):
    """Starts the worker and stays outside of its walls, to end it with all that it started."""
    sock = socket.socket(fileno=os.dup(given.detach()))
    life = os.dup(1)
    settings = json.loads(exactly(sock, int.from_bytes(exactly(sock, 4), "little")))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    adopt_orphans()
    names = settings["namespaces"]
    enter(names)
    child = (fork_first if "pid" in names else fork_worker)(sock, life, settings)
    status = keep(sock, child)
    if "pid" not in names:
        end_descendants()
    # With a process namespace the death of its first process, whose parent ends here, ends all of it.
    os._exit(code_of(status))
