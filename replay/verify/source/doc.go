// Package source has the places that verify can look into: files in any form that the file exporter writes (the built-in
// sink's too), the devlogs query API, any Loki, a devlogs database, and any SQL query.
//
// Open makes one from a text such as "devlogs=http://localhost:3100".
package source
