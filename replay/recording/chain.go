package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// chain yields the pieces of files that continue each other, as rotation leaves them.
type chain struct {
	files []string
	limit int
	notes *notes

	file    string // the one that is open
	in      *input
	sum     hash.Hash // of the open file, when a manifest has one
	index   *sidecar
	content content
	bodies  *bodies
	tail    *tornError
}

// located is a piece, and the file and sidecar entry it belongs to.
type located struct {
	piece
	file  string
	entry *Entry
	raw   bool
}

// next returns io.EOF after the last piece of the last file. Errors name the file.
func (c *chain) next() (located, error) {
	for {
		if c.in == nil {
			if len(c.files) == 0 {
				if c.tail != nil {
					c.notes.torn(c.file, c.tail)
					c.tail = nil
				}
				return located{}, io.EOF
			}
			if err := c.open(c.files[0]); err != nil {
				return located{}, err
			}
			c.files = c.files[1:]
		}
		l, err := c.read()
		if err == nil {
			return l, nil
		}
		if torn := (*tornError)(nil); errors.As(err, &torn) {
			if c.tail = torn; c.in.form != formJSON {
				c.notes.torn(c.file, torn)
				c.tail = nil
			}
		} else if !errors.Is(err, io.EOF) {
			return located{}, fmt.Errorf("%s: %w", c.file, err)
		}
		err = c.check()
		c.close()
		if err != nil {
			return located{}, err
		}
	}
}

// check compares the file that was read with its manifest's sum.
func (c *chain) check() error {
	if c.sum == nil {
		return nil
	}
	if err := c.in.rest(); err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}
	if got := hex.EncodeToString(c.sum.Sum(nil)); got != c.notes.promised[c.file].SHA256 {
		return fmt.Errorf("%s is not the file that was recorded: its SHA-256 is not the manifest's.\n%s", c.file, readAllTheSame)
	}
	return nil
}

func (c *chain) read() (l located, err error) {
	l.file = c.file
	if c.bodies != nil {
		l.raw = true
		l.piece, l.entry, err = c.bodies.next()
		return l, err
	}
	if l.piece, err = c.content.next(); err != nil {
		return l, err
	}
	if c.index != nil {
		l.entry, err = c.index.at(l.offset)
	}
	return l, err
}

func (c *chain) open(name string) (err error) {
	before := c.file
	c.file = name
	if c.index, err = openSidecar(name, c.notes.gapsOf(name)); err != nil {
		return err
	}
	var sum io.Writer
	if c.sum = nil; c.notes.promised[name].SHA256 != "" {
		c.sum = sha256.New()
		sum = c.sum
	}
	if strings.HasSuffix(name, bodiesSuffix) {
		if c.index == nil {
			return fmt.Errorf("%s: raw HTTP bodies cannot be told apart without %s", name, indexName(name))
		}
		if c.in, err = openBodies(name, sum); err == nil {
			c.bodies = &bodies{r: c.in.Reader, index: c.index, limit: c.limit}
		}
		return err
	}
	in, err := openInput(name, c.limit, sum)
	if err != nil && !(errors.Is(err, errUnknown) && c.tail != nil) {
		return err
	}
	if c.in = in; err != nil {
		c.in.form = formJSON // it may begin in the middle of the line that the file before ends with
	}
	switch c.in.form {
	case formFrames:
		c.content = &frames{r: in.Reader, limit: c.limit}
	default:
		tail := c.tail
		c.tail = nil
		c.content = &documents{r: in.Reader, limit: c.limit, tail: tail, onTorn: func(t *tornError) { c.notes.torn(before, t) }}
	}
	return nil
}

func (c *chain) close() {
	if c.in != nil {
		c.in.close()
	}
	if c.index != nil {
		c.index.close()
	}
	c.in, c.index, c.content, c.bodies = nil, nil, nil, nil
}
