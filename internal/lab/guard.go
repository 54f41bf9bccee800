package lab

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// namesOf returns the names and addresses by which a listener at addr is
// called. A page elsewhere can have a name of its own lead to this machine (DNS
// rebinding), and a browser then takes the lab for that page's own server; but
// the name in the Host header is not one of these.
func namesOf(addr net.Addr) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return names
	}
	if !tcp.IP.IsUnspecified() {
		return append(names, tcp.IP.String())
	}
	if name, err := os.Hostname(); err == nil {
		names = append(names, strings.ToLower(name), strings.ToLower(name)+".local")
	}
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if network, ok := addr.(*net.IPNet); ok {
			names = append(names, network.IP.String())
		}
	}
	return names
}

// onlyNames refuses requests whose Host is none of names. The port may be any:
// it is another one behind a forwarded port.
func onlyNames(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := url.URL{Host: strings.ToLower(r.Host)}
		if !slices.Contains(names, host.Hostname()) {
			deny(w, "this lab is not called "+host.Hostname())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what a page of another origin would change.
func sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(denyOrigin))
	return protection.Handler(next)
}

// originsOf returns the origins of a page that is served at addr under names.
func originsOf(names []string, addr net.Addr) []string {
	_, port, _ := net.SplitHostPort(addr.String())
	var origins []string
	for _, name := range names {
		host := strings.TrimSuffix(net.JoinHostPort(name, port), ":80")
		origins = append(origins, "http://"+host)
	}
	return origins
}

// onlyOrigins lets pages of these origins, and no other's, read the answers
// (CORS, WHATWG Fetch section 3.3) and make changes.
func onlyOrigins(origins []string, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(denyOrigin))
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			panic(err) // originsOf makes origins
		}
	}
	next = protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !slices.Contains(origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, PATCH")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
			w.Header().Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func denyOrigin(w http.ResponseWriter, r *http.Request) {
	deny(w, "a page of another origin ("+r.Header.Get("Origin")+") may not do this")
}

func deny(w http.ResponseWriter, sentence string) {
	body, _ := json.Marshal(map[string]string{"error": sentence})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	w.Write(body)
}
