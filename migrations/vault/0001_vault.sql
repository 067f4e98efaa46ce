-- The vault: everything that may be forgotten. Keys, visits, staff credentials and sessions, machine tokens,
-- idempotency rows. No personal data stands here in the clear: keys are wrapped, identities sealed, e-mail addresses
-- and tokens are hashes. Ids are 16 bytes, instants microseconds since 1970 UTC. A released file never changes.

-- One row: the vault's own key, wrapped by the root key. That it unwraps proves the root key.
CREATE TABLE vault_key (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE clinic_keys (
    clinic     BLOB PRIMARY KEY CHECK (length(clinic) = 16),
    version    INTEGER NOT NULL,
    wrapped    BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- visit: the key goes with that visit until somebody keeps it. A destroyed key leaves its row without the key, so
-- that nobody makes another for the same subject.
CREATE TABLE subject_keys (
    subject      BLOB PRIMARY KEY CHECK (length(subject) = 16),
    clinic       BLOB NOT NULL CHECK (length(clinic) = 16),
    version      INTEGER NOT NULL,
    wrapped      BLOB,
    created_at   INTEGER NOT NULL,
    visit        BLOB CHECK (length(visit) = 16),
    destroyed_at INTEGER,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_keys_of_visits ON subject_keys (visit) WHERE visit IS NOT NULL;

CREATE TABLE visits (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    clinic        BLOB NOT NULL CHECK (length(clinic) = 16),
    token_hash    BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    subject       BLOB NOT NULL CHECK (length(subject) = 16),
    identity      BLOB NOT NULL,
    patient       BLOB CHECK (length(patient) = 16),
    language      TEXT NOT NULL,
    proof         INTEGER NOT NULL,
    terms_version INTEGER NOT NULL,
    opened_at     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    source_hash   BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX visits_by_age ON visits (opened_at);

-- password_hash: a PHC string (argon2id); none until the member chose one.
CREATE TABLE credentials (
    member        BLOB PRIMARY KEY CHECK (length(member) = 16),
    clinic        BLOB NOT NULL CHECK (length(clinic) = 16),
    email_hash    BLOB NOT NULL CHECK (length(email_hash) = 32),
    password_hash TEXT,
    disabled      INTEGER NOT NULL DEFAULT 0,
    updated_at    INTEGER NOT NULL,
    UNIQUE (email_hash, clinic)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    member     BLOB NOT NULL CHECK (length(member) = 16),
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    member     BLOB NOT NULL CHECK (length(member) = 16),
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    opened_at  INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_members ON sessions (member);

CREATE TABLE bearer_tokens (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    clinic     BLOB NOT NULL CHECK (length(clinic) = 16),
    member     BLOB NOT NULL CHECK (length(member) = 16),
    role       INTEGER NOT NULL,
    label      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    command_id BLOB PRIMARY KEY CHECK (length(command_id) = 16),
    body_hash  BLOB NOT NULL CHECK (length(body_hash) = 32),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
