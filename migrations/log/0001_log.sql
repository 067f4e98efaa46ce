-- The log. Rows are only ever added: the triggers say so to everyone who opens the file, not only to this program.
--
-- Names of streams and types are stored once and referred to by number: a random text in the indexes of the events
-- would cost half of the appends per second. There is no index on event ids, for the same reason and because the
-- folds already answer what it would be asked.

CREATE TABLE streams (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE event_types (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,          -- 1, 2, 3 ... in the order of commits, without gaps
    stream   INTEGER NOT NULL,             -- streams.id
    revision INTEGER NOT NULL,             -- 0, 1, 2 ... within the stream, without gaps
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    type     INTEGER NOT NULL,             -- event_types.id
    metadata TEXT NOT NULL,
    payload  BLOB NOT NULL,
    UNIQUE (stream, revision)
) STRICT;

CREATE TRIGGER events_are_not_updated BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

-- INSERT OR REPLACE deletes without asking the trigger above. A new row therefore has to be a new row.
CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
WHEN NEW.position <= (SELECT max(position) FROM events)
  OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND revision = NEW.revision)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER streams_are_not_updated BEFORE UPDATE ON streams
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER streams_are_not_deleted BEFORE DELETE ON streams
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER streams_are_not_replaced BEFORE INSERT ON streams
WHEN EXISTS (SELECT 1 FROM streams WHERE id = NEW.id OR name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER event_types_are_not_updated BEFORE UPDATE ON event_types
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER event_types_are_not_deleted BEFORE DELETE ON event_types
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER event_types_are_not_replaced BEFORE INSERT ON event_types
WHEN EXISTS (SELECT 1 FROM event_types WHERE id = NEW.id OR name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
