package estimate

import "testing"

// TestOneRefusalIsNoLimit: one refusal of a size that came before may have another reason;
// only the next one in a row lowers the limit.
func TestOneRefusalIsNoLimit(t *testing.T) {
	t.Parallel()
	var l SizeLimit
	l.accept(30e6)
	before := l.safe()
	for range 3 {
		l.refuse(20e6, 10e6)
		if l.safe() != before {
			t.Fatalf("one refusal lowers the limit from %.0f to %.0f", before, l.safe())
		}
		l.accept(30e6)
	}
	l.refuse(20e6, 10e6)
	l.refuse(20e6, 10e6)
	if l.safe() != 10e6 {
		t.Errorf("after two refusals %.0f are safe, want what came", l.safe())
	}
}
