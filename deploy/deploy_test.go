// Package deploy has no code: its tests hold the deployment files to the configurations, the metrics and the binary that
// they speak of.
package deploy

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/instantdevlogs/devlogs/config"
)

// files lists every file that deploys something, by path from here.
func files(t *testing.T) []string {
	t.Helper()
	paths := []string{"../docker-compose.yml", "../Dockerfile"}
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// node is one value of a YAML or JSON document. at follows keys; what is not there is nil.
type node struct{ value any }

func (n node) at(keys ...string) node {
	for _, key := range keys {
		fields, _ := n.value.(map[string]any)
		n = node{fields[key]}
	}
	return n
}

func (n node) text() string {
	s, _ := n.value.(string)
	return s
}

func (n node) list() []node {
	values, _ := n.value.([]any)
	nodes := make([]node, len(values))
	for i, v := range values {
		nodes[i] = node{v}
	}
	return nodes
}

func (n node) fields() map[string]node {
	values, _ := n.value.(map[string]any)
	nodes := make(map[string]node, len(values))
	for key, v := range values {
		nodes[key] = node{v}
	}
	return nodes
}

// documents reads a YAML file; a key that stands twice is an error.
func documents(t *testing.T, path string) []node {
	t.Helper()
	var all []node
	for d := yaml.NewDecoder(strings.NewReader(read(t, path))); ; {
		var value any
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, all, path)
			return all
		}
		require.NoError(t, err, path)
		require.IsType(t, map[string]any{}, value, path)
		all = append(all, node{value})
	}
}

func TestEveryFileCanBeRead(t *testing.T) {
	for _, path := range files(t) {
		switch filepath.Ext(path) {
		case ".yaml", ".yml":
			documents(t, path)
		case ".json":
			assert.True(t, json.Valid([]byte(read(t, path))), path)
		}
	}
}

// version is that of the distribution.
func version(t *testing.T) string {
	t.Helper()
	v := documents(t, "../builder-config.yaml")[0].at("dist", "version").text()
	require.NotEmpty(t, v)
	return v
}

func TestImagesArePinned(t *testing.T) {
	image := regexp.MustCompile(`(?m)^(?:FROM|\s*(?:- )?image:)\s+([^\s]+)`)
	pinned := regexp.MustCompile(`^[a-z0-9./-]+:(\S*\d+\.\d+\.\d+|\S*-\d{8})\S*$`)
	found := 0
	for _, path := range files(t) {
		for _, match := range image.FindAllStringSubmatch(read(t, path), -1) {
			found++
			assert.Regexp(t, pinned, match[1], path)
			if name, tag, _ := strings.Cut(match[1], ":"); name == "devlogs" {
				assert.Equal(t, version(t), tag, path)
			}
		}
	}
	require.Greater(t, found, 9)
}

var variable = regexp.MustCompile(`\$\{env:(DEVLOGS_\w+)(:-([^}]*))?\}`)

// variables gives those that a built-in configuration reads, with what they are when they are not set.
func variables(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := config.Read(name)
	require.NoError(t, err)
	usual := map[string]string{}
	for _, match := range variable.FindAllStringSubmatch(string(text), -1) {
		usual[match[1]] = match[3]
	}
	return usual
}

func TestVariablesAreReadByAConfiguration(t *testing.T) {
	known := map[string]bool{}
	for _, name := range config.Names() {
		for v := range variables(t, name) {
			known[v] = true
		}
	}
	for _, path := range files(t) {
		for _, v := range regexp.MustCompile(`DEVLOGS_[A-Z_]+`).FindAllString(read(t, path), -1) {
			assert.True(t, known[v], "%s sets %s, which no configuration reads", path, v)
		}
	}
}

func TestConfigurationsThatAreNamedAreBuiltIn(t *testing.T) {
	found := 0
	for _, path := range append(files(t), "kubernetes/README.md", "../docs/operations.md", "../README.md") {
		for _, match := range regexp.MustCompile(`builtin:([a-z-]+)`).FindAllStringSubmatch(read(t, path), -1) {
			found++
			assert.Contains(t, config.Names(), match[1], path)
		}
	}
	require.Greater(t, found, 5)
}

// The same setting means the same in each configuration.
func TestConfigurationsAgreeOnWhatVariablesAreWhenTheyAreNotSet(t *testing.T) {
	production := variables(t, "production")
	for _, name := range []string{"gateway", "worker", "query"} {
		for v, usual := range variables(t, name) {
			if want, ok := production[v]; ok {
				assert.Equal(t, want, usual, "%s in %s.yaml", v, name)
			}
		}
	}
	embedded := variables(t, "embedded")
	for v, usual := range production {
		if strings.HasSuffix(v, "_ENDPOINT") || v == "DEVLOGS_METRICS_PORT" {
			assert.Equal(t, embedded[v], usual, v)
		}
	}
}
