package ledger

import "slices"

// sameBin is how many keys from the first on are of one bin.
func sameBin(keys []Key) int {
	n := 1
	for n < len(keys) && keys[n].Bin == keys[0].Bin {
		n++
	}
	return n
}

// sortIDs sorts keys by ID and Tag; the first digit bytes of their IDs are equal. IDs
// are hashes: each pass in place spreads the keys evenly over 256 parts, so that few
// comparisons are left. That is several times as fast as comparing alone.
func sortIDs(keys []Key, digit int) {
	const few = 128
	if len(keys) <= few || digit == 16 {
		slices.SortFunc(keys, compareIDs)
		return
	}
	begin := spread(keys, digit)
	for i := range 256 {
		sortIDs(keys[begin[i]:begin[i+1]], digit+1)
	}
}

// spread orders keys by one byte of their IDs and returns where each value begins.
func spread(keys []Key, digit int) (begin [257]int) {
	for i := range keys {
		begin[int(keys[i].ID[digit])+1]++
	}
	for i := range 256 {
		begin[i+1] += begin[i]
	}
	next := begin // for each value, where its next key goes
	for value := range 256 {
		for next[value] < begin[value+1] {
			here := &keys[next[value]]
			to := here.ID[digit]
			*here, keys[next[to]] = keys[next[to]], *here
			next[to]++
		}
	}
	return begin
}
