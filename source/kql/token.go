package kql

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"hunting-exporter/source/kql/syntax"
)

// parse takes a query apart and refuses one that is not whole.
func parse(query string) ([]syntax.Token, error) {
	all, err := syntax.Tokens(query)
	if err != nil {
		return nil, err
	}
	return all, syntax.Balanced(all)
}

// statements is the query without the semicolons at its end.
func statements(all []syntax.Token) []syntax.Token {
	for len(all) > 0 && all[len(all)-1].Is(";") {
		all = all[:len(all)-1]
	}
	return all
}

// Fingerprint tells custom queries apart by what they say: spaces, line ends and comments
// do not count. State documents keep it, so a query's must stay as it is.
func Fingerprint(query string) string {
	h := sha256.New()
	all, err := syntax.Tokens(query)
	if err != nil { // Check refuses it
		all = []syntax.Token{{Text: query}}
	}
	for _, t := range statements(all) {
		_, _ = io.WriteString(h, t.Text+"\x00")
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// body is a custom query that further operators can follow: without the comments
// and semicolons at its end, and without the chart that it draws.
func body(query string) string {
	all, err := syntax.Tokens(query)
	if err != nil {
		return query // Check refuses it
	}
	if all = statements(all); len(all) == 0 {
		return ""
	}
	all = all[:len(all)-chart(all)]
	return strings.TrimSpace(query[:all[len(all)-1].End])
}

// chart is how many tokens at the end of a query are its render operator.
func chart(all []syntax.Token) int {
	for i := len(all) - 1; i > 1; i-- {
		switch {
		case all[i].Is("render") && all[i-1].Is("|"):
			return len(all) - i + 1
		case all[i].Is("|") || all[i].Is(";"):
			return 0
		}
	}
	return 0
}

// The names by which a custom query takes the borders of a window.
const (
	startTime = "_startTime"
	endTime   = "_endTime"
)
