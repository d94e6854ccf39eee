// Package airssys_component_handler is airssys:component/handler as Go sees it. The build writes what is in it.
package airssys_component_handler
