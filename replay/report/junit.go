package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/instantdevlogs/devlogs/replay/gate"
)

// The form that Jenkins, GitLab, GitHub actions and others read (the Ant task's schema).
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"timestamp,attr,omitempty"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes each assertion as a test case.
func (r *Results) WriteJUnit(w io.Writer) error {
	out := junitSuites{Name: "devlogs replay"}
	for _, a := range r.Assertions() {
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != a.Suite {
			out.Suites = append(out.Suites, junitSuite{Name: a.Suite})
			if !r.Started.IsZero() {
				out.Suites[n].Time = r.Started.UTC().Format("2006-01-02T15:04:05")
			}
		}
		suite := &out.Suites[len(out.Suites)-1]
		suite.add(a)
		out.Tests++
		if !a.OK {
			out.Failures++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(a gate.Assertion) {
	c := junitCase{Class: "replay." + a.Suite, Name: a.Name}
	s.Tests++
	if !a.OK {
		s.Failures++
		c.Failure = &junitFailure{Message: a.Message, Text: a.Detail}
	}
	s.Cases = append(s.Cases, c)
}
