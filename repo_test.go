// Package devlogs has no code: its tests are the rules that hold for the whole repository.
package devlogs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const module = "github.com/instantdevlogs/devlogs"

// goPackage is what these tests read of `go list -json`.
type goPackage struct {
	ImportPath, Dir, Doc string
	GoFiles              []string
	Deps                 []string
}

func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Deps", "./...").Output()
	require.NoError(t, err)
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

func TestEveryPackageTellsItsStory(t *testing.T) {
	for _, p := range packages(t) {
		written := slices.ContainsFunc(p.GoFiles, func(file string) bool { return !strings.HasPrefix(file, "generated_") })
		if written {
			assert.NotEmpty(t, p.Doc, "%s has no package comment", p.ImportPath)
		}
	}
}

// Linters see a file's own imports; this also sees what comes in by way of another package.
func TestPartsDependOnlyOnTheStepsBeforeThem(t *testing.T) {
	components := []string{"/receiver/", "/exporter/", "/extension/", "/queryapi"}
	forbidden := map[string][]string{
		"/storage":   append([]string{"/logql", "/replay", "/cmd/"}, components...),
		"/logql":     append([]string{"/storage", "/replay", "/cmd/"}, components...),
		"/replay":    components,
		"/receiver/": {"/exporter/", "/extension/", "/queryapi", "/storage", "/logql"},
		"/exporter/": {"/receiver/", "/extension/", "/queryapi", "/logql"},
		"/queryapi":  {"/receiver/", "/exporter/", "/extension/"},
	}
	for _, p := range packages(t) {
		own := strings.TrimPrefix(p.ImportPath, module)
		for part, others := range forbidden {
			if !strings.HasPrefix(own, part) || own == "/logql/conformance" { // it runs the language over stores
				continue
			}
			for _, dep := range p.Deps {
				for _, other := range others {
					assert.False(t, strings.HasPrefix(dep, module+other), "%s must not depend on %s", own, dep)
				}
			}
		}
	}
}

// Of two components under one folder neither may use the other, either.
func TestComponentsNeverImportEachOther(t *testing.T) {
	component := regexp.MustCompile(`^` + module + `/(receiver|exporter|extension)/\w+`)
	for _, p := range packages(t) {
		self := component.FindString(p.ImportPath)
		if self == "" {
			continue
		}
		for _, dep := range p.Deps {
			if other := component.FindString(dep); other != "" {
				assert.Equal(t, self, other, "%s depends on %s", p.ImportPath, dep)
			}
		}
	}
}

const (
	maxLines  = 500
	generated = "DO NOT EDIT."
)

func TestNoFileIsTooLongToRead(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() {
			if name == "node_modules" || name == "testdata" || name != "." && strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		head, _, _ := strings.Cut(string(content), "\n")
		if !strings.HasSuffix(strings.TrimSpace(head), generated) {
			assert.LessOrEqual(t, bytes.Count(content, []byte("\n")), maxLines, "%s: split it by noun", path)
		}
		return nil
	})
	require.NoError(t, err)
}

// builderConfig is what these tests read of builder-config.yaml.
type builderConfig struct {
	Dist struct {
		Version string `yaml:"version"`
	} `yaml:"dist"`
	Sections map[string]any `yaml:",inline"`
}

func readBuilderConfig(t *testing.T) builderConfig {
	t.Helper()
	content, err := os.ReadFile("builder-config.yaml")
	require.NoError(t, err)
	var config builderConfig
	require.NoError(t, yaml.Unmarshal(content, &config))
	return config
}

func TestBuilderConfigHasTheVersionsOfGoMod(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "all").Output()
	require.NoError(t, err)
	versions := map[string]string{module: "v0.0.0"} // replaced by the working tree
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path != module {
			versions[path] = version
		}
	}
	found := 0
	for section, list := range readBuilderConfig(t).Sections {
		entries, _ := list.([]any)
		if one, ok := list.(map[string]any); ok {
			entries = []any{one}
		}
		for _, entry := range entries {
			fields, _ := entry.(map[string]any)
			gomod, ok := fields["gomod"].(string)
			if !ok {
				continue
			}
			found++
			path, version, _ := strings.Cut(gomod, " ")
			assert.Equal(t, versions[path], version, "%s in %s of builder-config.yaml", path, section)
		}
	}
	require.Greater(t, found, 20)
}

func TestVersionIsTheSameEverywhere(t *testing.T) {
	source, err := os.ReadFile("cmd/devlogs/version.go")
	require.NoError(t, err)
	constant := regexp.MustCompile(`const version = "(.*)"`).FindSubmatch(source)
	require.NotNil(t, constant)
	version := readBuilderConfig(t).Dist.Version
	require.Equal(t, version, string(constant[1]))
	changelog, err := os.ReadFile("CHANGELOG.md")
	require.NoError(t, err)
	require.Contains(t, string(changelog), "## ["+version+"]")
}

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "*.md").Output()
	require.NoError(t, err)
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for document := range strings.FieldsSeq(string(out)) {
		content, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, target := range link.FindAllStringSubmatch(string(content), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(document), target[1]))
			assert.NoError(t, err, "linked in %s", document)
		}
	}
}
