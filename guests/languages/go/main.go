// The conformance guest in Go: it answers by its input's metadata `op`.
package main

import (
	"context"
	"encoding/json"
	"strconv"

	"airssys"
)

type guest struct {
	config     map[string]any
	counter    uint64
	restoredBy string
}

func open(config map[string]any) (*guest, error) {
	if colour, ok := config["colour"]; ok && colour != "red" && colour != "green" && colour != "blue" {
		return nil, airssys.Errorf(airssys.InvalidConfig, "no colour called %v", colour)
	}
	return &guest{config: config}, nil
}

func (g *guest) Execute(ctx context.Context, in airssys.Message) (airssys.Message, error) {
	name := in.Metadata.Get("op")
	op, ok := ops[name]
	if !ok {
		return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "no op called %q", name)
	}
	return op(g, ctx, in)
}

// The counter is the state.
func (g *guest) Save() ([]byte, error) {
	return strconv.AppendUint(nil, g.counter, 10), nil
}

func (g *guest) Restore(saved []byte, version string) error {
	g.restoredBy = version
	if len(saved) == 0 {
		return nil
	}
	var err error
	g.counter, err = strconv.ParseUint(string(saved), 10, 64)
	return err
}

func (g *guest) count(context.Context, airssys.Message) (airssys.Message, error) {
	g.counter++
	return airssys.Text(strconv.FormatUint(g.counter, 10)), nil
}

func (g *guest) savedBy(context.Context, airssys.Message) (airssys.Message, error) {
	return airssys.Text(g.restoredBy), nil
}

func (g *guest) settings(context.Context, airssys.Message) (airssys.Message, error) {
	// A map's keys come out sorted.
	return airssys.JSON(g.config)
}

func callContext(_ *guest, ctx context.Context, _ airssys.Message) (airssys.Message, error) {
	call := airssys.CallOf(ctx)
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	known := map[string]any{
		"request_id":   call.RequestID,
		"trace_parent": text(call.TraceParent),
		"deadline_ns":  nil,
		"caller":       text(call.Caller),
		"attempt":      call.Attempt,
	}
	if call.TimeLeft > 0 {
		known["deadline_ns"] = json.Number(strconv.FormatInt(int64(call.TimeLeft), 10))
	}
	return airssys.JSON(known)
}

func main() {
	airssys.Run(open)
}
