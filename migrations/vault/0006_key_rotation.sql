-- Keys can be replaced. A clinic has one key for each version; the newest wraps the keys of its people. What older
-- versions sealed in the log (who a staff member is) and what follows from the first (links, ids of imported things)
-- stays, so no version is deleted.
-- rewrapped_at: since when no person's key is wrapped under an older version; NULL while a rotation is under way.
CREATE TABLE clinic_keys_by_version (
    clinic       BLOB NOT NULL CHECK (length(clinic) = 16),
    version      INTEGER NOT NULL,
    wrapped      BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    rewrapped_at INTEGER,
    PRIMARY KEY (clinic, version)
) STRICT, WITHOUT ROWID;
INSERT INTO clinic_keys_by_version (clinic, version, wrapped, created_at, rewrapped_at)
    SELECT clinic, version, wrapped, created_at, created_at FROM clinic_keys;
DROP TABLE clinic_keys;
ALTER TABLE clinic_keys_by_version RENAME TO clinic_keys;

-- The version of the clinic's key under which this key is wrapped.
ALTER TABLE subject_keys ADD COLUMN wrapped_under INTEGER NOT NULL DEFAULT 1;
