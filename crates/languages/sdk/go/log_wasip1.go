package airssys

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"

	"airssys/internal/wit/wasi_logging_logging"
)

// The host's log is where log/slog writes, and through it package log. Which levels are kept is the host's affair.
func init() { slog.SetDefault(slog.New(newLogHandler())) }

// logHandler writes records to the host: the message, and behind it the attributes as slog's text handler writes them.
type logHandler struct {
	attributes slog.Handler
	line       *line
}

// line is where the attributes of one record are written before they are handed over.
type line struct {
	sync.Mutex
	bytes.Buffer
}

func newLogHandler() *logHandler {
	written := new(line)
	options := &slog.HandlerOptions{Level: LevelTrace, ReplaceAttr: withoutHeading}
	return &logHandler{slog.NewTextHandler(written, options), written}
}

// withoutHeading leaves out what the host has fields for.
func withoutHeading(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.MessageKey || a.Key == slog.TimeKey) {
		return slog.Attr{}
	}
	return a
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool { return true }

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	h.line.Lock()
	defer h.line.Unlock()
	h.line.Reset()
	if err := h.attributes.Handle(ctx, record); err != nil {
		return err
	}
	message := strings.TrimSpace(record.Message + " " + strings.TrimSuffix(h.line.String(), "\n"))
	wasi_logging_logging.Log(hostLevel(record.Level), "", mended(message))
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.attributes.WithAttrs(attrs), h.line}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.attributes.WithGroup(name), h.line}
}

// hostLevel is the host's level for one of slog's, which may lie between two of them.
func hostLevel(level slog.Level) wasi_logging_logging.Level {
	switch {
	case level < slog.LevelDebug:
		return wasi_logging_logging.LevelTrace
	case level < slog.LevelInfo:
		return wasi_logging_logging.LevelDebug
	case level < slog.LevelWarn:
		return wasi_logging_logging.LevelInfo
	case level < slog.LevelError:
		return wasi_logging_logging.LevelWarn
	case level < LevelCritical:
		return wasi_logging_logging.LevelError
	default:
		return wasi_logging_logging.LevelCritical
	}
}
