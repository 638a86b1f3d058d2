package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports to choose from lie below those the kernel gives to outgoing
// connections, so that a server can be restarted on its port.
const (
	firstPort = 20000
	lastPort  = 32000
)

// Port returns a TCP port of 127.0.0.1 that is free now. Another process may take
// it before it is used: a server that cannot bind is to be started anew.
func Port() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", Addr(port)) //nolint:noctx // nothing to wait for
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("process: free port: %w", err)
		}
		return port, nil
	}
	return 0, errors.New("process: found no free port on 127.0.0.1")
}

// Addr is host and port of a loopback port.
func Addr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
