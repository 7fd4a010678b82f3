"""Artifacts: through the proxy, of runs, raw downloads, and paths that must not work."""

from typing import Any

from case import Area, Step, delete, get, post, query_of, raw

area = Area("artifacts")
case = area.case
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
HOME = PROXY + "/{exp}/{run}/artifacts"
KEPT = ("Content-Type", "Content-Disposition", "X-Content-Type-Options", "Content-Length")


def put(path: str, data: bytes | str = "hello", base: str = HOME) -> Step:
    return raw("PUT", f"{base}/{path}", data)


def download(path: str, base: str = HOME) -> Step:
    return get(f"{base}/{path}").headers(*KEPT)


def listed(path: str = "") -> Step:
    return get("artifacts/list", {"run_id": "{run}"} | ({"path": path} if path else {}))


case("put and get", put("a.txt"), download("a.txt"), listed())
case("put replaces", put("a.txt", "one"), put("a.txt", "three"), download("a.txt"))
case("put of nothing", put("empty.bin", b""), download("empty.bin"), listed())
case("put of bytes", put("x.bin", bytes(range(256)) * 40), download("x.bin"))
case("put of 3 MB", put("big.bin", b"0123456789" * 300_000), download("big.bin"), listed())
case("put of nested folders", put("a/b/c.txt"), put("a/d.txt", "12"), listed(), listed("a"), listed("a/b"), download("a/b/c.txt"))
case("put with a content type", raw("PUT", HOME + "/a.json", "{}", {"Content-Type": "application/json"}), download("a.json"))
case("put without a length", raw("PUT", HOME + "/a.txt", "abc", {"Content-Type": "text/plain"}), download("a.txt"))
for title, path in {"a blank": "a%20b.txt", "other letters": "gr%C3%B6%C3%9Fe.txt", "a plus sign": "a+b.txt", "an ampersand": "a&b=c.txt", "brackets": "a[1](2).txt", "quotes": "a'b%22.txt", "a semicolon": "a;b.txt", "a colon": "a:b.txt", "a percent sign": "a%25b.txt", "a dot at the start": ".hidden", "an emoji": "%F0%9F%99%82.txt"}.items():
    case(f"name with {title}", put(path), download(path), listed())
for title, path in {"text": "a.log", "YAML": "a.yaml", "JSON": "a.json", "CSV": "a.csv", "HTML": "a.html", "SVG": "a.svg", "PNG": "a.png", "pickle": "a.pkl", "no ending": "MLmodel", "an unknown ending": "a.zzz", "Python": "a.py", "script": "a.js", "Parquet": "a.parquet", "PDF": "a.pdf", "an archive": "a.tar.gz"}.items():
    case(f"type of {title}", put(path), download(path), get("/get-artifact", {"run_id": "{run}", "path": path}).headers(*KEPT))

case("get a missing file", download("none.txt").refused())
case("get a folder", put("a/b.txt"), download("a").refused())
case("get of a range", put("a.txt", "0123456789"), *[download("a.txt").sending({"Range": text}).headers("Content-Range", "Content-Length") for text in ("bytes=0-3", "bytes=4-", "bytes=-3", "bytes=9-9", "bytes=0-100")])
case("get of ranges that are none", put("a.txt", "0123456789"), download("a.txt").sending({"Range": "bytes=20-30"}).refused())
case("list by the proxy", put("a.txt"), put("d/e.txt"), get(PROXY, {"path": "{exp}/{run}/artifacts"}), get(PROXY, {"path": "{exp}/{run}/artifacts/d"}), get(PROXY, {"path": "{exp}/{run}/artifacts/a.txt"}), get(PROXY, {"path": "{exp}/{run}/artifacts/none"}))
case("list by the proxy with a slash at the end", put("d/e.txt"), get(PROXY, {"path": "{exp}/{run}/artifacts/d/"}))
case("list of a run", listed(), put("b.txt"), put("a.txt"), put("d/e.txt"), listed(), listed("d"), listed("a.txt"), listed("none"), listed("d/"))
case("list of an unknown run", get("artifacts/list", {"run_id": "0" * 32}).refused())
case("list without a run", get("artifacts/list").refused("run_id"))
case("list by the old name of the id", put("a.txt"), get("artifacts/list", {"run_uuid": "{run}"}))
case("list of a deleted run", put("a.txt"), post("runs/delete", {"run_id": "{run}"}), listed())
case("delete a file", put("a.txt"), put("b.txt"), delete(HOME + "/a.txt"), listed(), download("a.txt").refused())
case("delete a folder", put("d/a.txt"), put("d/e/b.txt"), put("x.txt"), delete(HOME + "/d"), listed())
case("delete nothing", delete(HOME + "/none.txt"))
case("put onto a folder", put("d/a.txt"), put("d").refused())
case("put beneath a file", put("d"), put("d/a.txt").refused())
case("put with a slash at the end", put("d/").refused())

