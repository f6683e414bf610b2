// Logs through OpenTelemetry's SDK with its OTLP/HTTP JSON exporter to the URL given.
const { LoggerProvider, SimpleLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { OTLPLogExporter } = require("@opentelemetry/exporter-logs-otlp-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");

const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "service.name": "otel-app" }),
  processors: [new SimpleLogRecordProcessor({ exporter: new OTLPLogExporter({ url: process.argv[2] + "/v1/logs" }) })],
});
provider.getLogger("shop").emit({ severityNumber: 13, severityText: "WARN", body: "low stock", attributes: { sku: "A-1", left: 3 } });
provider.forceFlush().then(() => provider.shutdown()).catch((err) => {
  console.error(err);
  process.exit(1);
});
