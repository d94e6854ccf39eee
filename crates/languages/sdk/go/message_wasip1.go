package airssys

import (
	contract "airssys/internal/wit/airssys_component_types"
	"airssys/internal/wit/types"
)

func fromInput(in contract.Input) Message {
	m := Message{Body: in.Body, ContentType: in.ContentType.Or("")}
	for _, pair := range in.Metadata {
		m.Metadata.Add(pair.F0, pair.F1)
	}
	return m
}

func toInput(m Message) contract.Input {
	in := contract.Input{Body: m.Body}
	if m.ContentType != "" {
		in.ContentType = types.Some(mended(m.ContentType))
	}
	for _, one := range m.Metadata {
		in.Metadata = append(in.Metadata, contract.Metadatum{F0: mended(one.Name), F1: mended(one.Value)})
	}
	return in
}
