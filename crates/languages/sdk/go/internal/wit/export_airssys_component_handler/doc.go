// Package export_airssys_component_handler answers airssys:component/handler. It is empty natively.
package export_airssys_component_handler
