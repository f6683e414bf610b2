package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteAnnotations writes one ::error workflow command for each assertion that failed, which GitHub shows on the run.
func (r *Results) WriteAnnotations(w io.Writer) error {
	var b strings.Builder
	for _, a := range r.Assertions() {
		if !a.OK {
			text := a.Message
			if a.Detail != "" {
				text += "\n" + a.Detail
			}
			fmt.Fprintf(&b, "::error title=%s::%s\n", property("replay "+a.Suite+": "+a.Name), data(strings.TrimSpace(text)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var (
	dataEscape     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscape = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// As the workflow-command syntax wants it: otherwise a log line could end the command and begin another.
func data(s string) string     { return dataEscape.Replace(s) }
func property(s string) string { return propertyEscape.Replace(s) }

// WriteMarkdown writes a page, for GITHUB_STEP_SUMMARY and for pull requests.
func (r *Results) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	verdict := "✅ passed"
	if r.failed() > 0 {
		verdict = fmt.Sprintf("❌ %d of %d checks failed", r.failed(), len(r.Assertions()))
	}
	fmt.Fprintf(&b, "## Log replay: %s\n\n", verdict)
	for _, fact := range r.facts() {
		fmt.Fprintf(&b, "- %s: %s\n", cell(fact[0]), cell(fact[1]))
	}
	b.WriteString("\n| | Check | |\n|---|---|---|\n")
	for _, a := range r.Assertions() {
		mark := "✅"
		if !a.OK {
			mark = "❌"
		}
		fmt.Fprintf(&b, "| %s | %s: %s | %s |\n", mark, cell(a.Suite), cell(a.Name), cell(a.Message))
	}
	for _, a := range r.Assertions() {
		if !a.OK && a.Detail != "" {
			fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n\n%s\n</details>\n", cell(a.Message), fence(a.Detail))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var cellEscape = strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", ">", "&gt;", "`", "'", "[", "\\[", "@", "@\u200b")

// cell makes text harmless in a table: log text is data, never markup.
func cell(s string) string { return cellEscape.Replace(s) }

// fence quotes text that may hold anything.
func fence(s string) string {
	mark := "```"
	for strings.Contains(s, mark) {
		mark += "`"
	}
	return mark + "text\n" + strings.TrimRight(s, "\n") + "\n" + mark
}

func (r *Results) failed() (n int) {
	for _, a := range r.Assertions() {
		if !a.OK {
			n++
		}
	}
	return n
}
