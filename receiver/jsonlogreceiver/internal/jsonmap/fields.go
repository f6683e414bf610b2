package jsonmap

// Fields says in which members of a JSON object the parts of a log record are. Names are tried in order. A name with dots
// is looked for as it is ("log.level": …) and as nested objects ("log": {"level": …}).
type Fields struct {
	Time       []string `mapstructure:"time"`
	Severity   []string `mapstructure:"severity"`
	Message    []string `mapstructure:"message"`
	TraceID    []string `mapstructure:"trace_id"`
	SpanID     []string `mapstructure:"span_id"`
	TraceFlags []string `mapstructure:"trace_flags"`
	Service    []string `mapstructure:"service"` // becomes the resource attribute service.name
	// Resource lists further members that describe the source of the logs and not the single record. They become resource
	// attributes under their own names. "prefix*" matches every name with that prefix.
	Resource []string `mapstructure:"resource"`
	// Keep lists members that stay attributes although a default rule would use them.
	Keep []string `mapstructure:"keep"`
	// Ignore lists members to leave out; "prefix*" as above.
	Ignore []string `mapstructure:"ignore"`
	// Extra adds attributes to every record, over those of the same name.
	Extra map[string]string `mapstructure:"extra"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// DefaultFields are names that common loggers and shippers use. The table in the README names the loggers.
func DefaultFields() Fields {
	return Fields{
		Time: []string{
			"@timestamp", "@t", "timestamp", "time", "ts", "datetime", "instant", "timeMillis", "eventTime", "_time",
			"__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "asctime", "timereported", "ISODATE", "date", "DATE",
		},
		Severity: []string{
			"severity", "level", "log.level", "@l", "@level", "levelname", "level_name", "loglevel", "log_level", "lvl",
			"severity_text", "severityText", "syslogseverity-text", "PRIORITY", "priority", "levelno",
			"severity_number", "severityNumber",
		},
		Message: []string{
			"message", "msg", "@m", "@mt", "@message", "short_message", "log", "MESSAGE", "_msg", "textPayload", "event", "body",
		},
		TraceID: []string{
			"trace_id", "traceId", "traceID", "TraceId", "trace.id", "@tr", "otelTraceID", "dd.trace_id", "traceparent",
			"logging.googleapis.com/trace", "trace", "contextMap.trace_id", "contextMap.traceId", "mdc.trace_id", "mdc.traceId",
		},
		SpanID: []string{
			"span_id", "spanId", "spanID", "SpanId", "span.id", "@sp", "otelSpanID", "dd.span_id",
			"logging.googleapis.com/spanId", "contextMap.span_id", "contextMap.spanId", "mdc.span_id", "mdc.spanId",
		},
		TraceFlags: []string{
			"trace_flags", "traceFlags", "otelTraceSampled", "logging.googleapis.com/trace_sampled", "traceSampled",
			"contextMap.trace_flags", "mdc.trace_flags",
		},
		Service: []string{
			"service.name", "service_name", "service", "serviceName", "otelServiceName", "dd.service", "app", "application",
			"SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "programname", "PROGRAM",
		},
	}
}

// resourceNames maps what loggers and shippers call the parts of a resource to the names of OpenTelemetry's semantic
// conventions.
var resourceNames = map[string]string{
	"service.namespace": "service.namespace", "service.version": "service.version",
	"service.instance.id": "service.instance.id", "service.node.name": "service.instance.id",
	"service.environment": "deployment.environment.name", "dd.env": "deployment.environment.name",
	"dd.version": "service.version", "deployment.environment": "deployment.environment",
	"deployment.environment.name": "deployment.environment.name",

	"host": "host.name", "hostname": "host.name", "host.hostname": "host.name", "_HOSTNAME": "host.name",
	"HOST": "host.name", "fromhost": "host.name", "host.name": "host.name", "host.id": "host.id", "_MACHINE_ID": "host.id",

	"container.id": "container.id", "container.name": "container.name", "container_id": "container.id",
	"container_name": "container.name", "container.image.name": "container.image.name",

	"kubernetes.pod_name": "k8s.pod.name", "kubernetes.pod.name": "k8s.pod.name",
	"kubernetes.namespace_name": "k8s.namespace.name", "kubernetes.namespace": "k8s.namespace.name",
	"kubernetes.pod_id": "k8s.pod.uid", "kubernetes.pod.uid": "k8s.pod.uid",
	"kubernetes.host": "k8s.node.name", "kubernetes.node.name": "k8s.node.name",
	"kubernetes.container_name": "k8s.container.name", "kubernetes.container.name": "k8s.container.name",
	"kubernetes.container_image": "container.image.name", "kubernetes.docker_id": "container.id",
	"kubernetes.deployment.name": "k8s.deployment.name",
}

// resourcePrefixes are those of the semantic conventions' own names for resources.
var resourcePrefixes = []string{"k8s.", "cloud."}
