package airssys

import "log/slog"

// Levels of the host's log that log/slog has no name for: slog.Log(ctx, airssys.LevelCritical, "…").
const (
	LevelTrace    = slog.Level(-8)
	LevelCritical = slog.Level(12)
)
