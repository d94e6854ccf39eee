// Package airssys_component_types is airssys:component/types as Go sees it. The build writes what is in it.
package airssys_component_types
