package deploy

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func services(t *testing.T) map[string]node {
	t.Helper()
	all := documents(t, "../docker-compose.yml")[0].at("services").fields()
	require.Contains(t, all, "devlogs")
	return all
}

func TestComposePublishesOnThisMachineOnly(t *testing.T) {
	published := 0
	for name, service := range services(t) {
		for _, port := range service.at("ports").list() {
			published++
			assert.Regexp(t, `^127\.0\.0\.1:\d+:\d+$`, port.text(), name)
		}
	}
	require.NotZero(t, published)
}

func TestComposeWaitsOnlyForServicesThatTellTheirHealth(t *testing.T) {
	all := services(t)
	for name, service := range all {
		for other, how := range service.at("depends_on").fields() {
			require.Contains(t, all, other, name)
			if how.at("condition").text() == "service_healthy" {
				assert.NotEmpty(t, all[other].at("healthcheck", "test").list(), "%s waits for %s, which has no health check", name, other)
			}
		}
	}
}

func TestComposeTakesEverySecretFromTheEnvironment(t *testing.T) {
	example := read(t, "compose.env")
	text := read(t, "../docker-compose.yml")
	names := regexp.MustCompile(`\$\{(\w+)`).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		assert.Regexp(t, `(?m)^#?`+name[1]+`=`, example, "compose.env")
	}
	for _, line := range strings.Split(text, "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && regexp.MustCompile(`(?i)password`).MatchString(key) && !strings.Contains(key, "#") {
			assert.Contains(t, value, "${", "%s: a password in a file that is committed", line)
		}
	}
}

// What clients were told is safe must survive a crash, and must not be evicted.
func TestComposeMakesRedisKeepWhatItTook(t *testing.T) {
	redis := services(t)["redis"]
	command := make([]string, 0, 16)
	for _, word := range redis.at("command").list() {
		command = append(command, word.text())
	}
	for option, want := range map[string]string{"--appendonly": "yes", "--appendfsync": "always", "--maxmemory-policy": "noeviction"} {
		at := slices.Index(command, option)
		require.GreaterOrEqual(t, at, 0, option)
		assert.Equal(t, want, command[at+1], option)
	}
	for _, name := range []string{"redis", "timescaledb"} {
		assert.NotEmpty(t, services(t)[name].at("volumes").list(), name)
	}
}

func TestComposeGivesEachConfigurationWhatItNeeds(t *testing.T) {
	for name, service := range services(t) {
		for _, word := range service.at("command").list() {
			builtIn, ok := strings.CutPrefix(word.text(), "builtin:")
			if !ok {
				continue
			}
			for v, usual := range variables(t, builtIn) {
				if usual == "" {
					assert.NotEmpty(t, service.at("environment", v).text(), "%s needs %s", name, v)
				}
			}
		}
	}
}

// usualPorts gives, by variable, the port that devlogs has when nothing else is said.
func usualPorts(t *testing.T) map[string]string {
	t.Helper()
	ports := map[string]string{}
	for _, name := range []string{"production", "gateway"} {
		for v, usual := range variables(t, name) {
			if _, port, err := net.SplitHostPort(usual); err == nil {
				ports[v] = port
			}
		}
		ports["DEVLOGS_METRICS_PORT"] = variables(t, name)["DEVLOGS_METRICS_PORT"]
	}
	require.Len(t, ports, 6)
	return ports
}

func TestPortsAgree(t *testing.T) {
	ports := usualPorts(t)
	expose := regexp.MustCompile(`(?m)^EXPOSE (.*)$`).FindStringSubmatch(read(t, "../Dockerfile"))
	require.NotNil(t, expose)
	exposed := strings.Fields(expose[1])
	for v, port := range ports {
		assert.Contains(t, exposed, port, v)
		if strings.HasSuffix(v, "_ENDPOINT") {
			assert.Contains(t, read(t, "../Dockerfile"), v+"=0.0.0.0:"+port)
			if v != "DEVLOGS_HEALTH_ENDPOINT" {
				assert.Contains(t, read(t, "systemd/devlogs.env"), v+"=0.0.0.0:"+port)
			}
		}
	}
	for _, published := range services(t)["devlogs"].at("ports").list() {
		parts := strings.Split(published.text(), ":")
		assert.Equal(t, parts[1], parts[2], "devlogs is found where its documentation says")
		assert.Contains(t, exposed, parts[2])
	}
	for _, scrape := range documents(t, "prometheus/prometheus.yml")[0].at("scrape_configs").list() {
		for _, dns := range scrape.at("dns_sd_configs").list() {
			assert.Equal(t, ports["DEVLOGS_METRICS_PORT"], fmt.Sprint(dns.at("port").value))
			for _, name := range dns.at("names").list() {
				assert.Contains(t, services(t), name.text())
			}
		}
	}
}

func TestGrafanaReadsWhereTheQueryAPIIs(t *testing.T) {
	sources := documents(t, "grafana/provisioning/datasources/devlogs.yaml")[0].at("datasources").list()
	require.Len(t, sources, 2)
	for _, source := range sources {
		address, err := url.Parse(source.at("url").text())
		require.NoError(t, err)
		require.Contains(t, services(t), address.Hostname())
		if source.at("type").text() == "loki" {
			assert.Equal(t, usualPorts(t)["DEVLOGS_QUERY_ENDPOINT"], address.Port())
			assert.Equal(t, "devlogs", address.Hostname())
		}
	}
	mounted := read(t, "../docker-compose.yml")
	for _, provider := range documents(t, "grafana/provisioning/dashboards/devlogs.yaml")[0].at("providers").list() {
		assert.Contains(t, mounted, "./deploy/grafana/dashboards:"+provider.at("options", "path").text()+":ro")
	}
}
