package measure

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fourwires/internal/lab"
)

// A Target is one transport of a server.
type Target struct {
	Transport string // a name of lab.Transports
	URL       string // empty: on a server of our own
}

// ParseTargets reads what is to be measured: the address of a lab alone, or TRANSPORT=URL for each of some transports.
// It returns the targets in the transports' order. The error is one sentence.
func ParseTargets(args []string) ([]Target, error) {
	var targets []Target
	for _, arg := range args {
		name, address, named := strings.Cut(arg, "=")
		if strings.Contains(name, ":") { // an "=" of the URL's own
			name, address, named = "", arg, false
		}
		if !named {
			address = arg
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return nil, fmt.Errorf("url %q: must be http://host:port, or TRANSPORT=http://host:port/path, or https", arg)
		}
		switch {
		case !named && (len(args) > 1 || strings.Trim(u.Path, "/") != "" || u.RawQuery != ""):
			return nil, fmt.Errorf("url %q: must be one http://host:port alone, or TRANSPORT=http://host:port/path for each",
				arg)
		case !named:
			for _, t := range lab.Transports {
				targets = append(targets, Target{t.Name, u.Scheme + "://" + u.Host + "/" + t.Name})
			}
		case rank(name) < 0:
			return nil, fmt.Errorf("url %q: a transport is one of %s", arg, strings.Join(names(), ", "))
		case slices.ContainsFunc(targets, func(t Target) bool { return t.Transport == name }):
			return nil, fmt.Errorf("url %q: %s has one already", arg, name)
		default:
			targets = append(targets, Target{name, u.String()})
		}
	}
	slices.SortFunc(targets, func(a, b Target) int { return cmp.Compare(rank(a.Transport), rank(b.Transport)) })
	return targets, nil
}

// names returns the names of the transports, in their order.
func names() []string {
	var names []string
	for _, t := range lab.Transports {
		names = append(names, t.Name)
	}
	return names
}

// rank returns the place of a transport in that order, or -1.
func rank(transport string) int { return slices.Index(names(), transport) }
