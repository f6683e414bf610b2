package testservices

import "syscall"

// diesWithUs makes the kernel end a server when the test binary ends without stopping it (a panic, a time-out, a kill).
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} }
