-- PostgreSQL without TimescaleDB: one partition a day, made ahead of time (partitions.go). The indexes tell of each 64 pages
-- what they can hold; they are a thousandth of the table and cost next to nothing to write.
CREATE TABLE logs (LIKE logs_far) PARTITION BY RANGE (time);
CREATE INDEX logs_times ON logs USING brin (time timestamptz_minmax_multi_ops, batch_seq)
    WITH (pages_per_range = 64, autosummarize = on);
CREATE INDEX logs_ids ON logs USING brin (trace_id uuid_bloom_ops, stream int8_bloom_ops)
    WITH (pages_per_range = 64, autosummarize = on);
