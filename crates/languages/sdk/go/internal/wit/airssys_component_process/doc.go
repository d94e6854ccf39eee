// Package airssys_component_process is airssys:component/process as Go sees it. The build writes what is in it.
package airssys_component_process
