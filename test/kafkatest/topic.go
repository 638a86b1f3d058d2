package kafkatest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// CreateTopic creates a topic; config holds its own settings.
func (b *Broker) CreateTopic(t testing.TB, name string, partitions int32, config map[string]string) {
	t.Helper()
	client, err := b.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	settings := map[string]*string{}
	for k, v := range config {
		settings[k] = &v
	}
	ctx, cancel := context.WithTimeout(t.Context(), ready)
	defer cancel()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, partitions, 1, settings, name); err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
}
