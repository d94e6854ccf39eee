module example/json-to-csv

go 1.24

require airssys v0.0.0

replace airssys => ./airssys
