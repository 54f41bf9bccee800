package lab_test

import (
	"encoding/json"
	"testing"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/wire"
)

// The ledger has what a page's requests and their answers were, and not what it
// asked of the control API.
func TestLedger(t *testing.T) {
	l, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	ask(t, "POST", lanes+"/publish?page=7f3a", "12345")
	ask(t, "GET", lanes+"/polling?after=0&page=7f3a", "")
	ask(t, "GET", lanes+"/polling", "")
	var page struct {
		Epoch string
		wire.Snapshot
	}
	var all wire.Snapshot
	rows := map[string]wire.Row{}
	for rows["polling"].Delivered == 0 || len(all.Rows) < 3 { // what is counted is seen a moment later
		_, text := ask(t, "GET", control+"/control/ledger?page=7f3a", "")
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err, text)
		}
		for _, row := range page.Rows {
			rows[row.Transport] = row
		}
		_, text = ask(t, "GET", control+"/control/ledger", "")
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatal(err, text)
		}
	}
	polling, publish := rows["polling"], rows["publish"]
	if len(page.Rows) != 2 || polling.Requests != 1 || polling.Delivered != 1 || publish.Sent != 1 || publish.Up.Payload != 5 || polling.Up.Tag != int64(len("&page=7f3a")) {
		t.Errorf("the page's rows are %+v, want a publish of 5 bytes and a poll that found it", page.Rows)
	}
	if epoch := l.Feed.Head().Epoch; page.Epoch != epoch {
		t.Errorf("the page's ledger is of epoch %q, want %q", page.Epoch, epoch)
	}
	balance(t, all)
}
