-- Durable work. Times are milliseconds since 1970 (UTC).

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,           -- idempotency: the same work is enqueued once
    owner TEXT NOT NULL,
    payload TEXT NOT NULL,              -- JSON
    state TEXT NOT NULL,                -- queued, running, succeeded, failed, cancelled
    priority BIGINT NOT NULL,           -- the higher goes first among those due at the same time
    due_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL,            -- how often it was claimed; the fencing number
    failures BIGINT NOT NULL,           -- how many attempts ended with an error (the others lost their worker)
    max_attempts BIGINT NOT NULL,       -- after this many failures it is not tried again
    lease_token TEXT,
    lease_until BIGINT,
    worker TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    error_code TEXT,
    error TEXT,
    result TEXT                         -- JSON
);

-- What is still to be done, in the order of claiming.
CREATE INDEX jobs_open ON jobs (due_at, priority DESC, id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_owner ON jobs (owner, created_at);

CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    cron TEXT NOT NULL,                 -- five or six fields, UTC
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    payload TEXT NOT NULL,              -- JSON
    priority BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL
);
