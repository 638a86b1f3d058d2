package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"hunting-exporter/config"
	"hunting-exporter/sink/kafka"
	"hunting-exporter/source/call"
)

// connectKafka connects as the source's identity, where the brokers want an Azure token.
func connectKafka(ctx context.Context, cfg config.Config, log *slog.Logger, identity *call.Identity) (*kafka.Cluster, error) {
	return kafka.Connect(ctx, cfg.Kafka, kafka.Options{
		Log:      log,
		TenantID: cfg.Source.TenantID,
		Token:    func(ctx context.Context) (string, error) { return kafkaToken(ctx, cfg.Kafka, identity) },
	})
}

// kafkaToken is an access token for the Event Hubs namespace that the first broker is.
func kafkaToken(ctx context.Context, cfg kafka.Config, identity *call.Identity) (string, error) {
	host, _, err := net.SplitHostPort(cfg.Brokers[0])
	if err != nil {
		return "", fmt.Errorf("KAFKA_BROKERS: %w", err)
	}
	token, err := identity.Token(ctx, "https://"+host+"/.default", "")
	if err != nil {
		return "", fmt.Errorf("token for %s: %w", host, err)
	}
	return token, nil
}
