// Greets whoever the input names.
package main

import (
	"context"
	"fmt"
	"strings"

	"airssys"
)

// settings is the [config] of Component.toml. A name that is not listed here is refused when the component is deployed.
type settings struct {
	Greeting string `json:"greeting"`
}

type greeter struct {
	settings settings
}

func newGreeter(s settings) (*greeter, error) {
	return &greeter{settings: s}, nil
}

func (g *greeter) Execute(ctx context.Context, in airssys.Message) (airssys.Message, error) {
	text, err := in.Text()
	if err != nil {
		return airssys.Message{}, err
	}
	name := strings.TrimSpace(text)
	if name == "" {
		return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "nobody to greet: send a name")
	}
	return airssys.Text(fmt.Sprintf("%s, %s!", g.settings.Greeting, name)), nil
}

func main() {
	airssys.Run(newGreeter)
}
