package gate

// Assertion is one thing that was checked, for people and for JUnit.
type Assertion struct {
	Suite   string `json:"suite"` // delivery, self-test, golden, thresholds, run
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"` // why it failed, in one sentence
	Detail  string `json:"detail,omitempty"`  // more lines
}
