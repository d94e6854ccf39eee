// Package airssys_component_state is airssys:component/state as Go sees it. The build writes what is in it.
package airssys_component_state
