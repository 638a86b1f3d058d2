package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant"
)

const (
	table    = "DeviceProcessEvents"
	answers  = 10
	rowsEach = 99_000 // below the cap, so that an hour is an answer
)

// columns are those of the table that the comparison has.
var columns = []schema.Column{
	{Name: "Timestamp", Type: "DateTime"},
	{Name: "DeviceId", Type: "String"},
	{Name: "DeviceName", Type: "String"},
	{Name: "ActionType", Type: "String"},
	{Name: "FileName", Type: "String"},
	{Name: "FolderPath", Type: "String"},
	{Name: "SHA1", Type: "String"},
	{Name: "SHA256", Type: "String"},
	{Name: "MD5", Type: "String"},
	{Name: "FileSize", Type: "Int64"},
	{Name: "ProcessVersionInfoCompanyName", Type: "String"},
	{Name: "ProcessVersionInfoProductName", Type: "String"},
	{Name: "ProcessId", Type: "Int64"},
	{Name: "ProcessCommandLine", Type: "String"},
	{Name: "ProcessIntegrityLevel", Type: "String"},
	{Name: "ProcessCreationTime", Type: "DateTime"},
	{Name: "AccountDomain", Type: "String"},
	{Name: "AccountName", Type: "String"},
	{Name: "AccountSid", Type: "String"},
	{Name: "LogonId", Type: "Int64"},
	{Name: "InitiatingProcessAccountName", Type: "String"},
	{Name: "InitiatingProcessSHA1", Type: "String"},
	{Name: "InitiatingProcessFileName", Type: "String"},
	{Name: "InitiatingProcessCommandLine", Type: "String"},
	{Name: "InitiatingProcessId", Type: "Int64"},
	{Name: "ReportId", Type: "Int64"},
	{Name: "AdditionalFields", Type: "String"},
}

// program is a file that runs often.
type program struct {
	name, folder, sha1, sha256, md5, company, product string
	size                                              int64
}

// fill makes the rows of an answer: some hundred devices and thousands of programs, the
// common ones far more often, command lines mostly different.
func fill(t *tenant.Tenant, answer int, from time.Time) error {
	r := rand.New(rand.NewPCG(1, uint64(answer)))
	fixed := rand.New(rand.NewPCG(2, 2))
	programs := make([]program, 4000)
	hex := func(r *rand.Rand, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	for i := range programs {
		programs[i] = program{
			fmt.Sprintf("program%d.exe", i), fmt.Sprintf(`C:\Program Files\Vendor %d\Product %d\program%d.exe`, i%200, i%700, i), hex(fixed, 40), hex(fixed, 64), hex(fixed, 32),
			fmt.Sprintf("Vendor %d Corporation", i%200), fmt.Sprintf("Product %d", i%700), 1000 + fixed.Int64N(1e7),
		}
	}
	devices := make([]string, 500)
	for i := range devices {
		devices[i] = hex(fixed, 40)
	}
	rows := make([]tenant.Row, rowsEach)
	for i := range rows {
		p, parent := programs[int(float64(len(programs))*r.Float64()*r.Float64()*r.Float64())], programs[int(300*r.Float64()*r.Float64())]
		device, account := r.IntN(len(devices)), r.IntN(900)
		ingested := from.Add(time.Duration(i) * time.Hour / rowsEach).Truncate(100 * time.Nanosecond)
		at := ingested.Add(-time.Duration(r.Int64N(int64(4 * time.Minute)))).Truncate(100 * time.Nanosecond)
		extra := ""
		if i%4 == 0 {
			extra = fmt.Sprintf(`{"InitiatingProcessIntegrityLevel":%d,"TokenElevation":"%d"}`, r.IntN(5), r.IntN(3))
		}
		rows[i] = tenant.Row{Ingested: ingested, Cells: []any{
			at, devices[device], fmt.Sprintf("host-%03d.corp.example.com", device), "ProcessCreated",
			p.name, p.folder, p.sha1, p.sha256, p.md5, p.size, p.company, p.product,
			r.Int64N(40_000), fmt.Sprintf(`"%s" --type=renderer --id=%d --field-trial-handle=%d,%s --lang=en-US`, p.folder, i, r.Int64N(1e9), hex(r, 16)),
			[]string{"Medium", "High", "System", "Low"}[r.IntN(4)], at.Add(-time.Duration(r.Int64N(1e9))).Truncate(100 * time.Nanosecond),
			"corp", fmt.Sprintf("user%d", account), fmt.Sprintf("S-1-5-21-1004336348-1177238915-682003330-%d", 1000+account), r.Int64N(1e7),
			fmt.Sprintf("user%d", account), parent.sha1, parent.name, fmt.Sprintf(`"%s" -k netsvcs -p -s Schedule %d`, parent.folder, r.IntN(2000)), r.Int64N(40_000), int64(i),
			extra,
		}}
	}
	if err := t.Add(table, columns, rows...); err != nil {
		return err
	}
	return t.SetColumns(table, columns)
}
