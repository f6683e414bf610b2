package testservices

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
)

// Names of the variables that point at servers to use where none can be started.
const (
	PostgresDSNVariable = "DEVLOGS_TEST_POSTGRES_DSN"
	RedisURLVariable    = "DEVLOGS_TEST_REDIS_URL"
)

// programDirs are where PostgreSQL's packages keep programs that are not on the PATH, newest version first.
func programDirs() []string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.SortFunc(dirs, func(a, b string) int { return majorOf(b) - majorOf(a) })
	return dirs
}

func majorOf(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // not a number: 0, so it comes last
	return n
}

func lookProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range programDirs() {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is neither on the PATH nor under /usr/lib/postgresql", name)
}

// program finds a program, and installs what holds it when it can.
func program(name, installer, variable string) (string, error) {
	path, err := lookProgram(name)
	if err == nil {
		return path, nil
	}
	if _, aptErr := exec.LookPath("apt-get"); aptErr == nil && os.Geteuid() == 0 {
		if installErr := install(installer); installErr != nil {
			return "", errors.Join(err, installErr)
		}
		return lookProgram(name)
	}
	return "", fmt.Errorf("%w: install it (tools/testdeps/%s does on Debian and Ubuntu, as root), put it on the PATH, or set %s to a server that tests may fill and empty",
		err, installer, variable)
}

func install(script string) error {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return errors.New("the sources of this package are not known, so tools/testdeps can't be found")
	}
	path := filepath.Join(filepath.Dir(file), "..", "..", "tools", "testdeps", script)
	if out, err := exec.Command("sh", path).CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w\n%s", path, err, out)
	}
	return nil
}
