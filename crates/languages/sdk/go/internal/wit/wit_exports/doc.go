// Package wit_exports is what the host calls. The build writes what is in it, by the kind of the component.
package wit_exports
