package kafka

import "encoding/binary"

// murmur2 is the hash of Kafka's Java client, so that a key goes to the same
// partition whoever produces it.
func murmur2(data []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k = (k ^ k>>r) * m
		h = h*m ^ k
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// partitionOf is the Java client's default partitioner for records with a key. One
// without goes by its row's hash: the same row always to the same partition.
func partitionOf(key []byte, hash [16]byte, partitions int) int {
	if len(key) == 0 {
		return int(binary.BigEndian.Uint32(hash[:4]) % uint32(partitions))
	}
	return int(murmur2(key)&0x7fffffff) % partitions
}
