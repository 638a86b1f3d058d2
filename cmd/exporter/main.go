// Command exporter copies Microsoft Defender advanced hunting data into a data lake
// and Kafka. This package is wiring, commands and exit codes; what it
// guarantees is that a bad setting, an unreachable store and a refused login end a
// run before any state is touched.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"hunting-exporter/internal/crash"
	"hunting-exporter/internal/profile"
)

func main() { os.Exit(realMain(context.Background(), os.Args[1:])) }

// realMain takes the process's own streams, environment and signals.
func realMain(ctx context.Context, args []string) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	defer profile.Start()()
	defer crash.Exit()
	c := &cli{
		out: os.Stdout, err: os.Stderr, in: os.Stdin, asks: term.IsTerminal(int(os.Stdin.Fd())) && isTerminal(os.Stdout),
		environ: os.Environ(), signals: signals, exit: os.Exit, panics: crash.Tell, standard: standardLog,
	}
	return c.main(ctx, args)
}

// standardLog makes records of what the standard library logs, as its HTTP does. It does so
// when something is wrong, and has no levels.
func standardLog(log *slog.Logger) {
	slog.SetLogLoggerLevel(slog.LevelWarn)
	slog.SetDefault(log)
}
