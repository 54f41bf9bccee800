package websocket

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// offersDeflate reports whether the client offers permessage-deflate in a form that
// this server accepts.
func offersDeflate(header http.Header) bool {
	offers := strings.Split(strings.Join(header["Sec-Websocket-Extensions"], ","), ",")
	return slices.ContainsFunc(offers, isAcceptable)
}

// isAcceptable reports whether this server accepts an offer. It declines one that has
// a parameter twice, an unknown one, or one with a wrong value (RFC 7692, sections 5.1
// and 7.1), or that asks for a smaller window than the compressor's 32 KiB.
func isAcceptable(offer string) bool {
	params := strings.Split(offer, ";")
	if strings.TrimSpace(params[0]) != "permessage-deflate" {
		return false
	}
	seen := map[string]bool{}
	for _, param := range params[1:] {
		name, value, hasValue := strings.Cut(param, "=")
		name, value = strings.TrimSpace(name), strings.Trim(value, " \t\"")
		switch {
		case seen[name]:
			return false
		case (name == "server_no_context_takeover" || name == "client_no_context_takeover") && !hasValue:
		case name == "client_max_window_bits" && (!hasValue || slices.Contains(windowBits, value)):
		default:
			return false
		}
		seen[name] = true
	}
	return true
}

var windowBits = []string{"8", "9", "10", "11", "12", "13", "14", "15"}

var errReserved = errors.New("websocket: RSV1 is for the first frame of a message")
