-- Patients. What is personal is opened into memory and searched there.

CREATE TABLE patients_@ (
    id   BLOB PRIMARY KEY CHECK (length(id) = 16),
    body BLOB NOT NULL                     -- postcard of the view's row; the profile in it is sealed
) STRICT;
