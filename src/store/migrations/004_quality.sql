-- What `tarn quality` found: a run checks suites, a suite's results are one row per expectation.
CREATE TABLE quality_run (
    run_id TEXT PRIMARY KEY,
    started_us INTEGER NOT NULL,
    finished_us INTEGER NOT NULL,
    success INTEGER NOT NULL
);
CREATE INDEX quality_run_time ON quality_run (started_us);
CREATE TABLE quality_suite (
    run_id TEXT NOT NULL,
    suite TEXT NOT NULL,
    namespace TEXT NOT NULL,
    table_name TEXT NOT NULL,
    layer TEXT NOT NULL,
    success INTEGER NOT NULL,
    evaluated INTEGER NOT NULL,
    successful INTEGER NOT NULL,
    quarantine_records INTEGER NOT NULL,
    quarantine_rows INTEGER NOT NULL, -- distinct rows with severity error
    micros INTEGER NOT NULL,
    PRIMARY KEY (run_id, suite)
) WITHOUT ROWID;
CREATE TABLE quality_result (
    run_id TEXT NOT NULL,
    suite TEXT NOT NULL,
    position INTEGER NOT NULL, -- in the suite, from 0
    rule TEXT NOT NULL,
    type TEXT NOT NULL, -- Great Expectations' name
    column_name TEXT,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    success INTEGER NOT NULL,
    element_count INTEGER NOT NULL,
    considered_count INTEGER NOT NULL,
    unexpected_count INTEGER NOT NULL,
    result TEXT NOT NULL, -- JSON: Great Expectations' result object
    PRIMARY KEY (run_id, suite, position)
) WITHOUT ROWID;
-- One point per rule and run: the unexpected count, or the observed figure.
CREATE TABLE quality_metric (
    namespace TEXT NOT NULL,
    table_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    measured_us INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (namespace, table_name, rule, measured_us, run_id)
) WITHOUT ROWID;
-- Between 0 and 1; NULL when no expectation measures it.
CREATE TABLE quality_table_score (
    namespace TEXT NOT NULL,
    table_name TEXT NOT NULL,
    measured_us INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    completeness REAL,
    uniqueness REAL,
    validity REAL,
    integrity REAL,
    freshness REAL,
    overall REAL,
    PRIMARY KEY (namespace, table_name, measured_us, run_id)
) WITHOUT ROWID;
CREATE TABLE quality_reconcile (
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    rows_in INTEGER NOT NULL,
    rows_out INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    held INTEGER NOT NULL,
    difference INTEGER NOT NULL,
    success INTEGER NOT NULL,
    PRIMARY KEY (run_id, name)
) WITHOUT ROWID;
-- `tarn quality score`: what was found against the ledger of injected faults.
CREATE TABLE quality_ledger_score (
    measured_us INTEGER NOT NULL,
    entity TEXT NOT NULL,
    kind TEXT NOT NULL,
    fault TEXT NOT NULL,
    injected INTEGER NOT NULL,
    found INTEGER NOT NULL,
    findings INTEGER NOT NULL,
    true_findings INTEGER NOT NULL,
    PRIMARY KEY (measured_us, entity, kind, fault)
) WITHOUT ROWID;
