package call

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// skew compares the machine's clock with those of the servers, by the Date of their
// answers. A window that ends by a clock ahead of the API's ends before its rows have come.
type skew struct {
	now func() time.Time
	log *slog.Logger

	mu    sync.Mutex
	ahead time.Duration // as sure as answers show; never negative
	told  bool
}

// note takes in an answer to a request sent then. Date is in whole seconds, rounded down,
// and was written at some time between the two.
func (c *skew) note(sent time.Time, resp *http.Response) {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	least, most := sent.Sub(date)-time.Second, c.now().Sub(date)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ahead < least || c.ahead > most {
		c.ahead = max(0, most)
	}
	if c.told || least <= time.Minute && most >= -time.Minute {
		return
	}
	c.told = true
	host := ""
	if resp.Request != nil {
		host = resp.Request.URL.Host
	}
	if most > 0 {
		c.log.Warn("this machine's clock is ahead of the server's: windows end by the server's; set the clock right", "server", host, "ahead_seconds", int64(most.Seconds()))
	} else {
		c.log.Warn("this machine's clock is behind the server's: rows are exported that much later; set the clock right", "server", host, "behind_seconds", int64(-most.Seconds()))
	}
}

// known is how far the machine's clock is ahead.
func (c *skew) known() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}
