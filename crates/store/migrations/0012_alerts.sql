-- An alert has a fingerprint (what it is about), a severity, and a course: pending, firing, acknowledged, resolved.
ALTER TABLE alerts ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN severity TEXT NOT NULL DEFAULT 'warning';
ALTER TABLE alerts ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
ALTER TABLE alerts ADD COLUMN runbook TEXT;
ALTER TABLE alerts ADD COLUMN fired_at BIGINT;
ALTER TABLE alerts ADD COLUMN acknowledged_at BIGINT;
ALTER TABLE alerts ADD COLUMN acknowledged_by TEXT;
ALTER TABLE alerts ADD COLUMN clear_since BIGINT;           -- when the windows that no longer show it began
ALTER TABLE alerts ADD COLUMN clear_windows BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN inhibited_by TEXT;            -- the alert that explains this one
UPDATE alerts SET fingerprint = loop_name || '/' || kind, fired_at = opened_at;
-- One open alert per fingerprint, whoever writes.
CREATE UNIQUE INDEX alerts_open ON alerts (workspace, fingerprint) WHERE state <> 'resolved';

CREATE TABLE alert_changes (
    alert_id {TEXT} NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    state {TEXT} NOT NULL,
    actor {TEXT} NOT NULL,
    note {TEXT} NOT NULL,
    PRIMARY KEY (alert_id, number)
){CLUSTERED};

-- What a loop's file says about its alerts: the policy and the routes, as JSON. Secrets stand there by name only.
CREATE TABLE alerting (
    workspace {TEXT} NOT NULL,
    loop_name {TEXT} NOT NULL,
    settings {TEXT} NOT NULL,
    PRIMARY KEY (workspace, loop_name)
);

CREATE TABLE silences (
    id {TEXT} PRIMARY KEY,
    workspace {TEXT} NOT NULL,
    matchers {TEXT} NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    every BIGINT,                       -- for maintenance that comes back: how long from one start to the next
    comment {TEXT} NOT NULL,
    created_by {TEXT} NOT NULL,
    created_at BIGINT NOT NULL,
    expired_at BIGINT
);
CREATE INDEX silences_by_start ON silences (workspace, starts_at);

-- What was last told to a route about a kind of alert of a loop.
CREATE TABLE told (
    workspace {TEXT} NOT NULL,
    loop_name {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    route {TEXT} NOT NULL,
    number BIGINT NOT NULL,             -- of the notification
    event {TEXT} NOT NULL,
    at BIGINT NOT NULL,
    alerts {TEXT} NOT NULL,
    PRIMARY KEY (workspace, loop_name, kind, route)
);

-- The outbox: written with the change that it tells of; each row is delivered by the job of the same key.
CREATE TABLE notifications (
    id {TEXT} PRIMARY KEY,
    workspace {TEXT} NOT NULL,
    loop_name {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    route {TEXT} NOT NULL,
    number BIGINT NOT NULL,
    event {TEXT} NOT NULL,
    at BIGINT NOT NULL,
    alerts {TEXT} NOT NULL
);
CREATE INDEX notifications_by_time ON notifications (workspace, at DESC, id);
CREATE INDEX notifications_by_route ON notifications (workspace, loop_name, kind, route, number);

-- Texts that nobody may read, sealed with the key of the installation.
CREATE TABLE secrets (
    workspace {TEXT} NOT NULL,
    name {TEXT} NOT NULL,
    sealed {BYTES} NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by {TEXT} NOT NULL,
    PRIMARY KEY (workspace, name)
);
