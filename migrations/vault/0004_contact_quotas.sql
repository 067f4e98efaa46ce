-- Which quota stream a proven contact counts on (8.4). contact_hash: keyed, never the contact itself. subject: who booked
-- with it; the rows of an erased person go. quota: the random id in the stream's name, one for each contact. Rows go when
-- nothing of theirs is ahead any more (until, microseconds since 1970 UTC). A released file never changes.
CREATE TABLE contact_quotas (
    contact_hash BLOB NOT NULL CHECK (length(contact_hash) = 32),
    subject      BLOB NOT NULL CHECK (length(subject) = 16),
    clinic       BLOB NOT NULL CHECK (length(clinic) = 16),
    quota        BLOB NOT NULL CHECK (length(quota) = 16),
    until        INTEGER NOT NULL,
    PRIMARY KEY (contact_hash, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_quotas_of_subjects ON contact_quotas (subject);
CREATE INDEX contact_quotas_by_end ON contact_quotas (until);
