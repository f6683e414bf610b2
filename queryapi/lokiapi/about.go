package lokiapi

import (
	"context"
	"runtime"
	"runtime/debug"
)

// speaks is the version of Loki whose API this is; clients read from it what they may ask.
const speaks = "3.6.0"

type buildAnswer struct {
	Version   string `json:"version"`
	Revision  string `json:"revision"`
	Branch    string `json:"branch"`
	BuildUser string `json:"buildUser"`
	BuildDate string `json:"buildDate"`
	GoVersion string `json:"goVersion"`
}

// buildInfo answers /status/buildinfo. The version is that of Loki whose API is spoken; the revision tells what speaks it.
func buildInfo(context.Context, *Request) (any, error) {
	return &buildAnswer{Version: speaks, Revision: devlogsVersion(), Branch: "devlogs", GoVersion: runtime.Version()}, nil
}

// devlogsVersion is what the build says of this module.
func devlogsVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devlogs"
	}
	return "devlogs " + info.Main.Version
}
