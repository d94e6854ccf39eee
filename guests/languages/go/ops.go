package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"airssys"
)

type op func(*guest, context.Context, airssys.Message) (airssys.Message, error)

var ops = map[string]op{
	"echo":         echo,
	"length":       length,
	"upper":        text(upper),
	"fill":         text(fill),
	"sum":          sum,
	"error":        text(fail),
	"crash":        crash,
	"log":          text(log),
	"context":      callContext,
	"config":       (*guest).settings,
	"env":          text(env),
	"kv-set":       text(kvSet),
	"kv-get":       text(kvGet),
	"kv-delete":    text(kvDelete),
	"kv-increment": text(kvIncrement),
	"kv-list":      text(kvList),
	"http":         text(request),
	"count":        (*guest).count,
	"allocate":     text(allocate),
	"spin":         spin,
	"restored-by":  (*guest).savedBy,
}

// text is an op on text.
func text(f func(string) (airssys.Message, error)) op {
	return func(_ *guest, _ context.Context, in airssys.Message) (airssys.Message, error) {
		body, err := in.Text()
		if err != nil {
			return airssys.Message{}, err
		}
		return f(body)
	}
}

func echo(_ *guest, _ context.Context, in airssys.Message) (airssys.Message, error) {
	in.Metadata = in.Metadata.Without("op")
	return in, nil
}

func length(_ *guest, _ context.Context, in airssys.Message) (airssys.Message, error) {
	return airssys.Text(strconv.Itoa(len(in.Body))), nil
}

func upper(body string) (airssys.Message, error) {
	return airssys.Text(strings.ToUpper(body)), nil
}

func fill(body string) (airssys.Message, error) {
	n, err := strconv.ParseUint(body, 10, 31)
	if err != nil {
		return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "not a number: %w", err)
	}
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(i % 251)
	}
	return airssys.Bytes(bytes), nil
}

func sum(_ *guest, _ context.Context, in airssys.Message) (airssys.Message, error) {
	var numbers []int64
	if err := in.Decode(&numbers); err != nil {
		return airssys.Message{}, err
	}
	var total int64
	for _, n := range numbers {
		total += n
	}
	return airssys.Text(strconv.FormatInt(total, 10)), nil
}

func fail(kind string) (airssys.Message, error) {
	kinds := []airssys.Kind{
		airssys.InvalidInput, airssys.InvalidConfig, airssys.Denied, airssys.Unavailable, airssys.Failed,
	}
	for _, k := range kinds {
		if k.String() == kind {
			return airssys.Message{}, airssys.Errorf(k, "as asked: %s", kind)
		}
	}
	return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "no kind called %s", kind)
}

func crash(*guest, context.Context, airssys.Message) (airssys.Message, error) {
	panic("crashed as asked")
}

func log(body string) (airssys.Message, error) {
	levels := map[string]slog.Level{
		"trace": airssys.LevelTrace, "debug": slog.LevelDebug, "info": slog.LevelInfo,
		"warn": slog.LevelWarn, "error": slog.LevelError, "critical": airssys.LevelCritical,
	}
	name, text, _ := strings.Cut(body, " ")
	level, ok := levels[name]
	if !ok {
		return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "no level called %s", name)
	}
	slog.Log(context.Background(), level, text)
	return airssys.Text("logged"), nil
}

func env(name string) (airssys.Message, error) {
	value, ok, err := airssys.Setting(name)
	if err != nil {
		return airssys.Message{}, err
	}
	if !ok {
		return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "not set")
	}
	return airssys.Text(value), nil
}

func allocate(body string) (airssys.Message, error) {
	mebibytes, err := strconv.Atoi(body)
	if err != nil {
		return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "not a number: %w", err)
	}
	pages := make([]byte, mebibytes<<20)
	for i := 0; i < len(pages); i += 4096 {
		pages[i] = 1
	}
	return airssys.Text("ok"), nil
}

func spin(*guest, context.Context, airssys.Message) (airssys.Message, error) {
	for n := uint64(0); ; n++ {
		if n == 1<<63 {
			return airssys.Message{}, fmt.Errorf("spun %d times", n)
		}
	}
}
