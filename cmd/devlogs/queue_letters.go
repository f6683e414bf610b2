package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/mattn/go-isatty"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
)

func (q *queueCommand) newDeadLettersCommand() *cobra.Command {
	var limit int
	var content bool
	cmd := q.subcommand("dead-letters", "Show what the database refused, and why", cobra.NoArgs,
		func(ctx context.Context, cmd *cobra.Command, client redis.UniversalClient, _ []string) error {
			return q.deadLetters(ctx, cmd.OutOrStdout(), client, limit, content)
		})
	cmd.Long = `Show what the database refused, and why: the oldest first, each with the name that requeue and purge take.`
	cmd.Example = `  devlogs queue dead-letters
  devlogs queue dead-letters --content             with the records, as OTLP JSON
  devlogs queue dead-letters --limit 0 -o json >letters.ndjson`
	cmd.Flags().IntVarP(&limit, "limit", "n", 100, "the most letters to show; 0 shows all")
	cmd.Flags().BoolVar(&content, "content", false, "show the records too; -o json always does")
	cmd.Flags().StringVarP(&q.output, "output", "o", "text", "text or json (one object a line)")
	return cmd
}

func (q *queueCommand) newRequeueCommand() *cobra.Command {
	var all bool
	cmd := q.subcommand("requeue [letter]...", "Try dead letters again", cobra.ArbitraryArgs,
		func(ctx context.Context, cmd *cobra.Command, client redis.UniversalClient, args []string) error {
			return q.requeue(ctx, cmd.OutOrStdout(), client, args, all)
		})
	cmd.Long = `Put dead letters back into the queue, after what made the database refuse them was mended. One that is refused again
comes back as a dead letter.`
	cmd.Example = `  devlogs queue requeue --all
  devlogs queue requeue 0/1795507270075-0`
	cmd.Flags().BoolVar(&all, "all", false, "all that there are")
	return cmd
}

