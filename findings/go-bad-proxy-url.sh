#!/usr/bin/env bash
# net/http of Go 1.26 (golang.org/x/net/http/httpproxy), proxies from the environment.
#
# A proxy variable that is no URL is never an error. What happens depends on the character
# that is wrong: with a "%" that is no escape the proxy is dropped and the request goes to
# the server directly; with "#", "/" or a blank, or a port that is no number, "http://" is
# put in front of the whole value, which makes a proxy whose host is called "http" (or
# "https"): each request then fails with "no such host". Passwords of proxies are what such
# characters come from.
#
# Seen (proxy, error, of http.ProxyFromEnvironment for an https request):
#           http://user:50%25off@proxy.example:3128 -> proxy.example:3128, <nil>
#           http://user:50%off@proxy.example:3128   -> none, <nil>
#           http://user:a#b@proxy.example:3128      -> http:, <nil>
#           http://proxy.example:31x8               -> http:, <nil>
#           https:/proxy.example:3128               -> https:, <nil>
# One would guess: an error that names the variable, as ProxyFromEnvironment returns one.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
)

func main() {
	if len(os.Args) > 1 { // the environment is read once a process
		req, err := http.NewRequest(http.MethodGet, "https://graph.example/v1.0", nil)
		if err != nil {
			panic(err)
		}
		host := "none"
		proxy, err := http.ProxyFromEnvironment(req)
		if proxy != nil {
			host = proxy.Host
		}
		fmt.Printf("%s, %v\n", host, err)
		return
	}
	for _, v := range []string{
		"http://user:50%25off@proxy.example:3128",
		"http://user:50%off@proxy.example:3128",
		"http://user:a#b@proxy.example:3128",
		"http://proxy.example:31x8",
		"https:/proxy.example:3128",
	} {
		c := exec.Command(os.Args[0], "child")
		c.Env = []string{"HTTPS_PROXY=" + v}
		out, err := c.CombinedOutput()
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s -> %s", v, out)
	}
}
GO
printf 'module finding\n\ngo 1.26\n' >go.mod
out=$(go run .)
echo "$out"
grep -qx 'http://user:50%25off@proxy.example:3128 -> proxy.example:3128, <nil>' <<<"$out"
grep -qx 'http://user:50%off@proxy.example:3128 -> none, <nil>' <<<"$out"
grep -qx 'http://user:a#b@proxy.example:3128 -> http:, <nil>' <<<"$out"
grep -qx 'http://proxy.example:31x8 -> http:, <nil>' <<<"$out"
grep -qx 'https:/proxy.example:3128 -> https:, <nil>' <<<"$out"
