package kafka_test

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestRequests: what the rules demand of a transaction's requests, and the fake
// broker would not mind.
func TestRequests(t *testing.T) {
	cluster := fake(t)
	var inits, adds, offsets atomic.Int32
	observe := func(r kmsg.Request) bool {
		switch r := r.(type) {
		case *kmsg.InitProducerIDRequest:
			inits.Add(1)
			if r.ProducerID != -1 || r.ProducerEpoch != -1 || r.TransactionTimeoutMillis != 900_000 {
				t.Errorf("InitProducerID with id %d, epoch %d, timeout %d; want -1, -1, 900000", r.ProducerID, r.ProducerEpoch, r.TransactionTimeoutMillis)
			}
		case *kmsg.AddPartitionsToTxnRequest:
			adds.Add(1)
			if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 3 {
				t.Errorf("AddPartitionsToTxn with %v, want all 3 partitions at once", r.Topics)
			}
		case *kmsg.TxnOffsetCommitRequest:
			offsets.Add(1)
			if r.Generation != -1 || r.Group != txID {
				t.Errorf("TxnOffsetCommit with generation %d of group %s; want -1, %s", r.Generation, r.Group, txID)
			}
		case *kmsg.ProduceRequest:
			if r.Acks != -1 || r.TransactionID == nil || *r.TransactionID != txID {
				t.Errorf("Produce with acks %d, transactional id %v; want -1, %s", r.Acks, r.TransactionID, txID)
			}
		}
		return false
	}
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.TxnOffsetCommit, kmsg.Produce}, Count: -1, When: observe})
	l := open(t, connect(t, config(t, cluster.ListenAddrs())))
	must(t, l.Fence(t.Context()))
	a := attempt(1)
	w := begin(t, l, a, 0, 300)
	must(t, w.Send(t.Context()))
	must(t, w.Decide(t.Context(), marker(a)))
	if inits.Load() == 0 || adds.Load() == 0 || offsets.Load() == 0 {
		t.Errorf("saw %d InitProducerID, %d AddPartitionsToTxn, %d TxnOffsetCommit; want each", inits.Load(), adds.Load(), offsets.Load())
	}
}
