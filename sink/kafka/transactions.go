package kafka

import (
	"context"
	"errors"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"hunting-exporter/internal/setting"
)

// Requests of transactions, as the protocol numbers them.
const (
	apiFindCoordinator = 10
	apiInitProducerID  = 22
	apiAddPartitions   = 24
	apiAddOffsets      = 25
	apiEndTxn          = 26
	apiOffsetCommit    = 28
)

// transactional refuses a service that has no transactions. Some leave the requests out
// of their list, others, such as Event Hubs of the standard tier, refuse to name a
// coordinator; kafka-go passes over both and repeats requests that cannot succeed.
func (c *Cluster) transactional(ctx context.Context, broker string) error {
	t := c.transport()
	defer t.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(broker), Transport: t, Timeout: dialTimeout}
	versions, err := client.ApiVersions(ctx, &kafkago.ApiVersionsRequest{})
	if err != nil || versions.Error != nil { // no word against transactions: the first fence will tell
		return nil
	}
	newest := map[int]int{}
	for _, k := range versions.ApiKeys {
		newest[k.ApiKey] = k.MaxVersion
	}
	for _, k := range []int{apiInitProducerID, apiAddPartitions, apiAddOffsets, apiEndTxn, apiOffsetCommit} {
		if _, ok := newest[k]; !ok {
			return c.noTransactions(broker, fmt.Sprintf("it lacks request %d of the protocol", k))
		}
	}
	if newest[apiFindCoordinator] < 1 {
		return c.noTransactions(broker, "it knows no coordinators of transactions")
	}
	found, err := client.FindCoordinator(ctx, &kafkago.FindCoordinatorRequest{
		Key: clientID + ".probe", KeyType: kafkago.CoordinatorKeyTypeTransaction,
	})
	if err == nil && (errors.Is(found.Error, kafkago.UnsupportedVersion) || errors.Is(found.Error, kafkago.InvalidRequest)) {
		return c.noTransactions(broker, found.Error.Error())
	}
	return nil
}

func (c *Cluster) noTransactions(broker, why string) error {
	return &setting.Error{Problems: []setting.Problem{{
		Variable: "KAFKA_DELIVERY", Value: c.cfg.Delivery,
		Reason: fmt.Sprintf("broker %s has no transactions: %s", broker, why),
		Fix:    "set KAFKA_DELIVERY=" + AtLeastOnce + ", or use a service that has them",
	}}}
}
