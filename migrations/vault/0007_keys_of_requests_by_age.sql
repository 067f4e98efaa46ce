-- Which body a command came with, in the order of coming. Memory answers whether a key came before, and reads this whole at
-- the first use; what is asked of the rows is only which are older than a day. In the order of random keys each new one
-- would fall on any page of a day's worth of them.
CREATE TABLE idempotency_by_age (
    command_id BLOB NOT NULL CHECK (length(command_id) = 16),
    body_hash  BLOB NOT NULL CHECK (length(body_hash) = 32),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (created_at, command_id)
) STRICT, WITHOUT ROWID;
INSERT INTO idempotency_by_age (command_id, body_hash, created_at)
    SELECT command_id, body_hash, created_at FROM idempotency;
DROP TABLE idempotency;
ALTER TABLE idempotency_by_age RENAME TO idempotency;
