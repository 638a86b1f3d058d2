package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hunting-exporter/internal/setting"
)

// allProxy is the variable that other programs read and Go does not.
const allProxy = "ALL_PROXY"

// proxySchemes are those that Go's HTTP client speaks to a proxy.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// proxy is the variable of a pair, HTTPS_PROXY and https_proxy, that Go reads.
func (v *Values) proxy(name string) (variable, value string) {
	for _, variable := range []string{name, strings.ToLower(name)} {
		if value := v.env[variable]; value != "" {
			return variable, value
		}
	}
	return name, ""
}

// proxyProblems are the proxies that cannot be used. Go goes without one that it cannot
// read, and says nothing. Their values hold passwords and are not repeated.
func proxyProblems(v *Values) setting.Problems {
	var l setting.Problems
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", allProxy} {
		variable, value := v.proxy(name)
		if reason := badProxy(value); value != "" && reason != "" {
			l.Add(variable, setting.Secret(value).String(), reason, "set http://host:port, and write other characters than letters and digits of a password as %40 and the like, or unset it")
		}
	}
	return l
}

// proxyWarnings name a proxy that nothing reads.
func proxyWarnings(v *Values) []string {
	variable, value := v.proxy(allProxy)
	if _, https := v.proxy("HTTPS_PROXY"); value == "" || https != "" {
		return nil
	}
	return []string{variable + " is not read; for a proxy set HTTPS_PROXY"}
}

// badProxy says what keeps a value from naming a proxy. As for Go, http:// may be left
// out.
func badProxy(value string) string {
	u, err := url.Parse(value)
	if (err != nil || u.Scheme == "" || u.Host == "") && !strings.Contains(value, "://") {
		u, err = url.Parse("http://" + value)
	}
	switch {
	case err != nil:
		return "is not a URL"
	case !slices.Contains(proxySchemes, u.Scheme):
		return "is of another scheme than http, https, socks5 and socks5h"
	case u.Hostname() == "":
		return "names no host"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "holds more than a proxy's host and port"
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && err != nil {
		return "names no port that there is"
	}
	return ""
}
