// Logs through pino with the pino-loki transport to the URL given.
const pino = require("pino");

const log = pino({ level: "trace", base: null }, pino.transport({
  target: "pino-loki",
  options: { host: process.argv[2], labels: { app: "pino-app" }, batching: { interval: 1 }, propsToLabels: ["level"] },
}));
log.info({ orderId: 7 }, "order placed");
log.error("payment failed");
log.flush();
