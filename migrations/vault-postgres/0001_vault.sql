-- The vault on a PostgreSQL server that several nodes share: what stands in migrations/vault/ for a file, table by table
-- and column by column, so that one set of statements serves both. Ids and hashes are bytes, instants microseconds since
-- 1970 UTC, positions those of the log. Every number is 64 bits, as in a file. A released file never changes.

CREATE TABLE vault_schema (
    "only"  BIGINT PRIMARY KEY CHECK ("only" = 1),
    version BIGINT NOT NULL
);
INSERT INTO vault_schema VALUES (1, 0);

CREATE TABLE vault_key (
    "only"  BIGINT PRIMARY KEY CHECK ("only" = 1),
    wrapped BYTEA NOT NULL
);

CREATE TABLE clinic_keys (
    clinic       BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    version      BIGINT NOT NULL,
    wrapped      BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    rewrapped_at BIGINT,
    PRIMARY KEY (clinic, version)
);

CREATE TABLE subject_keys (
    subject       BYTEA PRIMARY KEY CHECK (octet_length(subject) = 16),
    clinic        BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    version       BIGINT NOT NULL,
    wrapped       BYTEA,
    created_at    BIGINT NOT NULL,
    visit         BYTEA CHECK (octet_length(visit) = 16),
    destroyed_at  BIGINT,
    wrapped_under BIGINT NOT NULL DEFAULT 1,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE INDEX subject_keys_of_visits ON subject_keys (visit) WHERE visit IS NOT NULL;
CREATE INDEX subject_keys_of_clinics ON subject_keys (clinic, subject);

-- A node that has not heard of a new key of the clinic may still wrap under the old one: what it would write is refused,
-- with a code of ours, and it looks again. Whoever begins a new version has the vault's lock alone, so that a key that
-- was written before is seen by the rotation.
CREATE FUNCTION under_the_newest_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.wrapped IS NOT NULL AND EXISTS
        (SELECT 1 FROM clinic_keys k WHERE k.clinic = NEW.clinic AND k.version > NEW.wrapped_under) THEN
        RAISE EXCEPTION 'wrapped under an older key' USING ERRCODE = 'CB001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER under_the_newest_key BEFORE INSERT OR UPDATE OF wrapped, wrapped_under ON subject_keys
    FOR EACH ROW EXECUTE FUNCTION under_the_newest_key();

CREATE TABLE visits (
    id            BYTEA PRIMARY KEY CHECK (octet_length(id) = 16),
    clinic        BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    token_hash    BYTEA NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    subject       BYTEA NOT NULL CHECK (octet_length(subject) = 16),
    identity      BYTEA NOT NULL,
    patient       BYTEA CHECK (octet_length(patient) = 16),
    language      TEXT NOT NULL,
    proof         BIGINT NOT NULL,
    terms_version BIGINT NOT NULL,
    opened_at     BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    source_hash   BYTEA,
    draft         BYTEA
);
CREATE INDEX visits_by_age ON visits (opened_at);
CREATE INDEX visits_of_subjects ON visits (subject);

CREATE TABLE credentials (
    member        BYTEA PRIMARY KEY CHECK (octet_length(member) = 16),
    clinic        BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    email_hash    BYTEA NOT NULL CHECK (octet_length(email_hash) = 32),
    password_hash TEXT,
    disabled      BIGINT NOT NULL DEFAULT 0,
    updated_at    BIGINT NOT NULL,
    UNIQUE (email_hash, clinic)
);

CREATE TABLE invitations (
    token_hash BYTEA PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    member     BYTEA NOT NULL CHECK (octet_length(member) = 16),
    clinic     BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE TABLE sessions (
    token_hash BYTEA PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    member     BYTEA NOT NULL CHECK (octet_length(member) = 16),
    clinic     BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    opened_at  BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL
);
CREATE INDEX sessions_of_members ON sessions (member);

CREATE TABLE bearer_tokens (
    token_hash BYTEA PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    id         BYTEA NOT NULL UNIQUE CHECK (octet_length(id) = 16),
    clinic     BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    member     BYTEA NOT NULL CHECK (octet_length(member) = 16),
    role       BIGINT NOT NULL,
    label      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE idempotency (
    command_id BYTEA PRIMARY KEY CHECK (octet_length(command_id) = 16),
    body_hash  BYTEA NOT NULL CHECK (octet_length(body_hash) = 32),
    created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE cursors (
    name     TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);

CREATE TABLE outbox (
    id            BYTEA PRIMARY KEY CHECK (octet_length(id) = 16),
    clinic        BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    kind          BIGINT NOT NULL,
    state         BIGINT NOT NULL,
    appointment   BYTEA CHECK (octet_length(appointment) = 16),
    agenda        BYTEA CHECK (octet_length(agenda) = 16),
    date          BIGINT,
    position      BIGINT,
    own_act       BIGINT NOT NULL,
    caused_at     BIGINT NOT NULL,
    subject       BYTEA CHECK (octet_length(subject) = 16),
    content       BYTEA,
    channel       BIGINT,
    expires_at    BIGINT,
    attempts      BIGINT NOT NULL,
    next_attempt  BIGINT NOT NULL,
    claim         BYTEA CHECK (octet_length(claim) = 16),
    claimed_until BIGINT,
    finished_at   BIGINT,
    told          BYTEA CHECK (octet_length(told) = 32),
    reason        TEXT,
    CHECK ((kind = 1) = (appointment IS NULL)),
    CHECK ((state = 0) = (finished_at IS NULL)),
    CHECK (state = 0 OR content IS NULL)
);
CREATE INDEX outbox_waiting ON outbox (next_attempt) WHERE state = 0;
CREATE INDEX outbox_of_appointments ON outbox (appointment) WHERE appointment IS NOT NULL;
CREATE INDEX outbox_of_claims ON outbox (claim) WHERE claim IS NOT NULL;
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX outbox_undelivered ON outbox (clinic, date) WHERE state = 2 AND appointment IS NOT NULL;

CREATE TABLE codes (
    id           BYTEA PRIMARY KEY CHECK (octet_length(id) = 16),
    clinic       BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    visit        BYTEA NOT NULL CHECK (octet_length(visit) = 16),
    contact_hash BYTEA NOT NULL CHECK (octet_length(contact_hash) = 32),
    code_hash    BYTEA NOT NULL CHECK (octet_length(code_hash) = 32),
    channel      BIGINT NOT NULL,
    tries        BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT
);
CREATE INDEX codes_of_visits ON codes (visit);
CREATE INDEX codes_of_contacts ON codes (contact_hash, created_at);

CREATE TABLE shown_messages (
    id      BYTEA PRIMARY KEY CHECK (octet_length(id) = 16),
    clinic  BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    subject BYTEA NOT NULL CHECK (octet_length(subject) = 16),
    sealed  BYTEA NOT NULL,
    sent_at BIGINT NOT NULL
);
CREATE INDEX shown_messages_by_age ON shown_messages (clinic, sent_at);

CREATE TABLE contact_quotas (
    contact_hash BYTEA NOT NULL CHECK (octet_length(contact_hash) = 32),
    subject      BYTEA NOT NULL CHECK (octet_length(subject) = 16),
    clinic       BYTEA NOT NULL CHECK (octet_length(clinic) = 16),
    quota        BYTEA NOT NULL CHECK (octet_length(quota) = 16),
    until        BIGINT NOT NULL,
    PRIMARY KEY (contact_hash, subject)
);
CREATE INDEX contact_quotas_of_subjects ON contact_quotas (subject);
CREATE INDEX contact_quotas_by_end ON contact_quotas (until);

-- What only a server has: nodes share it. Leases run by the server's clock alone, whatever the nodes' clocks say.
CREATE FUNCTION vault_clock() RETURNS BIGINT LANGUAGE sql VOLATILE AS
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint';

-- number: counts the holders; a write under a lease says which one it means.
CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder BYTEA NOT NULL CHECK (octet_length(holder) = 16),
    number BIGINT NOT NULL,
    until  BIGINT NOT NULL
);

-- The newest checkpoint of the ledger, as it was signed: nothing secret. Every node compares its own tree with it.
CREATE TABLE checkpoints (
    "only" BIGINT PRIMARY KEY CHECK ("only" = 1),
    size   BIGINT NOT NULL,
    note   TEXT NOT NULL
);
