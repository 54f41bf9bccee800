//go:build !solution

package polling

// matches reports whether an If-None-Match field names the tag that a resource
// has now, such as "k3v9qa-412" with its quotes. Then the answer is 304.
func matches(ifNoneMatch, tag string) bool {
	return false
}
