// Lets a Go function of this package be declared without a body: main has it.
