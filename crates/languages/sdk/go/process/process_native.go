//go:build !wasip1

package process

import "airssys"

func run(name string, _ []byte) (Finished, error) {
	return Finished{}, airssys.Errorf(airssys.Failed, "%s: %w", name, ErrNoSuchProgram)
}
