package source

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// symbols are invented: no company has a ticker like these.
var symbols = [20]string{
	"ALPACA", "BADGER", "CICADA", "DUGONG", "ERMINE",
	"FERRET", "GIBBON", "HORNET", "IGUANA", "JACKAL",
	"KAKAPO", "LIZARD", "MARMOT", "NUTRIA", "OCELOT",
	"PUFFIN", "QUOKKA", "RABBIT", "SALMON", "TURTLE",
}

// Prices are in cents: integers do not drift, and are the same on every machine.
const (
	minStart, maxStart = 10_00, 500_00
	minPrice           = 1_00
	maxChange          = 25
)

// A market is a random walk of twenty prices.
type market struct {
	rand   *rand.Rand
	prices [len(symbols)]int64
}

func newMarket(seed uint64) *market {
	m := &market{rand: rand.New(rand.NewPCG(seed, marketStream))}
	for i := range m.prices {
		m.prices[i] = minStart + m.rand.Int64N(maxStart-minStart+1)
	}
	return m
}

// step changes the price of one instrument, i.
func (m *market) step() (i int, change int64) {
	i = m.rand.IntN(len(symbols))
	change = m.rand.Int64N(2*maxChange+1) - maxChange
	if m.prices[i]+change < minPrice {
		change = -change
	}
	m.prices[i] += change
	return i, change
}

// data appends the next step as JSON; the package comment shows it.
func (m *market) data(dst []byte, _ time.Time) []byte {
	i, change := m.step()
	dst = append(dst, `{"symbol":"`...)
	dst = append(dst, symbols[i]...)
	dst = append(dst, `","price":`...)
	dst = appendCents(dst, m.prices[i])
	dst = append(dst, `,"change":`...)
	dst = appendCents(dst, change)
	return append(dst, '}')
}

// appendCents appends an amount with its two decimals, such as -0.13.
func appendCents(dst []byte, cents int64) []byte {
	if cents < 0 {
		dst = append(dst, '-')
		cents = -cents
	}
	dst = strconv.AppendInt(dst, cents/100, 10)
	return append(dst, '.', byte('0'+cents/10%10), byte('0'+cents%10))
}
