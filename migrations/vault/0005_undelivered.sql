-- What did not reach its patient is counted on every page of the agenda: an index of its own, as small as the trouble.
-- A released file never changes.
CREATE INDEX outbox_undelivered ON outbox (clinic, date) WHERE state = 2 AND appointment IS NOT NULL;
