package airssys

// Capability is something that a component asks the operator for. It is read when the component is built, and written to
// its manifest.
type Capability struct {
	right  right
	name   string
	reason string
}

// right is what a capability is of, in the order of the contract.
type right uint8

const (
	fileRead right = iota
	fileWrite
	networkOutbound
	environment
)

// FileRead asks to read below a directory, as the component sees it: "/data". The reason is said to the operator.
func FileRead(directory, reason string) Capability {
	return Capability{fileRead, directory, reason}
}

// FileWrite asks to write, create, rename and delete below a directory.
func FileWrite(directory, reason string) Capability {
	return Capability{fileWrite, directory, reason}
}

// NetworkOutbound asks to send HTTP requests to a host: "api.example.com", or "*.example.com" for every name below it.
func NetworkOutbound(host, reason string) Capability {
	return Capability{networkOutbound, host, reason}
}

// Environment asks to see an environment variable.
func Environment(name, reason string) Capability {
	return Capability{environment, name, reason}
}
