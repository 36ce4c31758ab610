-- What each run made of the project's models, seeds and snapshots. A row is written in the transaction that moves the
-- table's pointer, so a resumed run knows exactly what is committed.
CREATE TABLE model_run (
    run_id TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    status TEXT NOT NULL,
    row_count INTEGER,
    snapshot_id INTEGER,
    started_us INTEGER NOT NULL,
    ended_us INTEGER NOT NULL,
    PRIMARY KEY (run_id, unique_id)
) WITHOUT ROWID;
