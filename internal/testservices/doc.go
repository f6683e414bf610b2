// Package testservices starts the servers that tests need: PostgreSQL (with TimescaleDB when the installed server has it)
// and Redis, real ones, private to the test binary, in temporary directories, on sockets and ports nobody else uses.
//
//	func TestMain(m *testing.M) { os.Exit(testservices.Run(m)) }
//
//	func TestX(t *testing.T) {
//		db := testservices.Postgres(t)                          // an empty database on the server the binary shares
//		server := testservices.PrivatePostgres(t)               // a server of its own, to kill and restart
//		redis := testservices.Redis(t, "--appendonly", "yes")   // always a server of its own
//		proxy := testservices.NewFaultProxy(t, redis.Network(), redis.Address()) // a network that fails on command
//	}
//
// The programs come from the PATH or from Debian's /usr/lib/postgresql; when they are missing and the tests run as root on
// Debian or Ubuntu, tools/testdeps installs them. Else DEVLOGS_TEST_POSTGRES_DSN and DEVLOGS_TEST_REDIS_URL may name
// servers that tests may fill and empty. Else the test fails and says so: nothing is skipped.
package testservices
