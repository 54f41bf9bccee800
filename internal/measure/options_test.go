package measure

import (
	"testing"
)

func TestDirectionCheck(t *testing.T) {
	o := options(t)
	o.Direction = "sideways"
	if err := o.Check(); err == nil || err.Error() != `direction "sideways": must be down, both or up` {
		t.Error(err)
	}
}