REFUSED = {
    "dots": "../x.txt",
    "dots inside": "a/../../x.txt",
    "encoded dots": "%2e%2e/x.txt",
    "dots with an encoded slash": "..%2fx.txt",
    "doubly encoded dots": "%252e%252e%252fx.txt",
    "an encoded slash at the start": "%2Fetc/passwd",
    "a hash": "a%23b.txt",
    "a file URI": "file:%2F%2F%2Fetc%2Fpasswd",
}
ACCEPTED = {"a backslash": "..%5Cx.txt", "a drive": "C:%5Cx.txt", "a zero byte": "a%00b.txt"}
"""What MLflow takes as a file name."""
for title, path in REFUSED.items():
    case(f"path attack: {title}", put(path).refused(), download(path).refused())
    case(f"path attack by the root: {title}", raw("PUT", f"{PROXY}/{path}", "x").refused(), get(f"{PROXY}/{path}").refused())
    if title not in ("an encoded slash at the start", "a file URI"):
        case(f"path attack by deletion: {title}", delete(f"{HOME}/{path}").refused())
for title, path in ACCEPTED.items():
    case(f"odd path: {title}", put(path), download(path), delete(f"{HOME}/{path}"))
case("odd path: deletion of an absolute one", delete(f"{HOME}/%2Fetc/passwd"), delete(f"{HOME}/file:%2F%2F%2Fetc%2Fpasswd"))
case("odd path: list with a backslash", listed("..\\x"), get(PROXY, {"path": "..\\x"}))
for title, path in {"dots": "../", "dots inside": "a/../../..", "an absolute path": "/etc", "encoded dots": "%2e%2e", "a file URI": "file:///etc", "a hash": "a#b"}.items():
    case(f"list attack: {title}", put("a.txt"), listed(path).refused("Invalid path"), get(PROXY, {"path": path}).refused("Invalid path"))
    case(f"download attack: {title}", put("a.txt"), get("/get-artifact", {"run_id": "{run}", "path": path}).refused())

case("raw download", put("d/a.txt"), get("/get-artifact", {"run_id": "{run}", "path": "d/a.txt"}).headers(*KEPT), get("/get-artifact", {"run_uuid": "{run}", "path": "d/a.txt"}), get("/get-artifact", {"run_id": "{run}", "path": "none"}).refused(), get("/get-artifact", {"run_id": "0" * 32, "path": "a"}).refused())
case("raw download of other letters", put("gr%C3%B6%C3%9Fe.txt"), get("/get-artifact", {"run_id": "{run}", "path": "größe.txt"}).headers(*KEPT))
case("raw download without a path", get("/get-artifact", {"run_id": "{run}"}).refused())
case("raw download without a run", get("/get-artifact", {"path": "a"}).refused())
UP = "/ajax-api/2.0/mlflow/upload-artifact"
case("upload by a page", query_of(raw("POST", UP, "data"), run_uuid="{run}", path="up/a.txt"), download("up/a.txt"), listed("up"))
case("upload by a page lacks something", query_of(raw("POST", UP, "data"), path="a.txt").refused("Request must specify run_uuid"), query_of(raw("POST", UP, "data"), run_uuid="{run}").refused("Request must specify path"), query_of(raw("POST", UP), run_uuid="{run}", path="a.txt").refused("Request must specify data"))
case("upload by a page that climbs", query_of(raw("POST", UP, "data"), run_uuid="{run}", path="../a.txt").refused())
case("upload by a page to an unknown run", query_of(raw("POST", UP, "data"), run_uuid="0" * 32, path="a.txt").refused())
VERSION = "/model-versions/get-artifact"
case("download of an unknown version's file", get(VERSION, {"name": "{model}", "version": "9", "path": "MLmodel"}).refused())
case("download of a version's file", put("model/MLmodel", "flavors: {}"), post("model-versions/create", {"name": "{model}", "source": "runs:/{run}/model", "run_id": "{run}"}), get(VERSION, {"name": "{model}", "version": "1", "path": "MLmodel"}).refused())
MPU = "/api/2.0/mlflow-artifacts/mpu"
case("multipart on local files", post(MPU + "/create/{exp}/{run}/artifacts", {"path": "big.bin", "num_parts": 2}).refused("Multipart upload is not supported"))
case("presigned download on local files", put("a.txt"), get("/api/2.0/mlflow-artifacts/presigned/{exp}/{run}/artifacts/a.txt").refused())
case("presigned urls on local files", post("artifacts/presigned-upload-url", {"run_id": "{run}", "path": "a.txt"}).refused(), post("artifacts/presigned-download-url", {"run_id": "{run}", "path": "a.txt"}).refused())
