-- How an action of a remedy stands: taken, held, waiting, dry_run, denied or expired; what called for it and what was
-- found; what it changed and cost; who decided on it; whether it helped.
ALTER TABLE remedy_actions ADD COLUMN state TEXT NOT NULL DEFAULT 'held';
UPDATE remedy_actions SET state = 'taken' WHERE taken = 1;
ALTER TABLE remedy_actions DROP COLUMN taken;
ALTER TABLE remedy_actions ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE remedy_actions ADD COLUMN diagnosis TEXT;
ALTER TABLE remedy_actions ADD COLUMN trouble_at BIGINT;
ALTER TABLE remedy_actions ADD COLUMN cost DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE remedy_actions ADD COLUMN effect TEXT;
ALTER TABLE remedy_actions ADD COLUMN expires_at BIGINT;
ALTER TABLE remedy_actions ADD COLUMN decided_by TEXT;
ALTER TABLE remedy_actions ADD COLUMN decided_at BIGINT;
ALTER TABLE remedy_actions ADD COLUMN help TEXT;
ALTER TABLE remedy_actions ADD COLUMN judged_at BIGINT;
ALTER TABLE remedy_actions ADD COLUMN effective_at BIGINT;
-- Whether the trouble is over that it was for, and whether a person wants it forgotten.
ALTER TABLE remedy_actions ADD COLUMN is_over BIGINT NOT NULL DEFAULT 0;
ALTER TABLE remedy_actions ADD COLUMN forgiven BIGINT NOT NULL DEFAULT 0;
-- Actions from before were never judged; nothing waits for that.
UPDATE remedy_actions SET is_over = 1;

-- Loops whose remedies are paused; * for all.
CREATE TABLE remedy_pauses (
    workspace TEXT NOT NULL,
    loop_name TEXT NOT NULL,
    at BIGINT NOT NULL,
    paused_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (workspace, loop_name)
);

-- Stretches of event time whose rows are not learned from; the last may have no end yet.
CREATE TABLE data_quarantines (
    workspace TEXT NOT NULL,
    loop_name TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT,
    reason TEXT NOT NULL,
    PRIMARY KEY (workspace, loop_name, from_at)
);
