package airssys

import (
	"airssys/internal/wit/runtime"
	store "airssys/internal/wit/wasi_config_store"
)

func setting(name string) (string, bool, error) {
	defer runtime.Calling()()
	result := store.Get(name)
	if result.IsErr() {
		return "", false, Errorf(Unavailable, "the setting %s can't be read: %s", name, why(result.Err()))
	}
	value := result.Ok()
	return value.Or(""), value.Tag() == 1, nil
}

func why(err store.Error) string {
	if err.Tag() == store.ErrorUpstream {
		return err.Upstream()
	}
	return err.Io()
}
