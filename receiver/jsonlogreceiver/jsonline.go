package jsonlogreceiver

// jsonLine is VictoriaLogs' /insert/jsonline. Its parameters and headers (_msg_field, VL-Msg-Field, …) are understood on
// every path, see overrides.go; what is left is debug=1, which there too means that nothing is stored. It answers as the
// plain protocol does: VictoriaLogs' own answer has no body, and says 200 also when some lines were skipped.
type jsonLine struct{ plainJSON }

func (jsonLine) name() string { return "jsonline" }

func (p jsonLine) read(s *session) {
	debug, err := boolParameter(s.query, "debug")
	if err != nil {
		s.refuse(badParameter("%v", err), place{0, 1})
		return
	}
	s.dryRun = s.dryRun || debug
	p.plainJSON.read(s)
}
