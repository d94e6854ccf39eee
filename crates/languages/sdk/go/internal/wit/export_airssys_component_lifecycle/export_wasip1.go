package export_airssys_component_lifecycle

import "airssys/internal/guest"

func Init(config string) guest.Done { return guest.Init(config) }

func Health() guest.Done { return guest.Health() }

func Shutdown() { guest.Shutdown() }
