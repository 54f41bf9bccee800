package experiments_test

import (
	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
)

// slow is the network of most experiments: 50 ms in each direction.
var slow = netsim.Settings{RTT: 100 * ms}

// unlimited returns the settings of a lab that publishes nothing by itself, and takes any number of messages.
func unlimited() lab.Settings {
	settings := labtest.Quiet(feed.Keep)
	settings.Limits.Publishes = 0
	return settings
}
