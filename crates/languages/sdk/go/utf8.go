package airssys

import "strings"

// mended is text as the host takes it. A Go string may hold any bytes; those that are not UTF-8 would end the instance.
func mended(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
