-- TimescaleDB with columnstore.
CREATE TABLE logs (LIKE logs_far);
SELECT create_hypertable('logs', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
ALTER TABLE logs SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'tenant, service',
    timescaledb.compress_orderby = 'time, batch_seq, row_no'
);
SELECT add_compression_policy('logs', INTERVAL '1 hour');
