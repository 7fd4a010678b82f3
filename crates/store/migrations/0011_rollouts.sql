-- What an endpoint is told about its traffic, records and limits, as JSON; and where it stands.
ALTER TABLE endpoints ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE endpoints ADD COLUMN environment TEXT NOT NULL DEFAULT 'production';

-- What a revision's model takes and gives, as JSON, so that it need not be loaded to know; and its size in bytes.
ALTER TABLE revisions ADD COLUMN interface TEXT;
ALTER TABLE revisions ADD COLUMN memory BIGINT NOT NULL DEFAULT 0;

-- The part of the requests whose copy goes to a revision, beside its own share.
ALTER TABLE traffic ADD COLUMN mirror_per_mille BIGINT NOT NULL DEFAULT 0;

-- One number that grows with every change of endpoints, revisions and traffic: who knows it knows all of them.
CREATE TABLE serving_epoch (
    id BIGINT PRIMARY KEY,
    epoch BIGINT NOT NULL
);
INSERT INTO serving_epoch (id, epoch) VALUES (1, 1);

-- How a revision that was asked in the shadow agreed with the one that answered, by second.
CREATE TABLE shadow_comparisons (
    endpoint TEXT NOT NULL,
    revision_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    compared BIGINT NOT NULL,
    disagreed BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    difference DOUBLE PRECISION NOT NULL,
    dropped BIGINT NOT NULL,
    PRIMARY KEY (endpoint, revision_id, at)
);

-- A rollout need not belong to a loop.
CREATE TABLE rollouts_anew (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    loop_name TEXT,
    from_revision TEXT,
    to_revision TEXT NOT NULL,
    plan TEXT NOT NULL,
    step BIGINT NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    step_started_at BIGINT NOT NULL,
    ended_at BIGINT,
    decisions TEXT NOT NULL
);
INSERT INTO rollouts_anew (id, workspace, endpoint, loop_name, from_revision, to_revision, plan, step, state, started_at,
    step_started_at, ended_at, decisions)
SELECT id, workspace, endpoint, loop_name, from_revision, to_revision, plan, step, state, started_at, step_started_at,
    ended_at, decisions FROM rollouts;
DROP TABLE rollouts;
ALTER TABLE rollouts_anew RENAME TO rollouts;
CREATE INDEX rollouts_by_endpoint ON rollouts (workspace, endpoint, started_at);

-- What a version needs before it may serve in an environment, as JSON.
CREATE TABLE environments (
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    rules TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, name)
);
