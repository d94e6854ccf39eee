// Package airssys_component_lifecycle is airssys:component/lifecycle as Go sees it. The build writes what is in it.
package airssys_component_lifecycle
