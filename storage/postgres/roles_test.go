package postgres

import (
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
)

// An ordinary role that owns its database makes the schema, and those that roles.sql makes store and read, with no more rights
// than that gives them.
func TestNobodyNeedsToBeASuperuser(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			server := testservices.PrivatePostgres(t)
			dsn := server.Database(t).DSN
			admin, err := pgx.Connect(t.Context(), dsn)
			require.NoError(t, err)
			defer admin.Close(t.Context())
			database := admin.Config().Database
			for _, sql := range []string{
				"CREATE ROLE logs_owner LOGIN PASSWORD 'secret'", `ALTER DATABASE "` + database + `" OWNER TO logs_owner`,
			} {
				_, err := admin.Exec(t.Context(), sql)
				require.NoError(t, err)
			}
			as := func(role string) string { return dsn + " user=" + role } // the last of two counts, and the server trusts everybody
			require.Equal(t, layout, openDatabase(t, as("logs_owner"), layout).Schema().Layout)

			script := func() error {
				out, err := exec.CommandContext(t.Context(), "psql", as("logs_owner"), "--set=ON_ERROR_STOP=1",
					"--set=writer=logs_writer", "--set=reader=logs_reader", "--file=roles.sql").CombinedOutput()
				t.Log(string(out))
				return err
			}
			require.Error(t, script(), "an owner makes no roles")
			_, err = admin.Exec(t.Context(), "ALTER ROLE logs_owner CREATEROLE")
			require.NoError(t, err)
			require.NoError(t, script())

			writer := openDatabase(t, as("logs_writer"), layout)
			for _, n := range []int{10, 2 * minDirect} {
				_, err = writer.Write(t.Context(), batchAt("", now(), n))
				require.NoError(t, err)
			}
			reader := openDatabase(t, as("logs_reader"), layout)
			require.EqualValues(t, 10+2*minDirect, count(t, reader, ""))
			for _, err := range reader.Search(t.Context(), storage.Query{End: storage.EndOfTime, Limit: 1}) {
				require.NoError(t, err)
			}
			_, err = reader.Write(t.Context(), batchAt("", now(), 1))
			require.Error(t, err)
		})
	}
}
