-- TimescaleDB under the Apache licence: a hypertable of rows.
CREATE TABLE logs (LIKE logs_far);
SELECT create_hypertable('logs', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
