package lokipush

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseLabels reads the labels of a stream as protobuf bodies have them: {name="value", other="value"}, values quoted as
// in Go.
func ParseLabels(s string) ([]Label, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "{")
	if !ok {
		return nil, fmt.Errorf(`labels look like {name="value"}, got %.100q`, s)
	}
	var labels []Label
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "}" {
			return labels, nil
		}
		name, after, ok := strings.Cut(rest, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, `"{}`) {
			return nil, fmt.Errorf(`a label looks like name="value", got %.100q`, rest)
		}
		after = strings.TrimLeft(after, " ")
		quoted, err := strconv.QuotedPrefix(after)
		if err != nil {
			return nil, fmt.Errorf("the value of label %q must be in double quotes, got %.100q", name, after)
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("the value of label %q: %w", name, err)
		}
		labels = append(labels, Label{name, strings.ToValidUTF8(value, "\uFFFD")})
		rest = after[len(quoted):]
	}
}
