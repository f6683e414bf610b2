-- TimescaleDB with columnstore. Sparse filters on ids are made where the version has them (2.22 and later).
CREATE TABLE logs (LIKE logs_far);
SELECT create_hypertable('logs', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
DO $$ BEGIN
    ALTER TABLE logs SET (
        timescaledb.compress,
        timescaledb.compress_segmentby = 'service, tenant',
        timescaledb.compress_orderby = 'time, batch_seq, row_no',
        timescaledb.sparse_index = 'bloom(trace_id), bloom(stream)'
    );
EXCEPTION WHEN OTHERS THEN
    ALTER TABLE logs SET (
        timescaledb.compress,
        timescaledb.compress_segmentby = 'service, tenant',
        timescaledb.compress_orderby = 'time, batch_seq, row_no'
    );
END $$;
SELECT add_compression_policy('logs', INTERVAL '1 hour');
