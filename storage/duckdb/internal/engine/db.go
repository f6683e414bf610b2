// Package engine is the little of DuckDB's C interface that the store needs: connections, statements whose results are read
// as column chunks, and appenders that are filled column by column. database/sql boxes every value of every row; here a
// column of a chunk is a slice over DuckDB's own memory.
package engine

import (
	"fmt"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// DB is one DuckDB instance. It is safe for concurrent use; its connections are not.
type DB struct {
	db mapping.Database
}

// Open starts an instance in memory, to which files are attached. settings are DuckDB's configuration options.
func Open(settings map[string]string) (*DB, error) {
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return nil, &Error{Message: "create configuration"}
	}
	defer mapping.DestroyConfig(&config)
	for name, value := range settings {
		if mapping.SetConfig(config, name, value) == mapping.StateError {
			return nil, &Error{Type: mapping.ErrorTypeSettings, Message: fmt.Sprintf("DuckDB refuses %s = %q", name, value)}
		}
	}
	d := &DB{}
	var message string
	if mapping.OpenExt("", &d.db, config, &message) == mapping.StateError {
		return nil, &Error{Message: message}
	}
	return d, nil
}

// Connect opens a connection, which the caller closes before the DB.
func (d *DB) Connect() (*Conn, error) {
	c := &Conn{}
	if mapping.Connect(d.db, &c.conn) == mapping.StateError {
		return nil, &Error{Type: mapping.ErrorTypeConnection, Message: "connect to DuckDB"}
	}
	return c, nil
}

// Close ends the instance and writes attached files' logs into them where DuckDB can.
func (d *DB) Close() { mapping.Close(&d.db) }
