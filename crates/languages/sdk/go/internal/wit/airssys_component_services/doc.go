// Package airssys_component_services is airssys:component/services as Go sees it. The build writes what is in it.
package airssys_component_services
