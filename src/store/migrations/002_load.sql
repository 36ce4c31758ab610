-- What was loaded from landing into bronze. A file is known by its content: the same bytes for the same entity load once.
CREATE TABLE loads (
    file TEXT PRIMARY KEY, -- below landing/
    entity TEXT NOT NULL,
    load_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    modified_us INTEGER NOT NULL, -- of the file, so that an unchanged one need not be read again
    format TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('loaded', 'rejected', 'duplicate')),
    reason TEXT, -- of a rejected file; of a duplicate: the file that was loaded
    rows INTEGER NOT NULL,
    rejected INTEGER NOT NULL, -- records that went to bronze.rejected_rows
    started_us INTEGER NOT NULL,
    finished_us INTEGER NOT NULL
);
CREATE UNIQUE INDEX loads_content ON loads (entity, sha256) WHERE status <> 'duplicate';
CREATE INDEX loads_load_id ON loads (load_id);
