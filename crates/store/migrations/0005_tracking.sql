-- Experiments and runs. Metrics, parameters and tags carry the experiment of their run, so that a search in one
-- experiment walks one index and never meets another experiment's rows.
CREATE TABLE experiments (
    id BIGINT PRIMARY KEY,
    workspace {TEXT} NOT NULL,
    name {TEXT} NOT NULL,
    artifact_location {TEXT} NOT NULL,
    lifecycle {TEXT} NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX experiments_by_name ON experiments (workspace, name);
CREATE INDEX experiments_by_creation ON experiments (workspace, lifecycle, created_at DESC, id);

CREATE TABLE experiment_tags (
    experiment_id BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (experiment_id, key)
){CLUSTERED};

-- What a loop knows of its training runs beyond what a client logs.
ALTER TABLE runs RENAME TO run_lineage;
ALTER TABLE run_lineage RENAME COLUMN id TO run_id;
DROP INDEX runs_by_experiment;
ALTER TABLE run_params RENAME TO former_params;
ALTER TABLE run_metrics RENAME TO former_metrics;

CREATE TABLE runs (
    no {AUTO_ID},
    id {TEXT} NOT NULL,
    workspace {TEXT} NOT NULL,
    experiment_id BIGINT NOT NULL,
    name {TEXT} NOT NULL,
    user_id {TEXT} NOT NULL,
    status {TEXT} NOT NULL,
    lifecycle {TEXT} NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    artifact_uri {TEXT} NOT NULL
);
CREATE UNIQUE INDEX runs_by_id ON runs (id);
CREATE INDEX runs_by_start ON runs (experiment_id, lifecycle, started_at DESC, id);

-- Values are indexed by their beginning: PostgreSQL cannot index long texts.
CREATE TABLE run_params (
    run_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    experiment_id BIGINT NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (run_no, key)
){CLUSTERED};
CREATE INDEX run_params_by_value ON run_params (experiment_id, key, substr(value, 1, 200), run_no);

CREATE TABLE run_tags (
    run_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    experiment_id BIGINT NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (run_no, key)
){CLUSTERED};
CREATE INDEX run_tags_by_value ON run_tags (experiment_id, key, substr(value, 1, 200), run_no);

-- The latest value of each metric: the greatest by step, timestamp, value. A NaN is kept as value 0 with is_nan 1.
-- `chunks` counts the rows of the history in metric_points.
CREATE TABLE latest_metrics (
    run_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    experiment_id BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    is_nan BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    step BIGINT NOT NULL,
    chunks BIGINT NOT NULL,
    PRIMARY KEY (run_no, key)
){CLUSTERED};
CREATE INDEX latest_metrics_by_value ON latest_metrics (experiment_id, key, is_nan, value, run_no);

-- The history: points as logged together, packed; put in order and freed of repetitions when they are read.
CREATE TABLE metric_points (
    run_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    chunk BIGINT NOT NULL,
    points {BYTES} NOT NULL,
    PRIMARY KEY (run_no, key, chunk)
){CLUSTERED};

-- Datasets as clients describe them, and which runs used them.
CREATE TABLE logged_datasets (
    no {AUTO_ID},
    experiment_id BIGINT NOT NULL,
    name {TEXT} NOT NULL,
    digest {TEXT} NOT NULL,
    source_type {TEXT} NOT NULL,
    source {TEXT} NOT NULL,
    schema {TEXT},
    profile {TEXT}
);
CREATE UNIQUE INDEX logged_datasets_by_name ON logged_datasets (experiment_id, name, digest);

CREATE TABLE run_datasets (
    run_no BIGINT NOT NULL,
    dataset_no BIGINT NOT NULL,
    context {TEXT},
    tags {TEXT} NOT NULL,
    PRIMARY KEY (run_no, dataset_no)
){CLUSTERED};
CREATE INDEX run_datasets_by_dataset ON run_datasets (dataset_no, run_no);

-- Logged models, and which runs took them in (`input`) or made them (`output`).
CREATE TABLE run_models (
    run_no BIGINT NOT NULL,
    direction {TEXT} NOT NULL,
    model_id {TEXT} NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (run_no, direction, model_id)
){CLUSTERED};

CREATE TABLE logged_models (
    id {TEXT} PRIMARY KEY,
    workspace {TEXT} NOT NULL,
    experiment_id BIGINT NOT NULL,
    name {TEXT} NOT NULL,
    model_type {TEXT} NOT NULL,
    source_run_id {TEXT} NOT NULL,
    status BIGINT NOT NULL,
    status_message {TEXT},
    lifecycle {TEXT} NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    artifact_uri {TEXT} NOT NULL
);
CREATE INDEX logged_models_by_creation ON logged_models (experiment_id, lifecycle, created_at DESC, id);

CREATE TABLE logged_model_params (
    model_id {TEXT} NOT NULL,
    key {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (model_id, key)
){CLUSTERED};

CREATE TABLE logged_model_tags (
    model_id {TEXT} NOT NULL,
    key {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (model_id, key)
){CLUSTERED};

-- Every metric point that a run logged for a model; dataset fields are empty texts when it names none.
CREATE TABLE logged_model_metrics (
    model_id {TEXT} NOT NULL,
    key {TEXT} NOT NULL,
    timestamp BIGINT NOT NULL,
    step BIGINT NOT NULL,
    run_id {TEXT} NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    is_nan BIGINT NOT NULL,
    experiment_id BIGINT NOT NULL,
    dataset_name {TEXT} NOT NULL,
    dataset_digest {TEXT} NOT NULL,
    PRIMARY KEY (model_id, key, timestamp, step, run_id, value, is_nan, dataset_name, dataset_digest)
){CLUSTERED};
CREATE INDEX logged_model_metrics_by_value ON logged_model_metrics (experiment_id, key, value, model_id);

-- What was there before: the runs of loops. Of their metrics the last value stays.
INSERT INTO experiments (id, workspace, name, artifact_location, lifecycle, created_at, updated_at)
SELECT number, workspace, experiment, 'mlflow-artifacts:/' || CAST(number AS TEXT), 'active', first, first
FROM (
    SELECT ROW_NUMBER() OVER (ORDER BY MIN(started_at), experiment) AS number, workspace, experiment, MIN(started_at) AS first
    FROM run_lineage GROUP BY workspace, experiment
) AS numbered;
INSERT INTO runs (id, workspace, experiment_id, name, user_id, status, lifecycle, started_at, ended_at, artifact_uri)
SELECT l.run_id, l.workspace, e.id, l.run_id, '', upper(l.status), 'active', l.started_at, l.ended_at,
    e.artifact_location || '/' || l.run_id || '/artifacts'
FROM run_lineage l JOIN experiments e ON e.workspace = l.workspace AND e.name = l.experiment
ORDER BY l.started_at, l.run_id;
INSERT INTO run_tags (run_no, key, experiment_id, value) SELECT no, 'mlflow.runName', experiment_id, name FROM runs;
INSERT INTO run_params (run_no, key, experiment_id, value)
SELECT r.no, p.name, r.experiment_id, p.value FROM former_params p JOIN runs r ON r.id = p.run_id;
INSERT INTO latest_metrics (run_no, key, experiment_id, value, is_nan, timestamp, step, chunks)
SELECT r.no, m.name, r.experiment_id, m.value, 0, m.at, m.step, 0
FROM former_metrics m JOIN runs r ON r.id = m.run_id
WHERE m.step = (SELECT MAX(o.step) FROM former_metrics o WHERE o.run_id = m.run_id AND o.name = m.name);
DROP TABLE former_params;
DROP TABLE former_metrics;
ALTER TABLE run_lineage DROP COLUMN workspace;
ALTER TABLE run_lineage DROP COLUMN experiment;
ALTER TABLE run_lineage DROP COLUMN status;
ALTER TABLE run_lineage DROP COLUMN started_at;
ALTER TABLE run_lineage DROP COLUMN ended_at;
