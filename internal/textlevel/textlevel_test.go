package textlevel_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/instantdevlogs/devlogs/internal/textlevel"
)

func TestALevelIsReadWhereLoggersWriteIt(t *testing.T) {
	for line, want := range map[string]string{
		"ERROR: no space left on device":                                    "ERROR",
		"Error: connect ECONNREFUSED 127.0.0.1:5432\n    at TCPConnectWrap": "Error",
		"warning: unused variable":                                          "warning",
		"panic: runtime error: index out of range":                          "panic",
		"ERROR no space left":                                               "ERROR",
		"WARN  - slow":                                                      "WARN",
		"[warn] slow query":                                                 "warn",
		"  [ERROR] x":                                                       "ERROR",
		"<debug> x":                                                         "debug",
		"(INFO) x":                                                          "INFO",
		"2026-11-24T10:00:00Z ERROR x":                                      "ERROR",
		"2026-11-24T10:00:00.123Z  INFO 12345 --- [main] c.e.App : started":  "INFO", // Spring Boot
		"2026-11-24 10:00:00,123 WARN x":                                     "WARN",
		"2026-11-24 10:00:00,123 - app.db - ERROR - no connection":           "ERROR", // Python
		"2026-11-24 10:00:00.123 | INFO | app:main:12 - started":             "INFO",  // loguru
		"2026/11/24 10:00:00 [error] 31#31: *1 open() failed":                "error", // nginx
		"2026/11/24 10:00:00 INFO started":                                   "INFO",  // Go
		"2026-11-24T10:00:00.123Z\tinfo\tserver\tstarted":                    "info",  // zap's console
		"10:00:00.123 [main] ERROR c.e.App - x":                              "ERROR", // logback
		"[10:00:00 INF] started":                                             "INF",   // Serilog
		"[2026-11-24T10:00:00Z WARN app::db] slow":                           "WARN",  // env_logger
		"[2026-11-24T10:00:00.123Z] ERROR: app/31 on host: x":                "ERROR", // bunyan's command
		"[Tue Nov 24 10:00:00.123456 2026] [core:error] [pid 31] AH00037: x": "error", // Apache
		"2026-11-24T10:00:00.123456Z 0 [Warning] [MY-010068] [Server] CA":    "Warning",
		"2026-11-24 10:00:00.123 UTC [31] FATAL:  password authentication":   "FATAL", // PostgreSQL
		"E1124 10:00:00.000000       1 reflector.go:12] failed to list":      "error", // klog
		"E, [2026-11-24T10:00:00.123456 #31] ERROR -- : x":                   "ERROR", // Ruby
		"INFO[0001] started":                                                 "INFO",  // logrus
		"ERROR:root:no connection":                                           "ERROR", // Python
		"time=2026-11-24T10:00:00Z level=warn msg=\"slow query\"":            "warn",  // logfmt
		"ts=1 caller=main.go:1 level=error err=\"x\"":                        "error",
		"\x1b[31mERROR\x1b[0m x":                                             "ERROR",
		"2026-11-24 10:00:00 \x1b[33mwarn\x1b[39m: slow":                     "warn", // winston
		"[\x1b[32minfo\x1b[0m] x":                                            "info",
		"ERROR":                                                              "ERROR",
	} {
		assert.Equal(t, want, textlevel.Of(line), line)
	}
}

func TestWhatOnlySpeaksOfALevelHasNone(t *testing.T) {
	for _, line := range []string{
		"", " ", "error rate is 0", "Error rate is 0", "no error: fine", "debugging", "info@example.com wrote", "INFORMATION wanted",
		"warning signs ahead", "set the log level=debug", "the order is critical", "[main] started", "[error rate] 3", "[disk error] x",
		"127.0.0.1 - - [24/Nov/2026:10:00:00 +0000] \"GET /error HTTP/1.1\" 500", "2026-11-24 error budgets are spent",
		"200 OK", "3 ERRORS found", "12 errors", "ERRORS: 3", "level", "a=b c", "(", "[", "[[[[[[[[", "\x1b[", "E1124", "fatal/x", "ALERTS off",
		"1st ERROR x", "url=http://x?level=high", "alert(1)",
	} {
		assert.Empty(t, textlevel.Of(line), line)
	}
}

// FuzzOf: whatever is in a line, what is found is a level, and stands in the line unless it is klog's letter.
func FuzzOf(f *testing.F) {
	for _, seed := range []string{"[warn] x", "2026-11-24 10:00:00 ERROR x", "a=b level=info", "E1124 10:00:00.0", "\x1b[1mERROR\x1b[0m", "- a - ERROR -", "E, [1 ERROR]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		word := textlevel.Of(line)
		if word == "" {
			return
		}
		assert.True(t, strings.Contains(line, word) || strings.ContainsAny(line[:min(len(line), 256)], "IWEF"), "%q in %q", word, line)
		assert.LessOrEqual(t, len(word), len("emergency"))
	})
}

func BenchmarkOf(b *testing.B) {
	for name, line := range map[string]string{
		"plain text": "Received block blk_-1608999687919862906 of size 67108864 from /10.251.42.84",
		"timed":      "2026-11-24 10:00:00,123 [main] ERROR c.e.App - no connection",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				textlevel.Of(line)
			}
		})
	}
}
