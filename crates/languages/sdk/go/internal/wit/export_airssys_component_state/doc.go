// Package export_airssys_component_state answers airssys:component/state. It is empty natively.
package export_airssys_component_state
