package recording

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// smallDisk is room that its files share.
type smallDisk struct{ room int64 }

type smallFile struct {
	*os.File
	disk *smallDisk
	size int64
}

func (f *smallFile) WriteAt(b []byte, at int64) (int, error) {
	fits := min(int64(len(b)), f.size+f.disk.room-at)
	n, err := f.File.WriteAt(b[:max(fits, 0)], at)
	f.resize(max(f.size, at+int64(n)))
	if err == nil && n < len(b) {
		err = &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return n, err
}

func (f *smallFile) Truncate(size int64) error {
	f.resize(size)
	return f.File.Truncate(size)
}

func (f *smallFile) resize(size int64) {
	f.disk.room -= size - f.size
	f.size = size
}

// Whenever the disk is full and whenever there is room again, the recording holds what the writer took, in order; when there
// is none in the end, it says how many requests it lacks. It always is as its manifest says.
func TestARecordingOutlivesAFullDisk(t *testing.T) {
	original := createFile
	defer func() { createFile = original }()
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		disk := &smallDisk{room: rapid.Int64Range(0, 3<<20).Draw(t, "room")}
		createFile = func(name string) (file, error) {
			f, err := original(name)
			if err != nil {
				return nil, err
			}
			return &smallFile{File: f.(*os.File), disk: disk}, nil
		}
		n++
		dir := filepath.Join(dir, fmt.Sprint(n))
		defer os.RemoveAll(dir)
		w, err := Create(dir, WriterOptions{SegmentBytes: 7 << 20})
		require.NoError(t, err)
		var taken [][]byte
		content := make([]byte, 3<<20)
		for i := range content {
			content[i] = byte(i * i >> 3) // hard to compress
		}
		for i := range rapid.IntRange(1, 25).Draw(t, "requests") {
			body := append([]byte(fmt.Sprint(i, " ")), content[:rapid.IntRange(0, len(content)).Draw(t, "size")]...)
			at := int64(i + 1)
			err := w.Write(&Message{Raw: true, Body: body, Arrival: at, Entry: &Entry{RecvNS: at, Proto: ProtoHTTPRaw}})
			if err == nil {
				taken = append(taken, body)
			} else {
				require.ErrorIs(t, err, syscall.ENOSPC)
			}
			switch rapid.SampledFrom([]string{"", "", "", "flush", "room"}).Draw(t, "then") {
			case "flush":
				_ = w.Flush() // what it cannot do it tries again
			case "room":
				disk.room += rapid.Int64Range(0, 6<<20).Draw(t, "more")
			}
		}
		if rapid.Bool().Draw(t, "room in the end") {
			disk.room = 1 << 40
		}
		closed := w.Close()
		r, err := Open([]string{dir}, Options{Strict: true})
		require.NoError(t, err)
		defer r.Close()
		read := 0
		for m, err := range r.Messages() {
			require.NoError(t, err)
			require.Equal(t, taken[read], m.Body)
			require.NotNil(t, m.Entry)
			read++
		}
		gaps := r.Notes().Gaps
		if closed == nil {
			require.Equal(t, len(taken), read)
			require.Empty(t, gaps)
			return
		}
		require.ErrorIs(t, closed, syscall.ENOSPC)
		require.Len(t, gaps, 1)
		require.Equal(t, "the disk was full", gaps[0].Reason)
		require.EqualValues(t, len(taken)-read, gaps[0].Requests)
	})
}

// What made a recording may be killed, or find no room for the manifest: then nothing says what should be in it, and that
// is said.
func TestARecordingThatWasNotFinishedSaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rec")
	w, err := Create(dir, WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Write(&Message{Raw: true, Body: []byte("a"), Arrival: 1}))
	require.NoError(t, w.Flush())
	r, err := Open([]string{dir}, Options{Strict: true})
	require.NoError(t, err)
	m, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, "a", string(m.Body))
	require.Len(t, r.Notes().Gaps, 1)
	require.Contains(t, r.Notes().Gaps[0].Reason, "not finished")
	require.NoError(t, r.Close())
	require.NoError(t, w.Close())
	r, err = Open([]string{dir}, Options{})
	require.NoError(t, err)
	require.Empty(t, r.Notes().Gaps)
	require.NoError(t, r.Close())
}
