package config

import (
	"strings"
	"testing"
)

// proxyVariables are in the order that Go reads them.
var proxyVariables = []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}

// Go goes without a proxy that it cannot read, or to a host called "http".
func TestProxiesThatAreNoURLAreRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"http://user:p%ss@proxy:3128", "http://user:p#ss@proxy:3128", "http://user:p/ss@proxy:3128", "http://user:p?ss@proxy:3128",
		"user:p%ss@proxy:3128", "user:p/ss@proxy:3128", "user/ss@proxy:3128", "http://user:p^ss word@proxy", "http://", "http://:3128",
		"proxy:port", "proxy:99999", "http://proxy:3128\n", "http://proxy:3128 ", "ftp://proxy", "http//proxy:3128", "http://proxy/path", "http:/proxy", " ",
	} {
		for _, name := range proxyVariables {
			_, problems := judged(t, nil, usable(name, value))
			if len(problems) != 1 || problems[0].Variable != name || problems[0].Value != "***" || problems[0].Fix == "" {
				t.Errorf("%s=%q: %v", name, value, problems)
			}
			for _, p := range problems {
				if part := strings.Trim(value, " \n"); strings.Contains(p.String(), "ss@") || part != "" && strings.Contains(p.String(), part+";") {
					t.Errorf("%s=%q is repeated: %s", name, value, p)
				}
			}
		}
	}
	for _, value := range []string{
		"", "http://proxy:3128", "https://proxy", "http://user:p%40ss@proxy:3128/", "proxy:3128", "proxy", "10.0.0.1:3128", "user:pass@proxy:3128",
		"http://[::1]:3128", "socks5://proxy:1080", "socks5h://user:pass@proxy:1080", "HTTP://proxy",
	} {
		for _, name := range proxyVariables {
			if _, problems := judged(t, nil, usable(name, value)); len(problems) > 0 {
				t.Errorf("%s=%q: %v", name, value, problems)
			}
		}
	}
}

func TestOnlyTheProxyThatGoReadsIsJudged(t *testing.T) {
	t.Parallel()
	if _, problems := judged(t, nil, usable("HTTPS_PROXY", "http://proxy", "https_proxy", "http://p%roxy")); len(problems) > 0 {
		t.Errorf("HTTPS_PROXY hides https_proxy: %v", problems)
	}
	got := NewValues(nil, []string{"all_proxy=http://proxy:3128"}).Warnings()
	if len(got) != 1 || !strings.HasPrefix(got[0], "all_proxy is not read") || strings.Contains(got[0], "3128") {
		t.Errorf("all_proxy alone: %q", got)
	}
	if got := NewValues(nil, []string{"ALL_PROXY=http://proxy:3128", "https_proxy=http://proxy:3128"}).Warnings(); len(got) > 0 {
		t.Errorf("ALL_PROXY beside https_proxy: %q", got)
	}
}
