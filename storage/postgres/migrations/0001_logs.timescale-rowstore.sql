-- TimescaleDB under the Apache licence: a hypertable of rows, with the indexes of the plain layout.
CREATE TABLE logs (LIKE logs_far);
SELECT create_hypertable('logs', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX logs_times ON logs USING brin (time timestamptz_minmax_multi_ops, batch_seq)
    WITH (pages_per_range = 64, autosummarize = on);
CREATE INDEX logs_ids ON logs USING brin (trace_id uuid_bloom_ops, stream int8_bloom_ops)
    WITH (pages_per_range = 64, autosummarize = on);
