package state

import (
	"cmp"
	"fmt"
	"slices"
)

// Meaning is what a row of the dataset is: whose it is, and by which definition. Rows of
// another meaning do not belong into the same dataset.
type Meaning struct {
	Tenant string `json:"tenant,omitempty"` // its id in lower case; a domain where nobody told the id
	Cloud  string `json:"cloud,omitempty"`
	API    string `json:"api,omitempty"`  // they differ in how they write nested values
	Kind   Kind   `json:"kind,omitempty"` // empty: an earlier version recorded no meaning
	Mode   string `json:"mode,omitempty"` // how rows come about; empty: they are appended
	// Of a custom query.
	Query    string `json:"query,omitempty"` // fingerprint of its text
	Time     string `json:"time,omitempty"`
	Key      string `json:"key,omitempty"`
	Identity string `json:"identity,omitempty"` // columns, separated by commas
	// Unit is that of times in the lake's files; empty: no lake.
	Unit string `json:"unit,omitempty"`
	// Folders are those of the lake's files; empty: no lake, or an earlier version wrote it.
	Folders string `json:"folders,omitempty"`
}

// The values of Meaning.Folders.
const (
	FoldersByDay    = "dt"
	FoldersByTenant = "tenant, dt"
)

// Kind is where a dataset's rows come from.
type Kind string

// The kinds.
const (
	KindTable Kind = "table" // a hunting table of the dataset's name
	KindQuery Kind = "query" // a custom query
)

// Change is one recorded thing of which a run has another.
type Change struct {
	What, Setting string
	Old, New      string
}

// String gives old and new, and the setting to look at.
func (c Change) String() string {
	return fmt.Sprintf("%s (%s): %s → %s", c.What, c.Setting, cmp.Or(c.Old, "none"), cmp.Or(c.New, "none"))
}

// Changes is what of a meaning would change. Nothing does where nothing is recorded.
func (m Meaning) Changes(to Meaning) (all []Change) {
	if m.Kind == "" {
		return nil
	}
	all = changes(
		Change{"tenant", "AZURE_TENANT_ID", m.Tenant, to.Tenant},
		Change{"cloud", "SOURCE_CLOUD", m.Cloud, to.Cloud},
		Change{"API", "SOURCE_API", m.API, to.API},
		Change{"unit of times", "PARQUET_TIMESTAMP", m.Unit, to.Unit},
		Change{"folders of the lake", "LAKE_TENANT", m.Folders, to.Folders},
	)
	all = slices.DeleteFunc(all, func(c Change) bool { return c.Old == "" || c.New == "" }) // not recorded, or no lake
	if m.Kind != to.Kind {                                                                  // what only a query has goes or comes with it
		return append(all, Change{"kind", "EXPORT_TABLES, EXPORT_QUERIES", string(m.Kind), string(to.Kind)})
	}
	const queries = "EXPORT_QUERIES"
	return append(all, changes(
		Change{"mode", queries, cmp.Or(m.Mode, "append"), cmp.Or(to.Mode, "append")},
		Change{"text of the query", queries, m.Query, to.Query},
		Change{"time", queries, m.Time, to.Time},
		Change{"key", queries, m.Key, to.Key},
		Change{"identity", queries, m.Identity, to.Identity},
	)...)
}

// Changes is which destinations would change.
func (d Destinations) Changes(to Destinations) []Change {
	return changes(
		Change{"lake", "LAKE_URL", d.Lake, to.Lake},
		Change{"Kafka cluster", "KAFKA_BROKERS", d.Cluster, to.Cluster},
		Change{"topic", "KAFKA_TOPIC", d.Topic, to.Topic},
	)
}

// SameKeys reports whether the keys by which exported rows are told from late ones mean
// the same by both. identified: columns tell the rows apart, which all APIs write alike.
func (m Meaning) SameKeys(to Meaning, identified bool) bool {
	m.Key, m.Unit, m.Folders = to.Key, to.Unit, to.Folders
	if identified {
		m.API = to.API
	}
	return m == to
}

// changes leaves out what stays as it is.
func changes(all ...Change) []Change {
	return slices.DeleteFunc(all, func(c Change) bool { return c.Old == c.New })
}
