//go:build solution

package polling

import "strings"

func matches(ifNoneMatch, tag string) bool {
	for name := range strings.SplitSeq(ifNoneMatch, ",") {
		name = strings.TrimSpace(name)
		if name == "*" || tag == strings.TrimPrefix(name, "W/") {
			return true
		}
	}
	return false
}
