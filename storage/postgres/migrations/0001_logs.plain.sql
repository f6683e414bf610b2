-- PostgreSQL without TimescaleDB: one partition a day, made ahead of time (partitions.go).
CREATE TABLE logs (LIKE logs_far) PARTITION BY RANGE (time);
