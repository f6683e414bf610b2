-- How many records of each stream and severity a batch has (tally.go). NULL, as in all batches of before, says nothing. They
-- are read whole, and ids of streams are random: compressing them costs more than it gains.
ALTER TABLE log_batches ADD COLUMN tally bytea;
ALTER TABLE log_batches ALTER COLUMN tally SET STORAGE EXTERNAL;
