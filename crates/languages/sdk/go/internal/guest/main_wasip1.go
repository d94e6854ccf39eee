package guest

import _ "unsafe" // for go:linkname

//go:linkname userMain main.main
func userMain()
