// Package export_airssys_component_lifecycle answers airssys:component/lifecycle. It is empty natively.
package export_airssys_component_lifecycle
