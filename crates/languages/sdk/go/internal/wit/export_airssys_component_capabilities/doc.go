// Package export_airssys_component_capabilities answers airssys:component/capabilities. It is empty natively.
package export_airssys_component_capabilities
