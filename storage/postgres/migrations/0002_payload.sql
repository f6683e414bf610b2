-- What was sent under a batch's id (storage.Fingerprint), so that an idempotency key that is used again with another payload is
-- told from a retry. NULL, as in all batches of before, says nothing.
ALTER TABLE log_batches ADD COLUMN payload uuid;
