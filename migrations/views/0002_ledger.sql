-- The ledger's Merkle tree, in tiles: 256 hashes that stand beside each other at a height that is a multiple of eight.
-- A full tile never changes; what is not full stands in the edge, which every page of events writes anew.

CREATE TABLE ledger_edge (
    generation INTEGER PRIMARY KEY,
    hashes     BLOB NOT NULL               -- postcard of the view's Edge
) STRICT;

CREATE TABLE ledger_tiles (
    generation INTEGER NOT NULL,
    level      INTEGER NOT NULL,           -- 0: leaves; 1: roots of 256 leaves; ...
    number     INTEGER NOT NULL,
    hashes     BLOB NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (generation, level, number)
) STRICT;

-- Where an event stands, by its id, and by the first sixteen bytes of its leaf's hash.
CREATE TABLE ledger_places (
    generation INTEGER NOT NULL,
    id         BLOB NOT NULL CHECK (length(id) = 16),
    leaf       BLOB NOT NULL CHECK (length(leaf) = 8),  -- most significant byte first
    PRIMARY KEY (generation, id, leaf)
) STRICT, WITHOUT ROWID;
