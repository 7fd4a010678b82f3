"""Shuts a process in before any code of a model runs in it."""

import ctypes
import fcntl
import json
import os
import resource
import signal
import struct
import sys

NAMESPACES = {"mount": 0x00020000, "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}
# The strongest first. Those without "user" work for root only.
LEVELS = [
    ("user", "net", "pid", "mount"),
    ("user", "net", "pid"),
    ("net", "pid", "mount"),
    ("net", "pid"),
    ("user", "net"),
    ("net",),
    (),
]
SYSTEM_FOLDERS = ["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store", "/proc", "/sys"]
# Not the whole of /etc: with the identity of root its secrets could be read too.
SYSTEM_FILES = [
    "/etc/" + name
    for name in (
        "ssl ca-certificates pki fonts OpenCL alternatives ld.so.cache ld.so.conf ld.so.conf.d localtime timezone "
        "nsswitch.conf passwd group hosts resolv.conf mime.types os-release gai.conf services protocols"
    ).split()
]
DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm"]

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option, value=0):
    check(libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def die_with_parent():
    prctl(1, signal.SIGKILL)


def adopt_orphans():
    prctl(36, 1)


def enter(names):
    """Moves this process (for "pid" its children) into namespaces of its own."""
    if not names:
        return
    uid, gid = os.geteuid(), os.getegid()
    check(libc.unshare(sum(NAMESPACES[name] for name in names)))
    if "user" in names:
        for path, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open("/proc/self/" + path, "w") as file:
                file.write(text)


def settle(names):
    """What can only be done inside of the namespaces: a /proc of its own, and a network of only itself."""
    if "mount" in names:
        check(libc.mount(b"none", b"/", None, ctypes.c_ulong(0x4000 | 0x40000), None))
        check(libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(2 | 4 | 8), None))
    if "net" in names:
        import socket

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh22x", b"lo", 1 | 0x40))


def landlock_version():
    version = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    return max(version, 0)


def confine_files(readable, writable, network):
    """Leaves only these folders and files in reach, and no sockets to elsewhere when there is to be no network."""
    version = landlock_version()
    if not version:
        return False
    rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    every, of_files = (1 << rights) - 1, 0b111 | (1 << 14) | (1 << 15)
    look = 0b1101
    attributes = struct.pack("<QQQ", every, 0 if network or version < 4 else 3, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = check(libc.syscall(444, attributes, ctypes.c_size_t(size), 0))
    for path, allowed in [(path, look) for path in readable] + [(path, every) for path in writable]:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed &= every if os.path.isdir(path) else of_files & every
        rule = struct.pack("<Qi", allowed, place)
        result = libc.syscall(445, ruleset, 1, rule, 0)
        os.close(place)
        check(result)
    prctl(38, 1)
    check(libc.syscall(446, ruleset, 0))
    os.close(ruleset)
    return True


def drop_powers():
    """No capabilities, and no way to get some by running another program."""
    prctl(38, 1)
    header = struct.pack("<Ii", 0x20080522, 0)
    check(libc.capset(header, struct.pack("<6I", 0, 0, 0, 0, 0, 0)))


def limit(memory, own_users):
    def bound(which, amount):
        hard = resource.getrlimit(which)[1]
        amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(which, (amount, amount))

    bound(resource.RLIMIT_CORE, 0)
    bound(resource.RLIMIT_FSIZE, 4 << 30)
    if memory:
        bound(resource.RLIMIT_AS, memory)
    # Without a user namespace, and in older kernels, it counts what other programs of the user started, too.
    if own_users and kernel() >= (5, 14):
        bound(resource.RLIMIT_NPROC, 512)


def kernel():
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(digit for digit in minor if digit.isdigit()) or 0)


def works(names):
    """Whether these namespaces can be had here, tried by a process that ends."""
    child = os.fork()
    if child == 0:
        try:
            enter(names)
            inner = os.fork()
            if inner == 0:
                settle(names)
                os._exit(0)
            os._exit(0 if os.waitpid(inner, 0)[1] == 0 else 1)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def probe(network):
    """What can be had on this machine, as JSON."""
    for names in LEVELS:
        names = [name for name in names if not (network and name == "net")]
        if works(names):
            break
    return json.dumps({"namespaces": names, "landlock": landlock_version() > 0})
