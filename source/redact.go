package source

import (
	"net/url"
	"regexp"
	"strings"
)

// jwt is what tokens and signed assertions look like.
var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`)

// redact takes secrets out of a text, should a server or a proxy have echoed one. It
// comes before any shortening, which could leave half of one.
func (c *client) redact(text string, more ...string) string {
	for _, s := range c.secrets {
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
