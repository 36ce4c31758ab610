-- What a run of `tarn quality` worked on and left, so that the same question is not worked out twice.
CREATE TABLE quality_input (
    run_id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL, -- SHA-256 of suites, versions and table pointers
    output TEXT NOT NULL, -- SHA-256 of the quarantine tables' pointers after it
    checks INTEGER NOT NULL,
    tables INTEGER NOT NULL,
    records INTEGER NOT NULL -- held back
) WITHOUT ROWID;
CREATE INDEX quality_input_fingerprint ON quality_input (fingerprint);
