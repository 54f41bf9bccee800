package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	validTime  = 30 * 24 * time.Hour // of a certificate
	renewTime  = validTime / 2       // then the next client gets a new one
	clocksSkew = time.Hour           // by which a client's clock may be behind
)

// A certificate vouches for the lab under its names. Nobody vouches for it: it
// signs itself, lives in memory, and is made anew before it expires.
type certificate struct {
	mu    sync.Mutex
	names []string
	made  time.Time
	tls   *tls.Certificate
}

// suites are those of TLS 1.2 that HTTP/2 may use (RFC 9113, section 9.2.2 and appendix A) and that fit the
// certificate's key. Each client of the last ten years has one, so HTTP/1.1 gets no others either.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
}

// config returns what a TLS server of these names needs. The client chooses HTTP/2 or HTTP/1.1
// by ALPN (RFC 7301).
func (c *certificate) config(names []string) *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = names
	return &tls.Config{GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}, CipherSuites: suites}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.tls != nil && now.Sub(c.made) < renewTime {
		return c.tls, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "Fourwires"},
		NotBefore:    now.Add(-clocksSkew),
		NotAfter:     now.Add(validTime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range c.names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	c.made, c.tls = now, &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return c.tls, nil
}
