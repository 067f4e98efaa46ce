-- Messages: the outbox, one-time codes, and where the reactor stands in the log. Nothing here is personal data in the
-- clear: a notice is only an intent (which appointment, why), a code waits sealed and is compared by its keyed hash.
-- Ids are 16 bytes, instants microseconds since 1970 UTC, positions those of the log. A released file never changes.

-- How far a reactor has followed the log. Moved in one transaction with what was put into the outbox on the way.
CREATE TABLE cursors (
    name     TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- id: the id of the event that caused a notice; drawn for a code. kind: 1 code, 2 booking, 3 change, 4 cancellation.
-- state: 0 waiting, 1 delivered, 2 undelivered, 3 not due any more. channel: 1 e-mail, 2 SMS.
-- content: of a code, address and digits, sealed under the visit's subject; gone once it is sent or given up.
-- told: fingerprint of what a delivered notice said. reason: a word of ours, why it was not delivered.
CREATE TABLE outbox (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    clinic        BLOB NOT NULL CHECK (length(clinic) = 16),
    kind          INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    appointment   BLOB CHECK (length(appointment) = 16),
    agenda        BLOB CHECK (length(agenda) = 16),
    date          INTEGER,
    position      INTEGER,
    own_act       INTEGER NOT NULL,
    caused_at     INTEGER NOT NULL,
    subject       BLOB CHECK (length(subject) = 16),
    content       BLOB,
    channel       INTEGER,
    expires_at    INTEGER,
    attempts      INTEGER NOT NULL,
    next_attempt  INTEGER NOT NULL,
    claim         BLOB CHECK (length(claim) = 16),
    claimed_until INTEGER,
    finished_at   INTEGER,
    told          BLOB CHECK (length(told) = 32),
    reason        TEXT,
    CHECK ((kind = 1) = (appointment IS NULL)),
    CHECK ((state = 0) = (finished_at IS NULL)),
    CHECK (state = 0 OR content IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_waiting ON outbox (next_attempt) WHERE state = 0;
CREATE INDEX outbox_of_appointments ON outbox (appointment) WHERE appointment IS NOT NULL;
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE finished_at IS NOT NULL;

-- At most one code of a visit is open: a new one ends the others. expires_at is moved to the end then.
CREATE TABLE codes (
    id           BLOB PRIMARY KEY CHECK (length(id) = 16),
    clinic       BLOB NOT NULL CHECK (length(clinic) = 16),
    visit        BLOB NOT NULL CHECK (length(visit) = 16),
    contact_hash BLOB NOT NULL CHECK (length(contact_hash) = 32),
    code_hash    BLOB NOT NULL CHECK (length(code_hash) = 32),
    channel      INTEGER NOT NULL,
    tries        INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_of_visits ON codes (visit);
CREATE INDEX codes_of_contacts ON codes (contact_hash, created_at);

-- The demo only: what would have been sent, sealed under the person's key, so that a page can show it.
CREATE TABLE shown_messages (
    id      BLOB PRIMARY KEY CHECK (length(id) = 16),
    clinic  BLOB NOT NULL CHECK (length(clinic) = 16),
    subject BLOB NOT NULL CHECK (length(subject) = 16),
    sealed  BLOB NOT NULL,
    sent_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX shown_messages_by_age ON shown_messages (clinic, sent_at);
