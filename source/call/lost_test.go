package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// losable is a connection that can be lost without a word, as by a firewall that forgot it.
type losable struct {
	net.Conn
	lost   atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (l *losable) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if !l.lost.Load() {
		return n, err
	}
	<-l.closed
	return 0, net.ErrClosed
}

func (l *losable) Write(p []byte) (int, error) {
	if l.lost.Load() {
		return len(p), nil
	}
	return l.Conn.Write(p)
}

func (l *losable) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Conn.Close()
}

// single is a listener with one connection.
type single struct {
	conn net.Conn
	once sync.Once
	end  chan struct{}
}

func (s *single) Accept() (conn net.Conn, err error) {
	s.once.Do(func() { conn = s.conn })
	if conn == nil {
		<-s.end
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (s *single) Close() error   { close(s.end); return nil }
func (s *single) Addr() net.Addr { return s.conn.LocalAddr() }

// TestLostConnectionIsFound: over HTTP/2 all calls share a connection, and one that is
// lost must cost neither SOURCE_TIMEOUT nor the calls after.
func TestLostConnectionIsFound(t *testing.T) {
	t.Parallel()
	model := httptest.NewUnstartedServer(nil)
	model.EnableHTTP2 = true
	model.StartTLS() // for its certificate
	roots := x509.NewCertPool()
	roots.AddCert(model.Certificate())
	settings := model.TLS.Clone()
	model.Close()
	synctest.Test(t, func(t *testing.T) {
		srv := &http.Server{
			ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
			Handler:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, two) }),
		}
		var conns []*losable
		web := newHTTP(nil, 1)
		transport := web.Transport.(*http.Transport)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { _ = srv.Serve(&single{conn: tls.Server(far, settings), end: make(chan struct{})}) }()
			conns = append(conns, &losable{Conn: near, closed: make(chan struct{})})
			return conns[len(conns)-1], nil
		}
		defer srv.Close()
		defer web.CloseIdleConnections()
		c := caller(web)
		c.url = "https://example.com/run"
		if _, err := c.call(t.Context(), Target{}, "token", request{Query: "T"}); err != nil {
			t.Fatal(err)
		}
		conns[0].lost.Store(true)
		begun := time.Now()
		_, err := c.call(t.Context(), Target{}, "token", request{Query: "T"})
		var e *Error
		if !errors.As(err, &e) || e.Kind != transient || time.Since(begun) > time.Minute {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
		if _, err := c.call(t.Context(), Target{}, "token", request{Query: "T"}); err != nil || len(conns) != 2 {
			t.Errorf("%d connections, %v", len(conns), err)
		}
	})
}
