package recording

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

const (
	readBuffer = 256 << 10
	// maxWindow is what zstd --long=27 needs, its largest that readers accept unasked.
	maxWindow  = 128 << 20
	maxWrapped = 3 // a gzip of a zstd is odd; a fourth layer is a mistake or an attack
)

// input is a file's content, decompressed.
type input struct {
	*bufio.Reader
	form   form
	file   io.Reader // what lies on the disk
	closer []func()
}

// openInput opens the file, takes compression of the whole off, and says what lies inside. Content that is not known is
// an error that is errUnknown, and comes with the open input. What is read of the file goes into sum, too, unless that is nil.
func openInput(name string, maxMessage int, sum io.Writer) (*input, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in, err := unwrap(summed(f, sum), maxMessage)
	in.closer = append(in.closer, func() { f.Close() })
	if err == nil {
		return in, nil
	}
	err = fmt.Errorf("%s: %w", name, err)
	if !errors.Is(err, errUnknown) {
		in.close()
		return nil, err
	}
	return in, err
}

// openBodies opens a segment of raw HTTP bodies, which can be anything and are not looked at.
func openBodies(name string, sum io.Writer) (*input, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	file := summed(f, sum)
	z, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &input{
		Reader: bufio.NewReaderSize(z, readBuffer),
		form:   formEmpty,
		file:   file,
		closer: []func(){func() { f.Close() }, z.Close},
	}, nil
}

func summed(f io.Reader, sum io.Writer) io.Reader {
	if sum == nil {
		return f
	}
	return io.TeeReader(f, sum)
}

// unwrap never returns a nil input: what it opened must be closed also after an error.
func unwrap(r io.Reader, maxMessage int) (*input, error) {
	in := &input{Reader: bufio.NewReaderSize(r, readBuffer), file: r}
	for layer := 0; ; layer++ {
		head, err := in.Peek(sniffLen)
		if err != nil && !errors.Is(err, io.EOF) && !(isTorn(err) && len(head) > 0) {
			return in, describe(err)
		}
		if in.form, err = sniff(head, maxMessage); err != nil {
			return in, err
		}
		switch in.form {
		case formZstd:
			z, err := zstd.NewReader(in.Reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
			if err != nil {
				return in, describe(err)
			}
			in.closer = append(in.closer, z.Close)
			in.Reader = bufio.NewReaderSize(z, readBuffer)
		case formGzip:
			z, err := gzip.NewReader(in.Reader)
			if err != nil {
				return in, describe(err)
			}
			in.Reader = bufio.NewReaderSize(z, readBuffer)
		default:
			return in, nil
		}
		if layer == maxWrapped {
			return in, errors.New("it is compressed more than three times over")
		}
	}
}

// rest reads what the content did not need: of a file that was cut or changed, it may end before the file does.
func (in *input) rest() error {
	_, err := io.Copy(io.Discard, in.file)
	return err
}

func (in *input) close() {
	for i := len(in.closer) - 1; i >= 0; i-- {
		in.closer[i]()
	}
	in.closer = nil
}

// isTorn tells the end of a file that was cut off from other damage.
func isTorn(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

func describe(err error) error {
	switch {
	case isTorn(err):
		return fmt.Errorf("the file ends before its content is complete: %w", err)
	case errors.Is(err, zstd.ErrCRCMismatch), errors.Is(err, gzip.ErrChecksum):
		return fmt.Errorf("the content is damaged: %w", err)
	}
	return err
}
