-- The tree of artifacts: a path names a blob. A folder is a range of paths, so they are compared byte by byte.
CREATE TABLE artifacts (
    workspace TEXT NOT NULL,
    path {TEXT} NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, path)
){CLUSTERED};
