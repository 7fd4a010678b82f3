"""Fills an experiment with finished runs, straight into the tables of Flyball or MLflow: through their APIs it would take
many minutes. Both get the same runs, down to their ids.

usage: fill.py flyball|mlflow FILE|postgresql://URL EXPERIMENT RUNS [--offline]

Each run has 20 metrics (m0..m19, one point each) and 10 params (p0..p9); the first run has a metric `history` of 100,000
points besides. With --offline nobody else has the SQLite file open, and it is filled without a journal.
"""

import sqlite3
import struct
import sys

METRICS, PARAMS = 20, 10
HISTORY, BATCH = 100_000, 1_000
START = 1_700_000_000_000

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {most} - 1)"
# 32 digits, all different.
RUN_ID = "CAST(1000000000000000 + i AS TEXT) || CAST(1000000000000000 + i AS TEXT)"
# Scattered over 0..1, different for every run of up to a million. The start of a run tells its number.
VALUE = f"CAST((({{start}} - {START}) * 48271 + n.i * 69621) % 1000003 AS DOUBLE PRECISION) / 1000003"
CHOICE = f"'choice-' || CAST((({{start}} - {START}) / 7 + n.i) % 5 AS TEXT)"

MLFLOW = [
    f"""INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time,
        source_version, lifecycle_stage, artifact_uri, experiment_id)
        {NUMBERS.format(most="{runs}")}
        SELECT {RUN_ID}, 'run-' || CAST(i AS TEXT), 'UNKNOWN', '', '', 'bench', 'FINISHED', {START} + i, {START} + i + 1,
        '', 'active', 'mlflow-artifacts:/{{experiment}}/' || {RUN_ID} || '/artifacts', {{experiment}} FROM n""",
    f"""INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)
        {NUMBERS.format(most=METRICS)}
        SELECT run_uuid, 'm' || CAST(n.i AS TEXT), {VALUE.format(start="start_time")}, start_time, 0, false
        FROM runs CROSS JOIN n WHERE experiment_id = {{experiment}}""",
    """INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan)
        SELECT l.run_uuid, l.key, l.value, l.timestamp, l.step, l.is_nan
        FROM latest_metrics l JOIN runs r ON r.run_uuid = l.run_uuid WHERE experiment_id = {experiment}""",
    f"""INSERT INTO params (run_uuid, key, value)
        {NUMBERS.format(most=PARAMS)}
        SELECT run_uuid, 'p' || CAST(n.i AS TEXT), {CHOICE.format(start="start_time")}
        FROM runs CROSS JOIN n WHERE experiment_id = {{experiment}}""",
    """INSERT INTO tags (run_uuid, key, value)
        SELECT run_uuid, 'mlflow.runName', name FROM runs WHERE experiment_id = {experiment}""",
    f"""INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan)
        {NUMBERS.format(most=HISTORY)}
        SELECT run_uuid, 'history', n.i / 8.0, {START} + n.i, n.i, false
        FROM runs CROSS JOIN n WHERE experiment_id = {{experiment}} AND start_time = {START}""",
    f"""INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)
        SELECT run_uuid, 'history', {HISTORY - 1} / 8.0, {START + HISTORY - 1}, {HISTORY - 1}, false
        FROM runs WHERE experiment_id = {{experiment}} AND start_time = {START}""",
]

FLYBALL = [
    f"""INSERT INTO runs (id, workspace, experiment_id, name, user_id, status, lifecycle, started_at, ended_at, artifact_uri)
        {NUMBERS.format(most="{runs}")}
        SELECT {RUN_ID}, e.workspace, e.id, 'run-' || CAST(i AS TEXT), 'bench', 'FINISHED', 'active', {START} + i,
        {START} + i + 1, e.artifact_location || '/' || {RUN_ID} || '/artifacts'
        FROM n CROSS JOIN experiments e WHERE e.id = {{experiment}} ORDER BY i""",
    f"""INSERT INTO latest_metrics (run_no, key, experiment_id, value, is_nan, timestamp, step, chunks)
        {NUMBERS.format(most=METRICS)}
        SELECT no, 'm' || CAST(n.i AS TEXT), experiment_id, {VALUE.format(start="started_at")}, 0, started_at, 0, 1
        FROM runs CROSS JOIN n WHERE experiment_id = {{experiment}} ORDER BY no, 2""",
    """INSERT INTO metric_points (run_no, key, chunk, points)
        SELECT run_no, key, 0, {point} FROM latest_metrics WHERE experiment_id = {experiment} ORDER BY run_no, key""",
    f"""INSERT INTO run_params (run_no, key, experiment_id, value)
        {NUMBERS.format(most=PARAMS)}
        SELECT no, 'p' || CAST(n.i AS TEXT), experiment_id, {CHOICE.format(start="started_at")}
        FROM runs CROSS JOIN n WHERE experiment_id = {{experiment}} ORDER BY no, 2""",
    """INSERT INTO run_tags (run_no, key, experiment_id, value)
        SELECT no, 'mlflow.runName', experiment_id, name FROM runs WHERE experiment_id = {experiment}""",
    f"""INSERT INTO latest_metrics (run_no, key, experiment_id, value, is_nan, timestamp, step, chunks)
        SELECT no, 'history', experiment_id, {HISTORY - 1} / 8.0, 0, {START + HISTORY - 1}, {HISTORY - 1}, {HISTORY // BATCH}
        FROM runs WHERE experiment_id = {{experiment}} AND started_at = {START}""",
]


def history_chunks():
    """The history as batches of 1,000 points leave it in Flyball."""
    for first in range(0, HISTORY, BATCH):
        points = (struct.pack("<qqd", START + i, i, i / 8.0) for i in range(first, first + BATCH))
        yield first // BATCH, b"".join(points)


def fill(execute, bytes_literal, product, experiment, runs):
    # One point that stands for all: a search never reads histories, they only take their room.
    point = bytes_literal(struct.pack("<qqd", START, 0, 0.5))
    for statement in {"mlflow": MLFLOW, "flyball": FLYBALL}[product]:
        execute(statement.format(experiment=experiment, runs=runs, point=point))
    if product == "flyball":
        for chunk, points in history_chunks():
            execute(
                f"INSERT INTO metric_points (run_no, key, chunk, points) SELECT no, 'history', {chunk},"
                f" {bytes_literal(points)} FROM runs WHERE experiment_id = {experiment} AND started_at = {START}"
            )


def fill_sqlite(path, product, experiment, runs, offline):
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    indexes = []
    if offline:
        # Indexes that are built at the end are sorted once instead of grown in a million random places.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        tables = "('runs', 'latest_metrics', 'run_params', 'run_tags')"
        found = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {tables}"
        indexes = connection.execute(found).fetchall()
    connection.execute("BEGIN IMMEDIATE")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    fill(connection.execute, lambda value: f"X'{value.hex()}'", product, experiment, runs)
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.close()


def fill_postgres(url, product, experiment, runs):
    import psycopg2

    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        fill(cursor.execute, lambda value: f"'\\x{value.hex()}'::bytea", product, experiment, runs)
        # What autovacuum does within minutes by itself.
        cursor.execute("ANALYZE")


def main():
    product, database, experiment, runs, *rest = sys.argv[1:]
    if database.startswith("postgresql://"):
        fill_postgres(database, product, int(experiment), int(runs))
    else:
        fill_sqlite(database, product, int(experiment), int(runs), "--offline" in rest)


if __name__ == "__main__":
    main()
