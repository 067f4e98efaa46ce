-- One agenda on one day, as its events made it.

CREATE TABLE agenda_days_@ (
    agenda BLOB NOT NULL CHECK (length(agenda) = 16),
    date   INTEGER NOT NULL,               -- wall date, days since 1970-01-01
    body   BLOB NOT NULL,                  -- postcard of the domain's AgendaDay; personal data in it is sealed
    PRIMARY KEY (agenda, date)
) STRICT;
