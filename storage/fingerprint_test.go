package storage_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

func TestAFingerprintFollowsWhatWasSentAndNotWhenItArrived(t *testing.T) {
	of := func(arrival pcommon.Timestamp, change func(plog.LogRecord)) storage.Fingerprint {
		logs := storagetest.Corpus(0, 10)
		change(logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0))
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", arrival)
		return rows.Fingerprint()
	}
	timeless := func(r plog.LogRecord) { r.SetTimestamp(0); r.SetObservedTimestamp(0) }
	require.Equal(t, of(1, timeless), of(2, timeless), "a retry arrives later")
	same := of(1, func(plog.LogRecord) {})
	for _, change := range []func(plog.LogRecord){
		timeless,
		func(r plog.LogRecord) { r.SetTimestamp(1) },
		func(r plog.LogRecord) { r.SetObservedTimestamp(1) },
		func(r plog.LogRecord) { r.Body().SetStr("other") },
		func(r plog.LogRecord) { r.Attributes().PutStr("new", "") },
	} {
		require.True(t, same.Differs(of(1, change)))
	}
	require.False(t, same.Differs(storage.Fingerprint{}))
	require.False(t, same.Differs(storage.OfMessage([]byte("m"))), "prints that were made in different ways can't be compared")
	require.True(t, storage.OfClient("a").Differs(storage.OfClient("b")))
}
