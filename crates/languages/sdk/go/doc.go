// Package airssys is what a component for airssys-wasm is written against, in Go's own manner.
//
// A component answers calls, bytes in and bytes out. It is a type with an Execute method, made by a function that takes
// the configuration as a type of its own:
//
//	type settings struct {
//		Greeting string `json:"greeting"`
//	}
//
//	type greeter struct{ settings }
//
//	func newGreeter(s settings) (*greeter, error) { return &greeter{s}, nil }
//
//	func (g *greeter) Execute(ctx context.Context, in airssys.Message) (airssys.Message, error) {
//		name, err := in.Text()
//		if err != nil {
//			return airssys.Message{}, err
//		}
//		return airssys.Text(g.Greeting + ", " + name), nil
//	}
//
//	func main() { airssys.Run(newGreeter) }
//
// The packages beside it are what a component may use of its host: web (HTTP, in and out), kv (key-value buckets),
// services (other services of the node) and process (programs of the host). [Setting] reads single settings, and
// log/slog writes to the host's log.
//
// Everything works without WebAssembly too, so that go test, go vet and an editor need nothing of their own: buckets are
// kept in memory then, HTTP goes over the machine's network, and main answers standard input or serves a local address.
//
// The host runs a component only while one of its calls is being answered. A goroutine that outlives the call stands
// still until the next one.
package airssys
