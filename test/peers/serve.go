package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"hunting-exporter/tenant"
)

// site is how to reach the server and what it has.
type site struct {
	URL, Authority, CA     string
	Tenant, Client, Secret string
	First, Last            string // EXPORT_START for all answers, and for the last one
	Rows, Bytes            []int64
}

// serve serves the answers until its input ends: as documents under /answers/, and as a
// tenant's API for the exporter, plain or under /gzip compressed.
func serve() {
	t := tenant.New(tenant.Options{CallsPerMinute: -1, CallsPerHour: -1, MaxBytes: 500_000_000})
	first := time.Now().UTC().Truncate(24 * time.Hour).Add(-20 * time.Hour) // all of one day
	s := site{Tenant: tenant.DefaultTenantID, Client: tenant.DefaultClientID, Secret: tenant.DefaultClientSecret}
	bodies := make([][]byte, answers)
	for i := range answers {
		from := first.Add(time.Duration(i) * time.Hour)
		if err := fill(t, i, from); err != nil {
			log.Fatal(err)
		}
		const layout = time.RFC3339
		query := fmt.Sprintf("%s | extend _IngestionTime = ingestion_time() | where _IngestionTime >= datetime(%s) and _IngestionTime < datetime(%s)",
			table, from.Format(layout), from.Add(time.Hour).Format(layout))
		var b bytes.Buffer
		if err := t.Run(context.Background(), &b, query); err != nil {
			log.Fatal(err)
		}
		bodies[i] = b.Bytes()
		s.Rows, s.Bytes = append(s.Rows, rowsEach), append(s.Bytes, int64(b.Len()))
		s.Last = from.Format(layout)
	}
	s.First = first.Format(time.RFC3339)
	mux := http.NewServeMux()
	mux.HandleFunc("/answers/", func(w http.ResponseWriter, r *http.Request) {
		i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/answers/"))
		if err != nil || i < 0 || i >= answers {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(bodies[answers-1-i]) // the last one first, as it is the exporter's single one
	})
	plainly := remembered(t)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		plainly.ServeHTTP(w, r)
	})
	mux.Handle("/gzip/", http.StripPrefix("/gzip", remembered(t)))
	plain, secure := httptest.NewServer(mux), httptest.NewTLSServer(t)
	ca, err := os.CreateTemp("", "peers-*.pem")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.Remove(ca.Name()) }()
	if err := pem.Encode(ca, &pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}); err != nil {
		log.Print(err)
	}
	_ = ca.Close()
	s.URL, s.Authority, s.CA = plain.URL, secure.URL, ca.Name()
	_ = json.NewEncoder(os.Stdout).Encode(s)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// remembered asks h each query but once, so that its work does not disturb what is
// measured; the peers get stored documents too.
func remembered(h http.Handler) http.Handler {
	var mu sync.Mutex
	known := map[string]*httptest.ResponseRecorder{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(query))
		mu.Lock()
		answer := known[string(query)]
		if answer == nil {
			answer = httptest.NewRecorder()
			// Whole, also if who asked first is killed meanwhile.
			h.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
			if answer.Code == http.StatusOK {
				known[string(query)] = answer
			}
		}
		mu.Unlock()
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}
