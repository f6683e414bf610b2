package gen

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// IncidentsFile is the truth, beside the recording.
const IncidentsFile = "incidents.json"

// WriteRecording makes what the profile asks for into a recording in dir. It has no times of its own in it, so the same
// profile gives the same files.
func WriteRecording(ctx context.Context, profile Profile, dir string) error {
	w, err := recording.Create(dir, recording.WriterOptions{Tool: "devlogs replay gen", Origin: fmt.Sprintf("seed %d", profile.Seed)})
	if err != nil {
		return err
	}
	incidents, err := Run(ctx, profile, w.Write)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	return WriteIncidents(filepath.Join(dir, IncidentsFile), incidents)
}
