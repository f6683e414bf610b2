// Package queue is the protocol between gateways, which take logs, and drains, which store them: one Redis stream for each
// shard, with one consumer group.
//
//	gateway ── XADD ──► {prefix:i}:logs ── XREADGROUP ──► drain ── COMMIT ──► database
//	                        ▲                               │
//	                        └──────── XACK + XDEL ──────────┘   only after the commit
//
// An entry is one batch: what one client's request held, with the batch id that the database's ledger knows it by. So an
// entry may be added twice (a client tries again) and delivered twice (a drain died before it acknowledged): the ledger
// stores it once. Nothing here needs to be exactly once; what must hold is that an entry is removed only after its batch is
// committed, and that an entry whose drain died is delivered again.
//
// A drain that dies leaves its entries pending; another takes them over when they have been idle for a while (XAUTOCLAIM).
// A living drain that waits for its database touches its entries so that nobody else takes them.
//
// Keys, for shard i (the braces make Redis Cluster keep a shard's keys together):
//
//	{prefix:i}:logs   stream of entries, see Entry for the fields; group "drain"
//	{prefix:i}:dead   stream of dead letters, see Letter
//
// It needs Redis 7.0 or newer, or Valkey. All methods are safe for concurrent use unless they say otherwise.
package queue
