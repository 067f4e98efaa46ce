-- The views: read models with their checkpoints. Everything in this file can be made again from the log.
--
-- The rows of a view stand in tables of their own, one set for each generation of them: `appointments_3`. A rebuild
-- fills the next set while the present one is read. Readers ask the SQL view `appointments`, which shows the set that
-- `projections` names; making it anew is the switch, and nobody sees half of either. The other files of this folder
-- hold those tables, with `@` for the number of the generation; indexes are made when the rows are there.
-- Nothing about a person stands here in the clear: names, contacts and reasons are sealed bytes.

CREATE TABLE projections (
    name       TEXT PRIMARY KEY,
    version    INTEGER NOT NULL,           -- of the program's fold; another one means that the rows are made again
    generation INTEGER NOT NULL,           -- whose rows are read
    position   INTEGER                     -- of the last event applied; NULL: none
) STRICT, WITHOUT ROWID;

-- Events that an operator told one projection to leave out, and why.
CREATE TABLE quarantine (
    projection TEXT NOT NULL,
    position   INTEGER NOT NULL,
    reason     TEXT NOT NULL CHECK (length(reason) > 0),
    PRIMARY KEY (projection, position)
) STRICT, WITHOUT ROWID;
