-- Registered models, their versions, and what is pinned to them. Rows point at each other by number, so that a new name
-- is one changed row.
ALTER TABLE model_versions RENAME TO former_versions;
ALTER TABLE model_aliases RENAME TO former_aliases;
DROP INDEX model_versions_by_run;

CREATE TABLE registered_models (
    no {AUTO_ID},
    workspace {TEXT} NOT NULL,
    name {TEXT} NOT NULL,
    description {TEXT},
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_version BIGINT NOT NULL        -- the highest number ever given: none is given twice
);
CREATE UNIQUE INDEX registered_models_by_name ON registered_models (workspace, name);
CREATE INDEX registered_models_by_update ON registered_models (workspace, updated_at, name);

-- `location` is where the files are: the source, unless that names another version or a logged model.
CREATE TABLE model_versions (
    no {AUTO_ID},
    workspace {TEXT} NOT NULL,
    model_no BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    stage {TEXT} NOT NULL,
    status {TEXT} NOT NULL,
    status_message {TEXT},
    user_id {TEXT},
    description {TEXT},
    source {TEXT} NOT NULL,
    location {TEXT} NOT NULL,
    run_id {TEXT} NOT NULL,
    run_link {TEXT} NOT NULL,
    model_id {TEXT}
);
CREATE UNIQUE INDEX model_versions_by_number ON model_versions (model_no, version);
CREATE INDEX model_versions_by_run ON model_versions (run_id, model_no);
CREATE INDEX model_versions_by_update ON model_versions (workspace, updated_at);

CREATE TABLE registered_model_tags (
    model_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (model_no, key)
){CLUSTERED};
CREATE INDEX registered_model_tags_by_value ON registered_model_tags (key, substr(value, 1, 200), model_no);

CREATE TABLE model_version_tags (
    version_no BIGINT NOT NULL,
    key {TEXT} NOT NULL,
    value {TEXT} NOT NULL,
    PRIMARY KEY (version_no, key)
){CLUSTERED};
CREATE INDEX model_version_tags_by_value ON model_version_tags (key, substr(value, 1, 200), version_no);

CREATE TABLE model_aliases (
    model_no BIGINT NOT NULL,
    alias {TEXT} NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (model_no, alias)
){CLUSTERED};

-- What Flyball needs to serve and to watch a version: the blobs of the graph and of the reference sample, the contract,
-- and how the version did on held-out rows.
CREATE TABLE model_packages (
    version_no BIGINT PRIMARY KEY,
    artifact {TEXT} NOT NULL,
    signature {TEXT} NOT NULL,
    reference {TEXT} NOT NULL,
    evaluation {TEXT} NOT NULL
);

INSERT INTO registered_models (workspace, name, created_at, updated_at, last_version)
SELECT workspace, model, MIN(created_at), MAX(created_at), MAX(version) FROM former_versions GROUP BY workspace, model;

-- The simple model beside the main one was kept under the id of its run with an ending.
INSERT INTO model_versions (workspace, model_no, version, created_at, updated_at, stage, status, source, location, run_id, run_link)
SELECT f.workspace, m.no, f.version, f.created_at, f.created_at, 'None', 'READY',
    CASE WHEN f.run_id LIKE '%.fallback' THEN 'runs:/' || substr(f.run_id, 1, length(f.run_id) - 9) || '/fallback'
        ELSE 'runs:/' || f.run_id || '/model' END,
    CASE WHEN f.run_id LIKE '%.fallback' THEN 'runs:/' || substr(f.run_id, 1, length(f.run_id) - 9) || '/fallback'
        ELSE 'runs:/' || f.run_id || '/model' END,
    CASE WHEN f.run_id LIKE '%.fallback' THEN substr(f.run_id, 1, length(f.run_id) - 9) ELSE f.run_id END,
    ''
FROM former_versions f JOIN registered_models m ON m.workspace = f.workspace AND m.name = f.model
ORDER BY f.created_at, f.model, f.version;

INSERT INTO model_packages (version_no, artifact, signature, reference, evaluation)
SELECT v.no, f.artifact, f.signature, f.reference, f.evaluation
FROM former_versions f JOIN registered_models m ON m.workspace = f.workspace AND m.name = f.model
JOIN model_versions v ON v.model_no = m.no AND v.version = f.version;

INSERT INTO model_aliases (model_no, alias, version)
SELECT m.no, f.alias, f.version
FROM former_aliases f JOIN registered_models m ON m.workspace = f.workspace AND m.name = f.model;

DROP TABLE former_versions;
DROP TABLE former_aliases;
