module airssys

go 1.24
