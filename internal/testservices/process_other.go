//go:build unix && !linux

package testservices

import "syscall"

// diesWithUs has no means here: a test binary that is killed leaves its servers running.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
