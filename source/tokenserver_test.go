package source_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"hunting-exporter/source"
	"hunting-exporter/source/call"
	"hunting-exporter/source/call/calltest"
)

// tokenServer answers the n-th request for a token, from 1, and discovery.
type tokenServer struct {
	answer func(w http.ResponseWriter, n int)
	api    http.HandlerFunc

	mu      sync.Mutex
	asked   int
	secrets []string
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if req.Host != "login.test" {
		s.api(w, req)
		return
	}
	if !strings.HasSuffix(req.URL.Path, "/token") {
		base := "https://" + req.Host + "/contoso.test"
		_, _ = fmt.Fprintf(w, `{"issuer":"%[1]s/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token"}`, base)
		return
	}
	s.mu.Lock()
	s.asked++
	n := s.asked
	s.secrets = append(s.secrets, req.FormValue("client_secret"))
	s.mu.Unlock()
	s.answer(w, n)
}

func (s *tokenServer) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func token(w http.ResponseWriter, n int) {
	_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600,"refresh_in":1800}`, n)
}

func refuse(status int, code, message string, header ...string) func(http.ResponseWriter) {
	answer := say(status, fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, message), header...)
	return func(w http.ResponseWriter) { answer(w, nil) }
}

// refuseFirst refuses the first requests.
func refuseFirst(n int, refusal func(http.ResponseWriter)) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, i int) {
		if i <= n {
			refusal(w)
			return
		}
		token(w, i)
	}
}

// loggingIn is a Reader that gets its tokens there, and what it logs.
func loggingIn(t *testing.T, s *tokenServer, change func(*call.Config)) (*source.Reader, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	c := config(func(c *call.Config) {
		c.AuthorityHost = "https://login.test/"
		if change != nil {
			change(c)
		}
	})
	r, err := source.New(c, calltest.Keeper{}, call.Options{
		HTTP: &http.Client{Transport: direct{s}}, Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, &logged
}
