package recording

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// rotated names: data-2026-01-02T15-04-05.000-size.jsonl (the file exporter), logs-000001.jsonl.zst (Writer).
var rotated = regexp.MustCompile(`^(.+?)-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}|\d{6})(?:-[a-z]+)?(\.[^/]*)?$`)

// findChains turns what a user names (folders, files, patterns) into files that continue each other, oldest first.
func findChains(paths []string, limit int, n *notes) ([][]string, error) {
	if len(paths) == 0 {
		return nil, errors.New("name a recording: a folder or a file")
	}
	var files []string
	for _, path := range paths {
		found, err := find(path, limit, n)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return group(slices.Compact(files)), nil
}

// unfinished is why a recording that was not closed may lack anything.
const unfinished = "it was not finished: what made it is still at work, was killed, or found the disk full at the end"

func find(path string, limit int, n *notes) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		found, globErr := filepath.Glob(path)
		if globErr != nil || len(found) == 0 {
			return nil, err
		}
		return found, nil
	case err != nil:
		return nil, err
	case !info.IsDir():
		return []string{path}, nil
	}
	m, err := ReadManifest(path)
	if err == nil && m.Unfinished {
		n.Gaps = append(n.Gaps, Gap{Reason: unfinished})
		return scan(path, limit, n)
	}
	if err == nil {
		if err := m.checkIndexes(path); err != nil {
			return nil, err
		}
		files := m.paths(path)
		for i, file := range files {
			n.promised[file] = m.Segments[i]
		}
		n.Gaps = append(n.Gaps, m.Gaps...)
		for _, j := range m.Jumps {
			n.note(j.String())
		}
		return files, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return scan(path, limit, n)
}

// scan lists a folder without a manifest, as the file exporter leaves it. Foreign files in it are noted and passed over.
func scan(dir string, limit int, n *notes) (files []string, err error) {
	type doubt struct {
		path string
		err  error
	}
	var doubts []doubt
	series := map[string]bool{} // keys of rotated files: a file that continues another may begin in mid-line
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if path != dir && strings.HasPrefix(name, ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || strings.HasSuffix(name, indexSuffix) || name == manifestName || name == incidentsName {
			return nil
		}
		if strings.HasSuffix(name, bodiesSuffix) {
			files = append(files, path)
			return nil
		}
		in, err := openInput(path, limit, nil)
		if in != nil {
			in.close()
		}
		if errors.Is(err, errUnknown) {
			doubts = append(doubts, doubt{path, err})
			return nil
		}
		if key, rank := place(path); rank != rankLast {
			series[key] = true
		}
		files = append(files, path) // also a damaged one: reading it says what is wrong
		return nil
	})
	for _, d := range doubts {
		if key, _ := place(d.path); series[key] {
			files = append(files, d.path)
		} else {
			n.note(fmt.Sprintf("%v; it is passed over", d.err))
		}
	}
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no recording: no file in it is OTLP (JSON lines or length-prefixed, plain, gzip or zstd)", dir)
	}
	return files, err
}

// group puts the files of one rotation together: those with a time or number in that order, the current one last.
func group(files []string) [][]string {
	type part struct{ file, rank string }
	chains := map[string][]part{}
	var order []string
	for _, file := range files {
		key, rank := place(file)
		if chains[key] == nil {
			order = append(order, key)
		}
		chains[key] = append(chains[key], part{file, rank})
	}
	var groups [][]string
	for _, key := range order {
		parts := chains[key]
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.rank, b.rank) })
		var names []string
		for _, p := range parts {
			names = append(names, p.file)
		}
		groups = append(groups, names)
	}
	return groups
}

const rankLast = "~" // after every digit

// place tells which series of rotated files a file belongs to, and where in it.
func place(file string) (key, rank string) {
	dir, name := filepath.Split(file)
	if m := rotated.FindStringSubmatch(name); m != nil {
		return dir + m[1] + m[3], m[2]
	}
	return file, rankLast
}
