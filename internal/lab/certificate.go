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
	validTime = 30 * 24 * time.Hour // how long a certificate is valid
	renewTime = validTime / 2       // age at which the next client gets a new one
	clockSkew = time.Hour           // how far a client's clock may be behind
)

// A certificate is the lab's own for TLS: self-signed, in memory only, and replaced before it expires.
type certificate struct {
	mu    sync.Mutex
	hosts []string
	made  time.Time
	tls   *tls.Certificate
}

// suites are the cipher suites of TLS 1.2 that HTTP/2 may use (RFC 9113, section 9.2.2 and appendix A) and that fit the
// certificate's key. Every client of the last ten years has one of them, so HTTP/1.1 gets no others either.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
}

// config returns the settings of a TLS server of these hosts. The client chooses HTTP/2 or HTTP/1.1 by ALPN (RFC 7301).
func (c *certificate) config(hosts []string) *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = hosts
	return &tls.Config{GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}, CipherSuites: suites}
}

// get is a tls.Config's GetCertificate: it returns the certificate, or a new one where that is old.
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
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.Add(validTime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range c.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	c.made, c.tls = now, &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return c.tls, nil
}
