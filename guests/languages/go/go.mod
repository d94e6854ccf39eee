module example/conformance-go

go 1.24

require airssys v0.0.0

replace airssys => ./airssys
