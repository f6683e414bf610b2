package deploy

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// objects gives what the Kustomize base makes, by kind.
func objects(t *testing.T) map[string][]node {
	t.Helper()
	byKind := map[string][]node{}
	for _, resource := range documents(t, "kubernetes/kustomization.yaml")[0].at("resources").list() {
		for _, object := range documents(t, filepath.Join("kubernetes", resource.text())) {
			kind := object.at("kind").text()
			require.NotEmpty(t, object.at("apiVersion").text(), resource.text())
			require.NotEmpty(t, object.at("metadata", "name").text(), resource.text())
			byKind[kind] = append(byKind[kind], object)
		}
	}
	require.Len(t, byKind["Deployment"], 3)
	return byKind
}

func component(labels node) string { return labels.at("app.kubernetes.io/component").text() }

func TestKubernetesSelectorsFindThePods(t *testing.T) {
	all := objects(t)
	pods := map[string]bool{}
	for _, deployment := range all["Deployment"] {
		name := component(deployment.at("spec", "template", "metadata", "labels"))
		pods[name] = true
		assert.Equal(t, "devlogs-"+name, deployment.at("metadata", "name").text())
		assert.Equal(t, name, component(deployment.at("spec", "selector", "matchLabels")))
		for _, spread := range deployment.at("spec", "template", "spec", "topologySpreadConstraints").list() {
			assert.Equal(t, name, component(spread.at("labelSelector", "matchLabels")))
		}
	}
	for _, service := range all["Service"] {
		assert.True(t, pods[component(service.at("spec", "selector"))], service.at("metadata", "name").text())
	}
	for _, budget := range all["PodDisruptionBudget"] {
		assert.True(t, pods[component(budget.at("spec", "selector", "matchLabels"))], budget.at("metadata", "name").text())
	}
	for _, scaler := range all["HorizontalPodAutoscaler"] {
		name := strings.TrimPrefix(scaler.at("spec", "scaleTargetRef", "name").text(), "devlogs-")
		assert.True(t, pods[name])
		for _, deployment := range all["Deployment"] {
			if deployment.at("metadata", "name").text() == "devlogs-"+name {
				assert.NotContains(t, deployment.at("spec").fields(), "replicas", "the autoscaler decides")
			}
		}
	}
}

func TestKubernetesContainersGetWhatTheirConfigurationNeeds(t *testing.T) {
	usual := usualPorts(t)
	for _, deployment := range objects(t)["Deployment"] {
		pod := deployment.at("spec", "template", "spec")
		require.Len(t, pod.at("containers").list(), 1)
		container := pod.at("containers").list()[0]
		args := container.at("args").list()
		builtIn, ok := strings.CutPrefix(args[len(args)-1].text(), "builtin:")
		require.True(t, ok)

		set := map[string]bool{}
		for _, v := range container.at("env").list() {
			set[v.at("name").text()] = true
			if strings.HasPrefix(v.at("name").text(), "DEVLOGS_") {
				assert.Equal(t, "devlogs", v.at("valueFrom", "secretKeyRef", "name").text())
				assert.Contains(t, read(t, "kubernetes/README.md"), "--from-literal="+v.at("valueFrom", "secretKeyRef", "key").text()+"=")
			}
		}
		needs := variables(t, builtIn)
		want := map[string]bool{}
		for v, value := range needs {
			if value == "" {
				assert.True(t, set[v], "%s needs %s", builtIn, v)
			}
			if port, ok := usual[v]; ok {
				want[port] = true
			}
		}
		assert.Equal(t, want, containerPorts(container), builtIn)
		for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
			assert.Contains(t, portNames(container), container.at(probe, "httpGet", "port").text(), "%s of %s", probe, builtIn)
		}
		assert.Equal(t, true, pod.at("securityContext", "runAsNonRoot").value)
		assert.Contains(t, read(t, "../Dockerfile"), fmt.Sprintf("USER %v:%v", pod.at("securityContext", "runAsUser").value, pod.at("securityContext", "runAsGroup").value))
		assert.Equal(t, true, container.at("securityContext", "readOnlyRootFilesystem").value)
		assert.Equal(t, false, container.at("securityContext", "allowPrivilegeEscalation").value)
	}
}

func containerPorts(container node) map[string]bool {
	ports := map[string]bool{}
	for _, port := range container.at("ports").list() {
		ports[fmt.Sprint(port.at("containerPort").value)] = true
	}
	return ports
}

// portNames gives a container's ports by name.
func portNames(container node) map[string]string {
	names := map[string]string{}
	for _, port := range container.at("ports").list() {
		names[port.at("name").text()] = fmt.Sprint(port.at("containerPort").value)
	}
	return names
}

func TestKubernetesServicesLeadToThePortsOfTheSameNumber(t *testing.T) {
	all := objects(t)
	for _, service := range all["Service"] {
		for _, deployment := range all["Deployment"] {
			if component(deployment.at("spec", "selector", "matchLabels")) != component(service.at("spec", "selector")) {
				continue
			}
			names := portNames(deployment.at("spec", "template", "spec", "containers").list()[0])
			for _, port := range service.at("spec", "ports").list() {
				assert.Equal(t, fmt.Sprint(port.at("port").value), names[port.at("targetPort").text()], service.at("metadata", "name").text())
			}
		}
	}
}
