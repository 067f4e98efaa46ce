-- The short streams that the clinics view folds again at the start.

CREATE TABLE clinic_streams_@ (
    stream TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
