package pool

import "testing"

func TestClassHoldsItsSizeAndIsItsOwn(t *testing.T) {
	for n := range 1 << 20 {
		at, size := class(n)
		if size < n || n > smallest && size*4 > n*5+4 {
			t.Fatalf("%d bytes get %d", n, size)
		}
		if again, same := class(size); again != at || same != size {
			t.Fatalf("%d bytes: class %d of %d is class %d of %d when given back", n, at, size, again, same)
		}
	}
}

func TestWhatIsGivenBackIsLentAgain(t *testing.T) {
	var p Pool
	a := append(p.Get(5000), "held"...)
	if p.Lent() != 5120 {
		t.Errorf("%d bytes lent", p.Lent())
	}
	p.Put(a)
	b := p.Get(4900)[:1]
	if &a[0] != &b[0] {
		t.Error("the idle slice was not used")
	}
	if c := p.Get(4900)[:1]; &c[0] == &b[0] {
		t.Error("one slice lent twice")
	}
	p.Put(nil)
	if grown := p.Grow(b, 9000); cap(grown) < 9000 || grown[0] != 'h' {
		t.Errorf("grown to %d: %q", cap(grown), grown)
	}
	if p.Lent() != 5120+10240 || p.Peak() < p.Lent() {
		t.Errorf("%d lent, %d at most", p.Lent(), p.Peak())
	}
}

func TestReserveKeepsWhatIsHeld(t *testing.T) {
	var p Pool
	s := append(Reserve[int64](&p, nil, 40), 1, 2, 3)
	s = Reserve(&p, s, 4000)
	if len(s) != 3 || s[2] != 3 || cap(s) < 4000 || p.Lent() != int64(8*cap(s)) {
		t.Errorf("%v of %d, %d bytes lent", s, cap(s), p.Lent())
	}
	Return(&p, s)
	Return[int32](&p, nil)
	if p.Lent() != 0 {
		t.Errorf("%d bytes lent", p.Lent())
	}
}

func TestPoolHasNoMoreThanWasNeededAtOnce(t *testing.T) {
	var p Pool
	for size := 1 << 10; size <= 16<<20; size *= 2 {
		p.Put(p.Grow(p.Get(size), 3*size))
	}
	if p.lent != 0 || p.kept > p.peak {
		t.Errorf("%d bytes kept, %d lent, %d at most", p.kept, p.lent, p.peak)
	}
}

func TestResizedSlicesKeepWhatTheyHold(t *testing.T) {
	var p Pool
	b := p.Grow(nil, 1<<20)[:1<<20]
	for i := range b {
		b[i] = byte(i >> 12)
	}
	for _, n := range []int{3 << 20, 5 << 20, 40 << 20} {
		if b = p.Grow(b, n); cap(b) < n || p.Lent() != int64(cap(b)) {
			t.Fatalf("%d bytes, %d lent, want %d", cap(b), p.Lent(), n)
		}
		for i := range b {
			if b[i] != byte(i>>12) {
				t.Fatalf("grown to %d: byte %d is %d", n, i, b[i])
			}
		}
	}
	p.Put(b)
	// Of about its size: made of the idle one, whichever is larger.
	for _, n := range []int{36 << 20, 60 << 20, 1 << 20} {
		c := p.Get(n)
		if cap(c) < n {
			t.Fatalf("%d bytes, want %d", cap(c), n)
		}
		c[:n][n-1] = 1
		if p.kept+p.lent > p.peak {
			t.Errorf("%d bytes kept, %d lent, %d at most", p.kept, p.lent, p.peak)
		}
		p.Put(c)
	}
}