func (q *queueCommand) newPurgeCommand() *cobra.Command {
	var all, yes bool
	cmd := q.subcommand("purge [letter]...", "Remove dead letters for good", cobra.ArbitraryArgs,
		func(ctx context.Context, cmd *cobra.Command, client redis.UniversalClient, args []string) error {
			return q.purge(ctx, cmd, client, args, all, yes)
		})
	cmd.Long = `Remove dead letters for good: what they hold is stored nowhere else. It asks first, unless --yes says so.`
	cmd.Example = `  devlogs queue purge 0/1795507270075-0
  devlogs queue purge --all --yes`
	cmd.Flags().BoolVar(&all, "all", false, "all that there are")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// letterName is how people name a letter: its shard and its id there.
func letterName(l *queue.Letter) string { return strconv.Itoa(l.Shard) + "/" + l.ID }

// letters yields the dead letters of every shard.
func (q *queueCommand) letters(ctx context.Context, client redis.UniversalClient) iter.Seq2[queue.Letter, error] {
	return func(yield func(queue.Letter, error) bool) {
		for shard := range q.config.Shards {
			for letter, err := range queue.Letters(ctx, q.config, client, shard) {
				if !yield(letter, err) || err != nil {
					return
				}
			}
		}
	}
}

// letterJSON is one object of `queue dead-letters --output json`.
type letterJSON struct {
	Name    string          `json:"name"`
	Dropped time.Time       `json:"dropped"`
	Reason  string          `json:"reason"`
	Batch   string          `json:"batch_id"`
	Tenant  string          `json:"tenant,omitempty"`
	Record  *int            `json:"record,omitempty"` // its place in the batch; absent when the whole batch was refused
	Records int             `json:"records"`
	Logs    json.RawMessage `json:"logs,omitempty"` // OTLP JSON
	Raw     []byte          `json:"raw,omitempty"`  // instead of Logs, when what is there can't be read
}

func describeLetter(l *queue.Letter) letterJSON {
	j := letterJSON{
		Name: letterName(l), Dropped: l.Dropped.UTC(), Reason: l.Reason, Batch: l.Batch.String(), Tenant: l.Tenant, Records: l.Records,
	}
	if l.Record >= 0 {
		j.Record = &l.Record
	}
	logs, err := queue.Unpack(l.Payload)
	if err == nil {
		j.Logs, err = (&plog.JSONMarshaler{}).MarshalLogs(logs)
	}
	if err != nil {
		j.Raw = l.Payload
	}
	return j
}

func (q *queueCommand) deadLetters(ctx context.Context, w io.Writer, client redis.UniversalClient, limit int, content bool) error {
	switch {
	case q.output != "text" && q.output != "json":
		return fmt.Errorf("--output is %q: use text or json", q.output)
	case limit < 0:
		return fmt.Errorf("--limit is %d: use 0 to show all", limit)
	}
	out := bufio.NewWriter(w)
	shown, more := 0, false
	for letter, err := range q.letters(ctx, client) {
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		if limit > 0 && shown == limit {
			more = true
			break
		}
		shown++
		described := describeLetter(&letter)
		if q.output == "json" {
			if err := json.NewEncoder(out).Encode(described); err != nil {
				return err
			}
			continue
		}
		writeLetter(out, &described, content)
	}
	switch {
	case q.output == "json":
	case shown == 0:
		fmt.Fprintln(out, "There are no dead letters.")
	case more:
		fmt.Fprintln(out, "There are more: --limit 0 shows all.")
	}
	return out.Flush()
}

// writeLetter writes for a terminal; what comes from clients can do nothing there.
func writeLetter(out io.Writer, l *letterJSON, content bool) {
	what := fmt.Sprintf("batch %s", l.Batch)
	if l.Record != nil {
		what = fmt.Sprintf("record %d of batch %s", *l.Record, l.Batch)
	}
	if l.Tenant != "" {
		what += fmt.Sprintf(", tenant %q", l.Tenant)
	}
	fmt.Fprintf(out, "%s  %s  %s\n    %s\n", l.Name, l.Dropped.Local().Format(time.DateTime), what, harmless(l.Reason))
	switch {
	case content && l.Logs != nil:
		fmt.Fprintf(out, "    %s\n", harmless(string(l.Logs)))
	case l.Logs == nil:
		fmt.Fprintf(out, "    what it holds can't be read (%d bytes; -o json shows them)\n", len(l.Raw))
	}
}

// chosen gives the letters that a person named, or all. A name that no letter has is an error, before anything is done.
func (q *queueCommand) chosen(ctx context.Context, client redis.UniversalClient, names []string, all bool) ([]queue.Letter, error) {
	if all == (len(names) > 0) {
		return nil, errors.New("name the letters, as devlogs queue dead-letters shows them, or give --all")
	}
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	var found []queue.Letter
	for letter, err := range q.letters(ctx, client) {
		if err != nil {
			return nil, err
		}
		name := letterName(&letter)
		if all || wanted[name] {
			delete(wanted, name)
			letter.Payload = nil // only the names are held: there may be many
			found = append(found, letter)
		}
	}
	for _, name := range names {
		if wanted[name] {
			return nil, fmt.Errorf("there is no dead letter %s: devlogs queue dead-letters lists them", name)
		}
	}
	return found, nil
}

func (q *queueCommand) requeue(ctx context.Context, out io.Writer, client redis.UniversalClient, names []string, all bool) error {
	chosen, err := q.chosen(ctx, client, names, all)
	if err != nil {
		return err
	}
	wanted := make(map[string]bool, len(chosen))
	for i := range chosen {
		wanted[letterName(&chosen[i])] = true
	}
	done, unreadable := 0, 0
	for letter, err := range q.letters(ctx, client) {
		switch {
		case err != nil:
			return err
		case !wanted[letterName(&letter)]:
		case letter.Records == 0:
			unreadable++
		default:
			if err := queue.Requeue(ctx, q.config, client, letter); err != nil {
				return fmt.Errorf("letter %s, after %d others went well: %w", letterName(&letter), done, err)
			}
			done++
		}
	}
	fmt.Fprintf(out, "Put %s back into the queue.\n", english.Plural(done, "dead letter", ""))
	if unreadable > 0 {
		return fmt.Errorf("%d can't be read and stay: devlogs queue purge removes them", unreadable)
	}
	return nil
}

func (q *queueCommand) purge(ctx context.Context, cmd *cobra.Command, client redis.UniversalClient, names []string, all, yes bool) error {
	chosen, err := q.chosen(ctx, client, names, all)
	if err != nil {
		return err
	}
	if len(chosen) > 0 && !yes {
		if err := confirm(cmd, fmt.Sprintf("Remove %s for good?", english.Plural(len(chosen), "dead letter", ""))); err != nil {
			return err
		}
	}
	for i := range chosen {
		if err := queue.Purge(ctx, q.config, client, chosen[i]); err != nil {
			return fmt.Errorf("letter %s, after %d others went well: %w", letterName(&chosen[i]), i, err)
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Removed %s.\n", english.Plural(len(chosen), "dead letter", ""))
	return nil
}

// confirm returns nil when a person at a terminal says yes.
func confirm(cmd *cobra.Command, question string) error {
	in := cmd.InOrStdin()
	if file, ok := in.(*os.File); ok && !isatty.IsTerminal(file.Fd()) {
		return errors.New("nobody is there to confirm it: add --yes")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s Type yes: ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(strings.ToLower(answer)) != "yes" {
		return errors.New("nothing was removed")
	}
	return nil
}
