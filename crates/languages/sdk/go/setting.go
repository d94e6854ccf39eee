package airssys

// Setting is one setting of the component's configuration, as text, and whether it is set. Unlike the configuration that
// [Run] hands over, it can be asked for by every kind of component. The name of a secret begins with "secrets/".
//
// Natively it is what [Set] has set.
func Setting(name string) (value string, ok bool, err error) { return setting(name) }
