"""What keeping versions of files costs: Flyball beside DVC, in one run.

Each figure is of a whole command, as the system counted it when the process ended: CPU seconds of user and system, and the
most memory. Both sides get files that they have not seen, on the same disk; wall times are left out, since machines are busy.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile


class Side:
    """Runs commands of one side in its folder and notes what they cost."""

    def __init__(self, name, folder, figures):
        self.name, self.folder, self.figures = name, folder, figures
        os.makedirs(folder, exist_ok=True)

    def run(self, figure, *command):
        pid = os.fork()
        if pid == 0:
            os.chdir(self.folder)
            quiet = os.open(os.path.join(self.folder, "..", f"{self.name}.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            os.execvp(command[0], command)
        _, status, used = os.wait4(pid, 0)
        if status:
            sys.exit(f"{self.name}: {' '.join(command)} failed; {self.folder}/../{self.name}.log says why")
        if figure:
            self.figures[f"{self.name}_{figure}_cpu_s"] = round(used.ru_utime + used.ru_stime, 3)
            self.figures[f"{self.name}_{figure}_mib"] = round(used.ru_maxrss / 1024, 1)


def size(folder):
    """How many bytes the files of a folder have."""
    found = 0
    for path, _, names in os.walk(folder):
        found += sum(os.lstat(os.path.join(path, name)).st_size for name in names)
    return found


def small_files(folder, count):
    """Files of 4 KiB that nothing makes smaller, 500 in a folder."""
    for n in range(count):
        path = f"{folder}/{n // 500:03}"
        os.makedirs(path, exist_ok=True)
        with open(f"{path}/{n:06}.bin", "wb") as file:
            file.write(os.urandom(4096))


def noise(path, mebibytes, mode="wb"):
    """Bytes that nothing makes smaller."""
    with open(path, mode) as file:
        for _ in range(mebibytes):
            file.write(os.urandom(1024 * 1024))


def rows(path, size, mode="w", first=0):
    """Rows of a table; returns how many bytes were written."""
    rng, written, n = random.Random(first), 0, first
    sites = ["north", "south", "west", "east"]
    with open(path, mode) as file:
        while written < size:
            text = "".join(
                f"{n + i},2024-{1 + i % 12:02}-{1 + i % 28:02},{sites[rng.randrange(4)]},"
                f"{rng.random():.6f},{rng.randrange(10**6)},{'true' if i % 3 else 'false'}\n"
                for i in range(20_000)
            )
            file.write(text)
            written += len(text)
            n += 20_000
    return written


def many_small_files(flyball, dvc, figures, options, root):
    """50,000 files of 4 KiB."""
    source = f"{root}/source"
    small_files(source, options.files)
    own, peer = Side("flyball", f"{root}/flyball", figures), Side("dvc", f"{root}/dvc", figures)
    for side in (own, peer):
        shutil.copytree(source, f"{side.folder}/data")
    os.sync()
    data = (flyball, "data")
    own.run("add", *data, "add", "data")
    own.run("commit", *data, "commit", "-m", "all")
    own.run("status", *data, "status")
    own.run("push", *data, "push", "--remote", f"{root}/flyball-remote")
    own.run("push_nothing", *data, "push")
    other = Side("flyball", f"{root}/flyball-clone", figures)
    other.run("fetch", *data, "fetch", "data", "--remote", f"{root}/flyball-remote")
    # Into an empty folder: files that were just removed make new ones several times as dear, whoever writes them.
    other.run("checkout", *data, "checkout", "data", "main")
    if dvc:
        peer.run(None, dvc, "init", "--no-scm")
        peer.run(None, dvc, "config", "cache.type", "copy")
        peer.run(None, dvc, "remote", "add", "-d", "shelf", f"{root}/dvc-remote")
        peer.run("add", dvc, "add", "data")
        peer.run("status", dvc, "status")
        peer.run("push", dvc, "push")
        peer.run("push_nothing", dvc, "push")
        clone = Side("dvc", f"{root}/dvc-clone", figures)
        clone.run(None, dvc, "init", "--no-scm")
        for name in (".dvc/config", "data.dvc"):
            shutil.copy(f"{peer.folder}/{name}", f"{clone.folder}/{name}")
        clone.run("fetch", dvc, "fetch")
        clone.run("checkout", dvc, "checkout")


def large_file(flyball, dvc, figures, options, root):
    """One large file, then 1 % appended to it; beside hashing it and copying it."""
    own, peer = Side("flyball", f"{root}/flyball", figures), Side("dvc", f"{root}/dvc", figures)
    tools = Side("tools", f"{root}/tools", figures)
    for folder in (own.folder, peer.folder):
        os.makedirs(f"{folder}/data")
    noise(f"{own.folder}/data/large.bin", options.mebibytes)
    hash_it = "import blake3, sys; blake3.blake3().update_mmap(sys.argv[1])"
    tools.run("hash", sys.executable, "-c", hash_it, f"{own.folder}/data/large.bin")
    tools.run("copy", "cp", "--reflink=never", f"{own.folder}/data/large.bin", f"{peer.folder}/data/large.bin")
    own.run("add_large", flyball, "data", "add", "data")
    figures["hash_and_copy_cpu_s"] = round(figures["tools_hash_cpu_s"] + figures["tools_copy_cpu_s"], 3)
    own.run(None, flyball, "data", "commit", "-m", "large")
    before = size(f"{own.folder}/.flyball")
    appended = max(1, options.mebibytes // 100)
    noise(f"{own.folder}/data/large.bin", appended, "ab")
    own.run("append_noise", flyball, "data", "commit", "--all", "-m", "appended")
    grown = size(f"{own.folder}/.flyball") - before
    figures["flyball_growth_of_appended_noise"] = round(grown / (appended * 1024 * 1024), 3)
    if dvc:
        peer.run(None, dvc, "init", "--no-scm")
        peer.run("add_large", dvc, "add", "data")


def table(flyball, dvc, figures, options, root):
    """A large table, then 1 % appended to it."""
    own, peer = Side("flyball", f"{root}/flyball", figures), Side("dvc", f"{root}/dvc", figures)
    for folder in (own.folder, peer.folder):
        os.makedirs(f"{folder}/data")
    path = f"{own.folder}/data/rows.csv"
    rows(path, options.mebibytes * 1024 * 1024)
    shutil.copy(path, f"{peer.folder}/data/rows.csv")
    own.run("add_table", flyball, "data", "add", "data")
    own.run(None, flyball, "data", "commit", "-m", "table")
    before = size(f"{own.folder}/.flyball")
    appended = rows(path, options.mebibytes * 1024 * 1024 // 100, "a", first=10**9)
    own.run("append_rows", flyball, "data", "commit", "--all", "-m", "appended")
    figures["flyball_growth_of_appended_rows"] = round((size(f"{own.folder}/.flyball") - before) / appended, 3)
    if dvc:
        peer.run(None, dvc, "init", "--no-scm")
        peer.run("add_table", dvc, "add", "data")
        before = size(f"{peer.folder}/.dvc/cache")
        shutil.copy(path, f"{peer.folder}/data/rows.csv")
        peer.run("append_rows", dvc, "add", "data")
        figures["dvc_growth_of_appended_rows"] = round((size(f"{peer.folder}/.dvc/cache") - before) / appended, 3)


PARTS = {"files": many_small_files, "large": large_file, "table": table}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flyball", required=True)
    parser.add_argument("--dvc", default=os.path.join(os.path.dirname(sys.executable), "dvc"))
    parser.add_argument("--alone", action="store_true", help="without DVC")
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--mebibytes", type=int, default=2048)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--folder", help="where to work; on the disk that is to be measured")
    options = parser.parse_args()
    os.environ["DVC_NO_ANALYTICS"] = "1"
    os.environ["DVC_SITE_CACHE_DIR"] = os.path.join(options.folder or tempfile.gettempdir(), "flyball-bench-dvc")
    figures = {}
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory(prefix="flyball-bench-", dir=options.folder) as root:
            PARTS[name](os.path.abspath(options.flyball), None if options.alone else options.dvc, figures, options, root)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
