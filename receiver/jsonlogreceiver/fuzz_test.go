package jsonlogreceiver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/metadata"
)

// fuzzProtocol sends bodies to one path. The oracle for every protocol: no panic, no status of 500 or above (the faults
// are all the client's), and as many records came out as the account says were accepted. check knows more about the
// body and the answer.
func fuzzProtocol(f *testing.F, newProtocol func() protocol, mediaType string, check func(t *testing.T, body []byte, s *session, answer *httptest.ResponseRecorder)) {
	f.Helper()
	config := createDefaultConfig().(*Config)
	config.Batch.MaxRecords = 3
	config.Limits.LineBytes, config.Limits.Depth, config.Limits.Fields = 4096, 8, 50
	f.Fuzz(func(t *testing.T, body []byte) {
		sink := new(consumertest.LogsSink)
		r, err := newReceiver(config, receivertest.NewNopSettings(metadata.Type), sink)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		req.Header.Set("Content-Type", mediaType)
		p, answer := newProtocol(), httptest.NewRecorder()
		seen, refused := r.begin(p, req)
		if refused != nil {
			t.Fatalf("refused before it was read: %s", refused.message)
		}
		defer r.end(seen)
		p.read(seen)
		p.answer(answer, seen)
		if answer.Code >= 500 {
			t.Fatalf("status %d: %s", answer.Code, answer.Body)
		}
		if seen.accepted != sink.LogRecordCount() {
			t.Fatalf("%d accepted, %d came out", seen.accepted, sink.LogRecordCount())
		}
		check(t, body, seen, answer)
	})
}

// FuzzJSON also knows: what encoding/json takes, line by line, is accepted unless it passes a limit, and every line that
// holds anything else has a rejection.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"msg":"a","time":"2026-11-24T00:00:00Z","level":30}`, "[{},{\"a\":[1,2,{}]}]", "{\"a\":1}\n{bad}\n{\"b\":2}", "{\n \"a\": 1\n}{}",
		`{"a":"\ud83d\ude00\u0000\ud800"}`, `{"a":NaN,"b":18446744073709551616,"c":1e999}`, "\xef\xbb\xbf{}", `[{"a":1}{}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	fuzzProtocol(f, func() protocol { return plainJSON{} }, "application/json", func(t *testing.T, body []byte, s *session, answer *httptest.ResponseRecorder) {
		var parsed report
		if err := json.Unmarshal(answer.Body.Bytes(), &parsed); err != nil {
			t.Fatal(err)
		}
		if parsed.Accepted != s.accepted || parsed.Rejected != s.rejected {
			t.Fatalf("the answer %s is not the account %d, %d", answer.Body, s.accepted, s.rejected)
		}
		lines, plain := 0, true
		for line := range bytes.Lines(body) {
			if line = bytes.Trim(line, " \t\r\n"); len(line) > 0 {
				lines++
				plain = plain && line[0] == '{' && json.Valid(line) && len(line) <= 4096 &&
					bytes.Count(line, []byte{':'}) <= 50 && bytes.Count(line, []byte{'{'})+bytes.Count(line, []byte{'['}) <= 8
			}
		}
		if plain && (s.accepted != lines || s.rejected != 0) {
			t.Fatalf("%d lines of good JSON, %d accepted: %s", lines, s.accepted, answer.Body)
		}
	})
}

// FuzzBulk also knows that a 200 has one item for each action, and as many created ones as were accepted.
func FuzzBulk(f *testing.F) {
	f.Add([]byte("{\"create\":{}}\n{\"message\":\"a\"}\n{\"index\":{\"_index\":\"x\",\"_id\":\"1\"}}\n{bad}\n{\"delete\":{}}\n{\"update\":{}}\n{}\n"))
	f.Add([]byte("{\"create\":{}}\n"))
	fuzzProtocol(f, func() protocol { return &bulk{} }, "application/x-ndjson", func(t *testing.T, _ []byte, s *session, answer *httptest.ResponseRecorder) {
		if answer.Code != http.StatusOK {
			return
		}
		var parsed bulkAnswer
		if err := json.Unmarshal(answer.Body.Bytes(), &parsed); err != nil {
			t.Fatal(err)
		}
		created := 0
		for _, item := range parsed.Items {
			for _, result := range item {
				if result.Status == http.StatusCreated {
					created++
				} else if result.Error == nil || !parsed.Errors {
					t.Fatalf("an item that failed without saying so: %s", answer.Body)
				}
			}
		}
		if created != s.accepted {
			t.Fatalf("%d created, %d accepted", created, s.accepted)
		}
	})
}

func FuzzLokiJSON(f *testing.F) {
	f.Add([]byte(`{"streams":[{"stream":{"a":"b"},"values":[["1760000000000000000","x",{"k":"v"}],["0","y"]]},{"values":[[1,"z"]],"stream":{}}]}`))
	f.Add([]byte(`{"streams":[{"stream":{"a":1},"values":[[]]}]}`))
	fuzzProtocol(f, func() protocol { return lokiPush{} }, "application/json", checkLoki)
}

func FuzzLokiProtobuf(f *testing.F) {
	proto := lokiStream(`{a="b", c="\"d\""}`, 1760000000, 5, map[string]string{"k": "v"}, "x", "y")
	f.Add(proto)
	f.Add(s2.EncodeSnappy(nil, proto))
	fuzzProtocol(f, func() protocol { return lokiPush{} }, protobufType, checkLoki)
}

func checkLoki(t *testing.T, _ []byte, s *session, answer *httptest.ResponseRecorder) {
	if clean := s.rejected == 0 && s.refused == nil; clean != (answer.Code == http.StatusNoContent) {
		t.Fatalf("%d for %d rejected, refused: %v", answer.Code, s.rejected, s.refused)
	}
}

func FuzzSplunkEvents(f *testing.F) {
	f.Add([]byte(`{"time":1426279439.123,"host":"h","event":"a","fields":{"b":1}}{"event":{"message":"c"}}{"event":""}{"nope":1}`))
	fuzzProtocol(f, func() protocol { return splunkHEC{} }, "application/json", checkSplunk)
}

// FuzzSplunkRaw also knows that every line with something in it is a record.
func FuzzSplunkRaw(f *testing.F) {
	f.Add([]byte("one\r\n\n two level=error\nthree\xff"))
	fuzzProtocol(f, func() protocol { return splunkHEC{raw: true} }, "text/plain", func(t *testing.T, body []byte, s *session, answer *httptest.ResponseRecorder) {
		checkSplunk(t, body, s, answer)
		lines := 0
		for line := range strings.SplitSeq(string(body), "\n") {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		if s.accepted+s.rejected != lines {
			t.Fatalf("%d lines, %d accepted, %d rejected", lines, s.accepted, s.rejected)
		}
	})
}

func checkSplunk(t *testing.T, _ []byte, s *session, answer *httptest.ResponseRecorder) {
	var parsed struct{ Code splunkCode }
	if err := json.Unmarshal(answer.Body.Bytes(), &parsed); err != nil {
		t.Fatal(err)
	}
	if clean := s.rejected == 0 && s.refused == nil; clean != (parsed.Code == hecSuccess) {
		t.Fatalf("%s for %d rejected, refused: %v", answer.Body, s.rejected, s.refused)
	}
}
