-- Runs of dags: the run, its tasks, and each try of a task.
-- An owner or a process is its pid and an identity (boot, pid namespace, start time) that a reused pid does not have.
CREATE TABLE run (
    run_id TEXT PRIMARY KEY,
    dag TEXT NOT NULL,
    logical_date TEXT NOT NULL, -- YYYY-MM-DD in the dag's time zone
    interval_start_us INTEGER NOT NULL,
    interval_end_us INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'success', 'failed', 'cancelled', 'lost')),
    params TEXT NOT NULL, -- JSON object
    started_us INTEGER NOT NULL,
    ended_us INTEGER,
    owner_pid INTEGER NOT NULL,
    owner_identity TEXT NOT NULL,
    heartbeat_us INTEGER NOT NULL
);
CREATE INDEX run_by_dag ON run (dag, started_us);
CREATE TABLE run_task (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    task TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('waiting', 'running', 'retrying', 'success', 'failed', 'skipped', 'upstream_failed', 'cancelled')),
    tries INTEGER NOT NULL DEFAULT 0,
    started_us INTEGER,
    ended_us INTEGER,
    summary TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, task)
);
CREATE TABLE run_try (
    run_id TEXT NOT NULL,
    task TEXT NOT NULL,
    try INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    log TEXT NOT NULL,
    started_us INTEGER NOT NULL,
    ended_us INTEGER,
    exit_code INTEGER, -- NULL while it runs, or when a signal ended it
    signal INTEGER,
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, task, try),
    FOREIGN KEY (run_id, task) REFERENCES run_task (run_id, task) ON DELETE CASCADE
);
