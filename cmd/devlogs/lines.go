package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/instantdevlogs/devlogs/internal/textlevel"
	"github.com/instantdevlogs/devlogs/queryapi"
)

// maxLine bounds a line.
const maxLine = 16 << 20

// line is one line of a file or a pipe.
type line struct {
	text  string
	time  time.Time // that the line says; else the one of the line before, or when it was read
	level string
}

// lineReader reads lines, and in them what says their time and level. It is used by one goroutine.
type lineReader struct {
	in     *bufio.Reader
	parser fastjson.Parser
	number int
	last   time.Time
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 64<<10)}
}

// next gives the next line that is not empty; io.EOF is the end.
func (r *lineReader) next() (line, error) {
	for {
		text, err := r.read()
		if err != nil {
			return line{}, err
		}
		if text != "" {
			return r.interpret(text), nil
		}
	}
}

func (r *lineReader) read() (string, error) {
	r.number++
	var long []byte
	for {
		part, err := r.in.ReadSlice('\n')
		long = append(long, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if len(long) > maxLine {
				return "", fmt.Errorf("line %d is longer than %d MiB: is it a text file?", r.number, maxLine>>20)
			}
		case errors.Is(err, io.EOF) && len(long) == 0:
			return "", io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return "", fmt.Errorf("read line %d: %w", r.number, err)
		default:
			return strings.ToValidUTF8(string(bytes.TrimRight(long, "\r\n")), "\uFFFD"), nil
		}
	}
}

// Where the usual loggers write a time and a level, the more usual first.
var (
	timeKeys    = []string{"time", "timestamp", "ts", "@timestamp", "t", "date", "@t"}
	levelKeys   = []string{"level", "severity", "lvl", "severity_text", "log.level", "@l"}
	messageKeys = []string{"message", "msg", "body", "log", "@m"}

	// leadingTime is RFC 3339, with a space for the T and a comma for the point too, at the start of a line or behind time=.
	leadingTime = regexp.MustCompile(`^\[?(?:(?:time|ts)=)?"?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?`)
)

// interpret finds a line's time and level.
func (r *lineReader) interpret(text string) line {
	l := line{text: text}
	if text[0] == '{' {
		if v, err := r.parser.Parse(text); err == nil {
			l.time, l.level = jsonTime(v), cmp.Or(jsonLevel(v), textlevel.Of(jsonMessage(v)))
		}
	} else {
		l.time = textTime(text)
		l.level = textlevel.Of(text)
	}
	switch {
	case !l.time.IsZero():
		r.last = l.time
	case r.last.IsZero():
		l.time = time.Now()
	default:
		l.time = r.last
	}
	return l
}

func jsonTime(v *fastjson.Value) time.Time {
	for _, key := range timeKeys {
		found := v.Get(key)
		if found == nil {
			continue
		}
		text := string(found.GetStringBytes())
		if found.Type() == fastjson.TypeNumber {
			f, err := found.Float64()
			if err != nil {
				continue
			}
			text = strconv.FormatFloat(f, 'f', -1, 64)
		}
		if t, err := queryapi.ParseTime(text, time.Time{}); err == nil && t.Year() > 1970 {
			return t
		}
		if t := textTime(text); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

func jsonLevel(v *fastjson.Value) string { return firstText(v, levelKeys) }

func jsonMessage(v *fastjson.Value) string { return firstText(v, messageKeys) }

func firstText(v *fastjson.Value, keys []string) string {
	for _, key := range keys {
		if text := v.GetStringBytes(key); len(text) > 0 {
			return string(text)
		}
	}
	return ""
}

// textTime is the time at the start of a line, without a zone in UTC; the zero time when there is none.
func textTime(text string) time.Time {
	m := leadingTime.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}
	}
	zone := m[4]
	if zone == "" {
		zone = "Z"
	} else if len(zone) == 5 {
		zone = zone[:3] + ":" + zone[3:]
	}
	fraction := ""
	if m[3] != "" {
		fraction = "." + m[3]
	}
	t, err := time.Parse(time.RFC3339Nano, m[1]+"T"+m[2]+fraction+zone)
	if err != nil {
		return time.Time{}
	}
	return t
}
