package s3

import (
	"path"
	"regexp"
	"strconv"

	"hunting-exporter/schema"
)

// hive is where files lie: <dataset>/[tenant=<id>/]dt=<day>/<attempt><extension>.
type hive struct{ tenant string }

// folder is where a dataset's files are.
func (h hive) folder(dataset string) string {
	if h.tenant == "" {
		return dataset + "/"
	}
	return dataset + "/" + schema.TenantPartition + "=" + h.tenant + "/"
}

// days begins the keys of a dataset's files, and of no other tenant's.
func (h hive) days(dataset string) string { return h.folder(dataset) + schema.Partition + "=" }

// key names the file of a day that an attempt writes.
func (h hive) key(dataset, day, attempt, extension string) string {
	return h.days(dataset) + day + "/" + attempt + extension
}

// places are where files of a dataset may be, whoever wrote them: not those in other
// tenants' folders, but those without a tenant's.
func (h hive) places(dataset string) []string {
	if h.tenant == "" {
		return []string{h.folder(dataset)}
	}
	return []string{h.folder(dataset), hive{}.days(dataset)}
}

// attemptName matches the name that an attempt gives its files:
// <from>-<seq>-<epoch>-<commit id>.
var attemptName = regexp.MustCompile(`^\d+T\d{6}\.\d{7}Z-\d+-(\d+)-[0-9a-f]{8}\.`)

// epochOf is that of the run whose attempt wrote a file; ok is false where none did.
func epochOf(key string) (epoch int64, ok bool) {
	m := attemptName.FindStringSubmatch(path.Base(key))
	if m == nil {
		return 0, false
	}
	epoch, err := strconv.ParseInt(m[1], 10, 64)
	return epoch, err == nil
}
