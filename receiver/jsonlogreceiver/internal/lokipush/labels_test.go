package lokipush

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestLabelsComeBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []Label
		var parts []string
		for _, name := range rapid.SliceOf(rapid.StringMatching(`[a-zA-Z_][a-zA-Z0-9_]*`)).Draw(t, "names") {
			value := rapid.String().Draw(t, "value")
			want = append(want, Label{name, value})
			parts = append(parts, name+"="+strconv.Quote(value))
		}
		got, err := ParseLabels("{" + strings.Join(parts, ", ") + "}")
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestDamagedLabelsAreRefused(t *testing.T) {
	for _, text := range []string{"", "{", `{a}`, `{a="b"`, `{a=b}`, `{="b"}`, `a="b"`, `{a="b}`, `{"a"="b"}`} {
		_, err := ParseLabels(text)
		require.Error(t, err, text)
	}
}
