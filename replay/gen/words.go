package gen

// The vocabulary that templates are made of. {x} is a slot, see slots.go.
var (
	subjects = []string{
		"order {id}", "customer {user}", "session {hex}", "cart {id}", "invoice {id}", "shipment {id}", "message {uuid}",
		"job {job}", "worker {small}", "partition {small}", "connection {small}", "cache entry {key}", "queue {queue}",
		"table {table}", "feature flag {flag}", "tenant {tenant}", "file {path}", "topic {queue}", "shard {small}", "token {hex}",
		"request {uuid}", "webhook {id}", "batch {id}", "index {table}", "replica {host}", "lock {key}", "upload {uuid}",
	}
	verbs = []string{
		"accepted", "created", "updated", "deleted", "validated", "persisted", "published", "consumed", "scheduled", "enqueued",
		"skipped", "refreshed", "evicted", "acquired", "released", "expired", "rebalanced", "retried", "flushed", "compacted",
		"resolved", "matched", "merged", "rejected", "indexed", "synchronised", "archived", "restored", "migrated", "throttled",
	}
	tails = []string{
		"", " in {ms} ms", " after {small} attempts", " ({bytes} bytes)", " for customer {user}", " by {user}", " from {ip}",
		", {count} rows affected", ", {count} remaining", " on {host}", " with status {status}", " (version {version})",
		": took {ms} ms, {count} items", " to {queue}", ", size={bytes}", " [thread {thread}]", ", next run in {small} min",
		" using strategy {flag}", ", checksum {hex}", " at offset {big}", ", lag {ms} ms", " at {path}",
	}
	warnings = []string{
		"slow query on {table}: {ms} ms", "retrying {queue} after {ms} ms (attempt {small})", "cache miss ratio {small}% above threshold",
		"connection pool at {small}% of {small}", "deprecated endpoint {path} called by {ip}", "rate limit near for {tenant}: {count}/min",
		"disk usage {small}% on {host}", "clock drift of {ms} ms against {host}", "payload of {bytes} bytes truncated",
		"circuit for {queue} half open", "falling back to {flag} for {user}", "heap usage {small}%, GC took {ms} ms",
	}
	failures = []string{
		"could not reach {host}: connection refused", "timeout after {ms} ms calling {path}", "deadlock on {table}, transaction {big} rolled back",
		"payment {id} declined: code {small}", "unexpected status {status} from {host}", "failed to parse message {uuid}: unexpected token at {small}",
		"constraint violation on {table}: duplicate key {id}", "authentication failed for {user} from {ip}",
		"could not write {path}: no space left on device", "invalid state transition of order {id}: {flag} -> {flag}",
	}
	debugs = []string{
		"entering {flag} with {count} items", "cache lookup {key}: hit", "cache lookup {key}: miss", "sql: select * from {table} where id={id} ({ms} ms)",
		"serialised {bytes} bytes", "header x-request-id={uuid}", "polling {queue}, {count} messages", "feature {flag} evaluated to {bool} for {user}",
	}
	routeTails = []string{"", "/{id}", "/{id}/items", "/search", "/{id}/status", "/bulk", "/{id}/history", "/count", "/export"}
	methods    = []string{"GET", "GET", "GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "PATCH"}
	agents     = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
		"okhttp/5.1.0", "shop-android/8.14.2 (Pixel 10; Android 17)", "curl/8.16.0", "python-requests/2.33.1", "Go-http-client/2.0",
	}
	tables  = []string{"orders", "order_items", "customers", "payments", "shipments", "products", "stock", "sessions", "audit_log", "outbox"}
	queues  = []string{"orders.created", "payments.settled", "mail.outbound", "stock.changed", "search.reindex", "fraud.review", "audit"}
	flags   = []string{"standard", "express", "fallback", "pending", "settled", "cancelled", "new-checkout", "dark-mode", "eager", "lazy"}
	jobs    = []string{"cleanup", "reindex", "nightly-report", "settlement", "stock-sync", "token-refresh", "mail-digest"}
	threads = []string{"http-nio-8080-exec", "pool-2-thread", "scheduler", "kafka-consumer", "ForkJoinPool.commonPool-worker", "grpc-default-executor"}
	files   = []string{"/var/lib/app/data", "/tmp/upload", "/etc/app/config.yaml", "/var/cache/images", "/mnt/exports/report"}
)
