package deploy

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/instantdevlogs/devlogs/config"
)

// instrument is what these tests read of a metric in a metadata.yaml.
type instrument struct {
	Attributes []string       `yaml:"attributes"`
	Histogram  map[string]any `yaml:"histogram"`
}

// instruments gives every metric by the name it is exported with: those of our components, and of the Collector's parts
// that every process has.
func instruments(t *testing.T) map[string]instrument {
	t.Helper()
	paths, err := filepath.Glob("../*/*/metadata.yaml")
	require.NoError(t, err)
	paths = append(paths, "../queryapi/metadata.yaml")
	for _, module := range []string{"receiver/receiverhelper", "service"} {
		dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "go.opentelemetry.io/collector/"+module).Output()
		require.NoError(t, err)
		paths = append(paths, filepath.Join(strings.TrimSpace(string(dir)), "metadata.yaml"))
	}
	all := map[string]instrument{}
	for _, path := range paths {
		var metadata struct {
			Telemetry struct {
				Metrics map[string]instrument `yaml:"metrics"`
			} `yaml:"telemetry"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(read(t, path)), &metadata), path)
		for name, i := range metadata.Telemetry.Metrics {
			all["otelcol_"+name] = i
		}
	}
	return all
}

// The names that Prometheus sees depend on these settings of the exporter.
func TestConfigurationsExportMetricsUnderTheirOwnNames(t *testing.T) {
	for _, name := range config.Names() {
		text, err := config.Read(name)
		require.NoError(t, err)
		for _, setting := range []string{"without_scope_info: true", "without_type_suffix: true", "without_units: true"} {
			assert.Contains(t, string(text), setting, name)
		}
	}
}

var metricName = regexp.MustCompile(`otelcol_\w+`)

func TestMetricsInTheDashboardAndTheAlertsExist(t *testing.T) {
	known := instruments(t)
	for _, path := range []string{"grafana/dashboards/devlogs.json", "prometheus/alerts.yaml"} {
		names := metricName.FindAllString(read(t, path), -1)
		require.NotEmpty(t, names, path)
		for _, name := range names {
			base := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, suffix)
			}
			i, ok := known[base]
			assert.True(t, ok, "%s: there is no metric %s", path, name)
			assert.Equal(t, i.Histogram != nil, base != name, "%s: %s", path, name)
		}
	}
}

// expressions gives every query of the dashboard and the alerts.
func expressions(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, panel := range documents(t, "grafana/dashboards/devlogs.json")[0].at("panels").list() {
		for _, target := range panel.at("targets").list() {
			all = append(all, target.at("expr").text())
		}
	}
	for _, group := range documents(t, "prometheus/alerts.yaml")[0].at("groups").list() {
		for _, rule := range group.at("rules").list() {
			all = append(all, rule.at("expr").text())
		}
	}
	return all
}

// labelsOfReceivers are those that receiverhelper gives its metrics, beside what their metadata says.
var labelsOfReceivers = []string{"receiver", "transport"}

func TestQueriesGroupByLabelsThatTheMetricsHave(t *testing.T) {
	known := instruments(t)
	grouped := regexp.MustCompile(`by \(([^)]*)\) ?\((?:rate\()?(otelcol_\w+?)(_bucket)?\{?[\[{)]`)
	found := 0
	for _, expression := range expressions(t) {
		for _, match := range grouped.FindAllStringSubmatch(expression, -1) {
			found++
			labels := append([]string{"job", "instance", "le"}, known[match[2]].Attributes...)
			if strings.HasPrefix(match[2], "otelcol_receiver_") {
				labels = append(labels, labelsOfReceivers...)
			}
			for label := range strings.SplitSeq(match[1], ",") {
				assert.Contains(t, labels, strings.TrimSpace(label), expression)
			}
		}
	}
	require.Greater(t, found, 10)
}

func TestTheOperationsGuideExplainsEveryAlertAndEveryMetricOfTheQueue(t *testing.T) {
	guide := read(t, "../docs/operations.md")
	for _, group := range documents(t, "prometheus/alerts.yaml")[0].at("groups").list() {
		for _, rule := range group.at("rules").list() {
			assert.Contains(t, guide, rule.at("alert").text())
		}
	}
	for name := range instruments(t) {
		if strings.HasPrefix(name, "otelcol_timescale_") {
			assert.Contains(t, guide, strings.TrimPrefix(name, "otelcol_"))
		}
	}
}
