-- What was brought in from elsewhere: under which name it was there, under which it is here, and what was read of it.
-- `tally` is there when all of the thing is in.
CREATE TABLE imports (
    workspace TEXT NOT NULL,
    origin {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    source_id {TEXT} NOT NULL,
    target_id {TEXT} NOT NULL,
    tally TEXT,
    PRIMARY KEY (workspace, origin, kind, source_id)
){CLUSTERED};
