// Lets Go functions of this package be declared without a body: the runtime has them.
