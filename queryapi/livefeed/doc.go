// Package livefeed lets any number of readers follow a tenant's logs at the price of one tail of the store.
//
// Feeds has a feed for each tenant that somebody follows. It begins with the tenant's first reader and ends with the last. One
// goroutine reads everything of the tenant that is committed and keeps the newest of it in memory, so much and no more. Records
// are shared and never change; each reader goes through them at its own pace, in its own goroutine, and looks with its own
// conditions for what it wants.
//
// A reader is at a position: the id of the last record that it has looked at. Ids grow in the order of commits, so that the
// position alone tells where to go on. When what comes next is not in memory (the reader resumes somewhere in the past, or it
// has been slow), the reader asks the store for it, with its conditions, up to the last batch that the feed has seen, and then
// goes on with the feed. So nothing is missed and nothing comes twice, and a slow reader costs the others nothing.
package livefeed
