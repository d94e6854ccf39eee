// Package airssys_component_capabilities is airssys:component/capabilities as Go sees it. The build writes what is in it.
package airssys_component_capabilities
