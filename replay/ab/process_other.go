//go:build !unix

package ab

import "os/exec"

func separate(*exec.Cmd) {}

func terminate(c *exec.Cmd) error { return c.Process.Kill() }

func kill(c *exec.Cmd) error { return c.Process.Kill() }
