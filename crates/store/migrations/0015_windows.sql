-- A window is judged when it ends and again when labels or rows come late: when it was, how many records it had seen then,
-- whether its labels were due, and the sketches of its columns, from which it is judged without the rows.
ALTER TABLE monitor_windows ADD COLUMN judged_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE monitor_windows ADD COLUMN seen_rows BIGINT NOT NULL DEFAULT 0;
ALTER TABLE monitor_windows ADD COLUMN last_sequence BIGINT NOT NULL DEFAULT -1;
ALTER TABLE monitor_windows ADD COLUMN labels_due BIGINT NOT NULL DEFAULT 1;
ALTER TABLE monitor_windows ADD COLUMN sketches {BYTES};
