package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hunting-exporter/sink/kafka"
)

func connectKafka(ctx context.Context, cfg Config, log *slog.Logger, client *http.Client) (*kafka.Cluster, error) {
	return kafka.Connect(ctx, cfg.Kafka, kafka.Options{
		Log:      log,
		TenantID: cfg.Source.TenantID,
		Token:    func(ctx context.Context) (string, error) { return eventHubsToken(ctx, cfg, client) },
	})
}

// eventHubsToken is an access token for oauthbearer: the same identity, for the
// Event Hubs namespace that the first broker is.
func eventHubsToken(ctx context.Context, cfg Config, client *http.Client) (string, error) {
	host, _, err := net.SplitHostPort(cfg.Kafka.Brokers[0])
	if err != nil {
		return "", fmt.Errorf("KAFKA_BROKERS: %w", err)
	}
	options := azcore.ClientOptions{Transport: httpOr(client)}
	options.Cloud.ActiveDirectoryAuthorityHost = cfg.Source.AuthorityHost
	var cred azcore.TokenCredential
	if secret := cfg.Source.ClientSecret.Reveal(); secret != "" {
		cred, err = azidentity.NewClientSecretCredential(cfg.Source.TenantID, cfg.Source.ClientID, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	} else {
		cred, err = azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options, TenantID: cfg.Source.TenantID})
	}
	if err != nil {
		return "", fmt.Errorf("token for %s: %w", host, err)
	}
	token, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://" + host + "/.default"}})
	if err != nil {
		return "", fmt.Errorf("token for %s: %w", host, err)
	}
	return token.Token, nil
}
