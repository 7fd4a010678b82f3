-- What was brought in from elsewhere: under which name it was there, under which it is here, and what was read of it.
-- `tally` is missing while only a part of the thing is in; `whole` is 0 when a part of it could not be read.
CREATE TABLE imports (
    workspace TEXT NOT NULL,
    origin {TEXT} NOT NULL,
    kind {TEXT} NOT NULL,
    source_id {TEXT} NOT NULL,
    target_id {TEXT} NOT NULL,
    tally TEXT,
    whole BIGINT NOT NULL,
    PRIMARY KEY (workspace, origin, kind, source_id)
){CLUSTERED};
