package event

import "encoding/hex"

// HeaderTime is the header with the event's own time, in RFC 3339.
const HeaderTime = "ce_time"

// cloudEvent makes the headers of a CloudEvent in binary mode. ce_type is
// com.microsoft.defender.hunting.<table>, ce_source is /tenants/<id>/tables/<table>, and
// ce_id is the row's hash over every cell: two rows that are equal in every cell have the
// same ce_id.
type cloudEvent struct {
	headers []Header // id and time last
	id      [32]byte
}

func newCloudEvent(table, tenantID string) cloudEvent {
	return cloudEvent{headers: []Header{
		{"ce_specversion", []byte("1.0")},
		{"ce_type", []byte("com.microsoft.defender.hunting." + table)},
		{"ce_source", []byte("/tenants/" + tenantID + "/tables/" + table)},
		{"content-type", []byte("application/json")},
		{"ce_id", nil},
		{HeaderTime, nil},
	}}
}

// of returns the headers of the row with this hash. They are valid until the next call.
func (c *cloudEvent) of(hash [16]byte, time []byte) []Header {
	hex.Encode(c.id[:], hash[:])
	n := len(c.headers)
	c.headers[n-2].Value, c.headers[n-1].Value = c.id[:], time
	return c.headers
}
