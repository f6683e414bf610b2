-- The words of a record's attributes (storage/words.go): '~' where they are not known, as in all rows of before. wordless_rows
-- are those; NULL, as in all batches of before, says that there may be some.
ALTER TABLE logs ADD COLUMN words text NOT NULL DEFAULT '~';
ALTER TABLE logs_far ADD COLUMN words text NOT NULL DEFAULT '~';
ALTER TABLE log_batches ADD COLUMN wordless_rows bigint;
CREATE INDEX log_batches_wordless ON log_batches (tenant, max_time) WHERE rows > 0 AND wordless_rows IS DISTINCT FROM 0;
