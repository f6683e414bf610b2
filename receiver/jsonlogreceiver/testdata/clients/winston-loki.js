// Logs through winston with the winston-loki transport to the URL given. The second argument "json" chooses JSON over
// protobuf.
const winston = require("winston");
const LokiTransport = require("winston-loki");

const transport = new LokiTransport({
  host: process.argv[2],
  json: process.argv[3] === "json",
  labels: { app: "winston-app" },
  useWinstonMetaAsLabels: false,
  batching: true,
  interval: 0.2,
  gracefulShutdown: false,
  onConnectionError: (err) => {
    console.error(err);
    process.exit(1);
  },
});
const log = winston.createLogger({ level: "debug", transports: [transport] });
log.info("started", { port: 8080 });
log.error("failed", { code: "ECONNREFUSED" });
transport.flush().then(() => process.exit(0), (err) => {
  console.error(err);
  process.exit(1);
});
