// Package client asks a query_api server: the Go side of the HTTP API that the devlogs commands use.
package client
