package call

import (
	"testing"
	"time"
)

// One throttling begins with its first refusal and ends with the first answer to a call
// that was sent after its last one; answers to calls sent before say nothing.
func TestThrottling(t *testing.T) {
	var th throttling
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	if n, _ := th.over(at(1), at(2)); n != 0 {
		t.Errorf("it is over before it has begun: %d", n)
	}
	for i, want := range []bool{true, false, false} {
		if first := th.refused(at(10 + i)); first != want {
			t.Errorf("refusal %d: first %t", i+1, first)
		}
	}
	if n, _ := th.over(at(11), at(13)); n != 0 {
		t.Errorf("a call under way ended it")
	}
	if n, lasted := th.over(at(13), at(15)); n != 3 || lasted != 5*time.Second {
		t.Errorf("%d refusals in %s", n, lasted)
	}
	if n, _ := th.over(at(14), at(16)); n != 0 {
		t.Errorf("it is over twice")
	}
	if !th.refused(at(20)) {
		t.Errorf("the next throttling says nothing")
	}
}
