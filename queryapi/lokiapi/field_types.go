package lokiapi

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

// The types of detected fields.
const (
	typeString   = "string"
	typeInt      = "int"
	typeFloat    = "float"
	typeBoolean  = "boolean"
	typeDuration = "duration"
	typeBytes    = "bytes"
)

// typeOf guesses what kind of value a text is.
func typeOf(text string) string {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return typeInt
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return typeFloat
	}
	if _, err := strconv.ParseBool(text); err == nil {
		return typeBoolean
	}
	if _, err := time.ParseDuration(text); err == nil {
		return typeDuration
	}
	if isBytes(text) {
		return typeBytes
	}
	return typeString
}

// commonType is the type of values of two types.
func commonType(a, b string) string {
	switch {
	case a == b:
		return a
	case a == typeInt && b == typeFloat, a == typeFloat && b == typeInt:
		return typeFloat
	}
	return typeString
}

// isBytes tells whether a text is a size such as 1.5KiB or 3MB.
func isBytes(text string) bool {
	unit := strings.TrimLeft(text, "0123456789.")
	if unit == text {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(unit)) {
	case "b", "kb", "mb", "gb", "tb", "pb", "kib", "mib", "gib", "tib", "pib":
		_, err := strconv.ParseFloat(text[:len(text)-len(unit)], 64)
		return err == nil
	}
	return false
}

// maxPathDepth bounds how deep paths are looked for.
const maxPathDepth = 16

// jsonPaths gives the path of each value in a line of JSON by the label that the json stage makes of it.
func jsonPaths(line string) map[string][]string {
	if !strings.HasPrefix(strings.TrimSpace(line), "{") {
		return nil
	}
	var object map[string]any
	if json.Unmarshal([]byte(line), &object) != nil {
		return nil
	}
	paths := map[string][]string{}
	walkPaths(object, "", nil, paths)
	return paths
}

func walkPaths(object map[string]any, prefix string, path []string, into map[string][]string) {
	for key, value := range object {
		name := prefix + strings.TrimPrefix(logplan.LabelName(strings.TrimSpace(key)), "key_")
		at := append(path[:len(path):len(path)], key)
		if inner, ok := value.(map[string]any); ok && len(at) < maxPathDepth {
			walkPaths(inner, name+"_", at, into)
			continue
		}
		into[name] = at
	}
}
