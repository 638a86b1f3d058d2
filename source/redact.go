package source

import (
	"net/url"
	"regexp"
	"strings"

	"hunting-exporter/internal/setting"
)

// jwt is what tokens and signed assertions look like.
var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)

// redact takes secrets out of a text, should a server or a proxy have echoed one. It
// comes before any shortening, which could leave half of one.
func redact(text string, secrets []setting.Secret, more ...string) string {
	for _, s := range secrets {
		more = append(more, s.Reveal())
	}
	for _, s := range more {
		if s == "" {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return jwt.ReplaceAllString(text, "***")
}

func (c *client) redact(text string, more ...string) string { return c.identity.redact(text, more...) }
