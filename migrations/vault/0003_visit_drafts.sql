-- What a visitor chose and typed so far on the portal's pages, sealed under the visit's subject. It goes with the visit.
ALTER TABLE visits ADD COLUMN draft BLOB;
