-- Two roles with no more rights than devlogs needs. Run it once, as the owner of the tables, after the schema is there
-- ("devlogs migrate", or one start with the owner's DSN):
--
--   psql "$OWNER_DSN" --set=writer=devlogs_writer --set=reader=devlogs_reader --file=roles.sql
--
-- Then give each a password or a certificate: ALTER ROLE devlogs_writer PASSWORD '…'. The writer stores and drops old logs
-- only as rows; making and dropping a day's partition or chunk takes the owner, so let one process with the owner's DSN run
-- too (any that is not read_only does), or make the writer a member of the owner: GRANT owner TO devlogs_writer.

SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY[:'writer', :'reader']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

SELECT format('GRANT USAGE ON SCHEMA %I TO %I, %I', current_schema(), :'writer', :'reader')
\gexec

GRANT SELECT ON devlogs_schema, logs, logs_far, log_streams, log_fields, log_batches TO :"writer", :"reader";
GRANT INSERT ON logs, logs_far TO :"writer";
GRANT INSERT, UPDATE ON log_streams, log_fields, log_batches TO :"writer";
GRANT USAGE ON SEQUENCE log_batches_batch_seq_seq TO :"writer";

-- Readers can't change anything, even by mistake, nor hold a connection for ever.
ALTER ROLE :"reader" SET default_transaction_read_only = on;
ALTER ROLE :"reader" SET idle_in_transaction_session_timeout = '5min';
