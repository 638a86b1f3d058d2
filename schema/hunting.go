package schema

import (
	"slices"
	"strings"
)

// Columns that say whom or what a row is about, the more telling first: an alert's
// evidence belongs together by its alert, though it names devices too.
var keys = []string{
	"AlertId", "BehaviorId", "DeviceId", "NetworkMessageId", "TeamsMessageId", "CallId",
	"AccountObjectId", "ServicePrincipalId", "AccountId", "OAuthAppId", "NodeId", "EdgeId",
}

// KeyColumn returns the column among names by which Kafka events are keyed, or "".
// It goes by name alone, so that tables unknown to the catalogue are served as well.
func KeyColumn(names []string) string {
	for _, k := range keys {
		if slices.Contains(names, k) {
			return k
		}
	}
	return ""
}

// Ends of the names of columns that analysts look single values up in: hashes,
// devices, accounts, addresses, messages.
var bloomEnds = []string{
	"SHA1", "SHA256", "MD5",
	"DeviceId", "AccountObjectId", "AccountSid", "AccountUpn", "AccountId", "ServicePrincipalId",
	"RecipientEmailAddress", "SenderFromAddress",
	"IP", "IPAddress", "IPv4", "IPv6",
	"NetworkMessageId", "InternetMessageId", "TeamsMessageId",
	"AlertId", "BehaviorId", "CveId", "OAuthAppId", "NodeId",
}

// BloomColumns returns those of names that are worth a bloom filter, in the order
// given. It goes by name alone, so that unknown tables and columns are served as well.
func BloomColumns(names []string) []string {
	var out []string
	for _, n := range names {
		if slices.ContainsFunc(bloomEnds, func(end string) bool { return strings.HasSuffix(n, end) }) {
			out = append(out, n)
		}
	}
	return out
}
