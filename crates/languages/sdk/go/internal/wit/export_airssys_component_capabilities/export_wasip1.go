package export_airssys_component_capabilities

import (
	"airssys/internal/guest"
	contract "airssys/internal/wit/airssys_component_capabilities"
	"airssys/internal/wit/types"
)

func Required() []contract.Request {
	var requests []contract.Request
	for _, ask := range guest.Required() {
		request := contract.Request{Capability: capability(ask)}
		if ask.Reason != "" {
			request.Reason = types.Some(ask.Reason)
		}
		requests = append(requests, request)
	}
	return requests
}

func capability(ask guest.Ask) contract.Capability {
	switch ask.Right {
	case contract.CapabilityFileRead:
		return contract.MakeCapabilityFileRead(ask.Name)
	case contract.CapabilityFileWrite:
		return contract.MakeCapabilityFileWrite(ask.Name)
	case contract.CapabilityNetworkOutbound:
		return contract.MakeCapabilityNetworkOutbound(ask.Name)
	default:
		return contract.MakeCapabilityEnvironment(ask.Name)
	}
}
