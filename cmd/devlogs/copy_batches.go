package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/google/uuid"
	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/sync/errgroup"

	"github.com/instantdevlogs/devlogs/storage"
)

// carrying is one run of `devlogs copy`: page by page through the source's ledger, tenant by tenant.
type carrying struct {
	from, to carried
	bar      *progressbar.ProgressBar

	mu   sync.Mutex
	done struct{ newBatches, newRows, oldBatches, oldRows uint64 }
}

const (
	ledgerPage = 500 // batches that are looked up in the target at once
	carriers   = 8   // batches that are written at once, to share commits
)

func (c *carrying) run(ctx context.Context, progress io.Writer) error {
	stats, err := c.from.Stats(ctx)
	if err != nil {
		return fmt.Errorf("look at the source: %w", err)
	}
	file, ok := progress.(interface{ Fd() uintptr })
	c.bar = progressbar.NewOptions64(int64(stats.Records), progressbar.OptionSetWriter(progress),
		progressbar.OptionSetDescription("copying"), progressbar.OptionSetItsString("records"), progressbar.OptionShowIts(),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(ok && isatty.IsTerminal(file.Fd())))
	tenants, err := c.from.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	for _, tenant := range tenants {
		if err := c.tenant(ctx, tenant); err != nil {
			return err
		}
	}
	if err := c.bar.Finish(); err != nil {
		return fmt.Errorf("show the progress: %w", err)
	}
	for _, tenant := range tenants {
		if err := c.compare(ctx, tenant); err != nil {
			return err
		}
	}
	return nil
}

// pages gives the source's ledger of a tenant page by page, with what the target has of each page.
func (c *carrying) pages(ctx context.Context, tenant string, page func(entries []storage.LedgerEntry, stored map[uuid.UUID]uint64) error) error {
	for after := uint64(0); ; {
		entries, err := c.from.Entries(ctx, tenant, after, ledgerPage)
		if err != nil {
			return fmt.Errorf("read the source: %w", err)
		}
		if len(entries) == 0 {
			return nil
		}
		ids := make([]uuid.UUID, len(entries))
		for i := range entries {
			ids[i] = entries[i].ID
		}
		stored, err := c.to.Stored(ctx, ids)
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		if err := page(entries, stored); err != nil {
			return err
		}
		after = entries[len(entries)-1].Seq
	}
}

func (c *carrying) tenant(ctx context.Context, tenant string) error {
	return c.pages(ctx, tenant, func(entries []storage.LedgerEntry, stored map[uuid.UUID]uint64) error {
		missing := make(map[uint64]storage.LedgerEntry, len(entries))
		first, last := uint64(0), uint64(0)
		for _, entry := range entries {
			if _, ok := stored[entry.ID]; ok {
				c.count(entry.Rows, false)
				continue
			}
			if len(missing) == 0 {
				first = entry.Seq
			}
			missing[entry.Seq], last = entry, entry.Seq
		}
		if len(missing) == 0 {
			return nil
		}
		return c.carry(ctx, tenant, missing, first-1, last)
	})
}

func allOf(tenant string) storage.Query { return storage.Query{Tenant: tenant, End: storage.EndOfTime} }

// carry reads the records after one sequence up to another and writes the batches among them that are missing.
func (c *carrying) carry(ctx context.Context, tenant string, missing map[uint64]storage.LedgerEntry, after, to uint64) error {
	writing, ctx := errgroup.WithContext(ctx)
	writing.SetLimit(carriers)
	read := func() error {
		var seq uint64
		var logs plog.Logs
		var arrival pcommon.Timestamp
		hand := func() {
			if entry, ok := missing[seq]; ok {
				logs, arrival := logs, arrival
				writing.Go(func() error { return c.write(ctx, tenant, entry, logs, arrival) })
			}
		}
		for record, err := range c.from.Batches(ctx, allOf(tenant), storage.EndOf(after), to) {
			if err != nil {
				return fmt.Errorf("read the source: %w", err)
			}
			if record.Batch != seq {
				hand()
				seq, logs, arrival = record.Batch, plog.NewLogs(), 0
			}
			if _, ok := missing[seq]; !ok {
				continue
			}
			if record.TimeSource == storage.TimeArrival {
				arrival = record.Time // the same for all of a batch
			}
			if err := storage.Decode(&record, logs); err != nil {
				return fmt.Errorf("read record %s of the source: %w", record.ID, err)
			}
		}
		hand()
		return nil
	}
	err := read()
	return cmp.Or(writing.Wait(), err) // a failed write ends the reading too
}

func (c *carrying) write(ctx context.Context, tenant string, entry storage.LedgerEntry, logs plog.Logs, arrival pcommon.Timestamp) error {
	rows := new(storage.Rows)
	storage.Encode(rows, logs, tenant, arrival)
	outcome, err := c.to.Write(ctx, storage.Batch{ID: entry.ID, Rows: rows, Payload: entry.Payload})
	if err != nil {
		return fmt.Errorf("write batch %d of the source: %w", entry.Seq, err)
	}
	c.count(uint64(rows.Len()), outcome == storage.Stored)
	return nil
}

func (c *carrying) count(rows uint64, isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if isNew {
		c.done.newBatches++
		c.done.newRows += rows
	} else {
		c.done.oldBatches++
		c.done.oldRows += rows
	}
	_ = c.bar.Add64(int64(rows)) // more than was there at the start is no error
}

// compare makes sure that the target has each batch of the source, with as many records.
func (c *carrying) compare(ctx context.Context, tenant string) error {
	return c.pages(ctx, tenant, func(entries []storage.LedgerEntry, stored map[uuid.UUID]uint64) error {
		for _, entry := range entries {
			got := stored[entry.ID]
			if got == entry.Rows {
				continue
			}
			// The ledger remembers what the batch was; retention may have dropped a day that it began in.
			left := uint64(0)
			for _, err := range c.from.Batches(ctx, allOf(tenant), storage.EndOf(entry.Seq-1), entry.Seq) {
				if err != nil {
					return fmt.Errorf("read the source: %w", err)
				}
				left++
			}
			if got != left {
				return fmt.Errorf("compare the stores: batch %d of the source has %d records, in the target it has %d", entry.Seq, left, got)
			}
		}
		return nil
	})
}
