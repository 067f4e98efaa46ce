-- The ledger's Merkle tree, in tiles: 256 hashes that stand beside each other at a height that is a multiple of eight.
-- A full tile never changes; what is not full stands in the edge, which every page of events writes anew.

CREATE TABLE ledger_edge_@ (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    hashes BLOB NOT NULL                   -- postcard of the view's Edge
) STRICT;

CREATE TABLE ledger_tiles_@ (
    level  INTEGER NOT NULL,               -- 0: leaves; 1: roots of 256 leaves; ...
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (level, number)
) STRICT;

-- Where an event stands, by its id, and by the first sixteen bytes of its leaf's hash.
CREATE TABLE ledger_places_@ (
    run  INTEGER NOT NULL,                 -- of 4,096 leaves
    id   BLOB NOT NULL CHECK (length(id) = 16),
    leaf INTEGER NOT NULL,
    PRIMARY KEY (run, id, leaf)
) STRICT, WITHOUT ROWID;
