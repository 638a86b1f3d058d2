package e2e_test

import (
	"cmp"
	"slices"
)

type (
	// refusal is a query, and what is said of it; its first line is the file's second.
	refusal struct{ text, says string }
	// exact is a query whose rows do not depend on how time is cut, but where it is windowed.
	exact struct {
		head, text, columns string
		windowed            bool
		want                func(held) []answer
	}
	kind struct {
		name    string
		refused []refusal
		exact   []exact
	}
)

const (
	w         = "| where Timestamp >= _startTime and Timestamp < _endTime\n"
	logons    = "DeviceLogonEvents\n" + w
	processes = "DeviceProcessEvents\n" + w
	systems   = "DeviceInfo | summarize OSPlatform = max(OSPlatform) by DeviceId"
	ids       = "Timestamp DeviceId ReportId"
	keep      = "| project Timestamp, DeviceId, ReportId\n"
	pair      = "Timestamp DeviceId ReportId Other"
)

func (e event) row() answer {
	return answer{"Timestamp": number(e.at), "DeviceId": e.device, "ReportId": number(e.id)}
}

// with is the row and one cell more.
func (a answer) with(column, cell string) answer {
	a[column] = cell
	return a
}

func logonsWhere(keep func(held, event) bool) func(held) []answer {
	return func(h held) (rows []answer) {
		for _, e := range h.logons {
			if keep(h, e) {
				rows = append(rows, e.row())
			}
		}
		return rows
	}
}

func all(held, event) bool { return true }

func failed(_ held, e event) bool { return e.action == "LogonFailed" }

// system is a device's, empty where it is unknown.
func (h held) system(device string) string {
	for _, d := range h.devices {
		if d.name == device {
			return d.os
		}
	}
	return ""
}

func known(h held, e event) bool { return h.system(e.device) != "" }

// pairs are logons with the processes of their device that belong to them.
func pairs(belongs func(h held, l, p event) bool) func(held) []answer {
	return func(h held) (rows []answer) {
		for _, l := range h.logons {
			for _, p := range h.processes {
				if l.device == p.device && belongs(h, l, p) {
					rows = append(rows, l.row().with("Other", number(p.id)))
				}
			}
		}
		return rows
	}
}

// oneWindow says that both lie within one of the windows that were read.
func oneWindow(h held, l, p event) bool {
	return slices.ContainsFunc(h.windows, func(w [2]int64) bool {
		return l.at >= w[0] && l.at < w[1] && p.at >= w[0] && p.at < w[1]
	})
}

// grouped counts logons by a key, and sums up their ids.
func grouped(key func(held, event) answer) func(held) []answer {
	return func(h held) (rows []answer) {
		type sum struct{ n, ids int64 }
		sums, keys := map[string]*sum{}, map[string]answer{}
		for _, e := range h.logons {
			k := key(h, e)
			text := k["Timestamp"] + " " + k["DeviceId"]
			if sums[text] == nil {
				sums[text], keys[text] = &sum{}, k
			}
			sums[text].n++
			sums[text].ids += e.id
		}
		for text, k := range keys {
			rows = append(rows, k.with("Rows", number(sums[text].n)).with("Sum", number(sums[text].ids)))
		}
		return rows
	}
}

// ofWindow is the start of the window that a logon was read in.
func ofWindow(h held, e event) string {
	i, found := slices.BinarySearchFunc(h.windows, e.at, func(w [2]int64, at int64) int { return cmp.Compare(w[0], at) })
	if !found {
		i--
	}
	return number(h.windows[i][0])
}

func withSystem(match func(held, event) bool) func(held) []answer {
	return func(h held) (rows []answer) {
		for _, e := range h.logons {
			if match(h, e) {
				rows = append(rows, e.row().with("OSPlatform", h.system(e.device)))
			}
		}
		return rows
	}
}

func bothTables(h held) (rows []answer) {
	for _, e := range slices.Concat(h.logons, h.processes) {
		rows = append(rows, e.row())
	}
	return rows
}

// hour is 1 h in ticks.
const hour = int64(36_000_000_000)

var kinds = []kind{
	{"UnionLeg", []refusal{
		{logons + "| union DeviceInfo", "line 4: the rows of DeviceInfo pass no border"},
		{"let all = DeviceInfo;\nunion (" + logons + "), all", "line 5: the rows of DeviceInfo pass no border"},
		{"let both = () { union (" + logons + "), (DeviceProcessEvents) };\nboth", "line 4: the rows of DeviceProcessEvents pass no border"},
	}, []exact{
		{text: "union DeviceLogonEvents, DeviceProcessEvents\n" + w + keep, columns: ids, want: bothTables},
		{text: "union (" + logons + "), (" + processes + ")\n" + keep, columns: ids, want: bothTables},
	}},
	{"List", []refusal{
		{"let seen = " + logons + "| project DeviceId;\nDeviceInfo\n| where DeviceId in (seen)", "line 6: this list holds what one window has seen"},
		{logons + "| where DeviceId in ((" + processes + "| project DeviceId))", "line 4: this list holds what one window has seen"},
		{"let newest = toscalar(" + processes + "| summarize max(ReportId));\n" + logons + "| where ReportId < newest", "line 2: this list holds"},
	}, []exact{
		{
			text:    "let linux = DeviceInfo | where OSPlatform == 'Linux' | distinct DeviceId;\n" + logons + "| where DeviceId in (linux)\n" + keep,
			columns: ids, want: logonsWhere(func(h held, e event) bool { return h.system(e.device) == "Linux" }),
		},
		{
			head: "// join: window\n", text: logons + "| where DeviceId in ((" + processes + "| project DeviceId))\n" + keep, columns: ids, windowed: true,
			want: logonsWhere(func(h held, l event) bool {
				return slices.ContainsFunc(h.processes, func(p event) bool { return p.device == l.device && oneWindow(h, l, p) })
			}),
		},
	}},
	{"LookBack", []refusal{
		{"DeviceLogonEvents\n| where Timestamp >= _startTime - 1h and Timestamp < _endTime", "line 3: the rows begin at _startTime - 1h"},
		{"let back = 1h;\nDeviceLogonEvents\n| where Timestamp >= datetime_add('hour', -2, _startTime) and Timestamp < _endTime", "line 4: the rows begin at _startTime - 2h"},
	}, []exact{
		{text: "DeviceLogonEvents\n| where Timestamp >= _startTime - 1h and Timestamp <= _endTime\n" + w + keep, columns: ids, want: logonsWhere(all)},
	}},
	{"Or", []refusal{
		{"DeviceLogonEvents\n| where ActionType == 'LogonFailed' or (Timestamp >= _startTime and Timestamp < _endTime)", "line 3: the borders stand on one side of or"},
		{"DeviceLogonEvents\n| where Timestamp >= _startTime or Timestamp < _endTime", "line 3: the borders stand on one side of or"},
	}, []exact{
		{
			text:    "DeviceLogonEvents\n| where (ActionType == 'LogonFailed' or DeviceId == 'd3') and Timestamp >= _startTime and Timestamp < _endTime\n" + keep,
			columns: ids, want: logonsWhere(func(_ held, e event) bool { return e.action == "LogonFailed" || e.device == "d3" }),
		},
		{
			text:    "DeviceLogonEvents\n| where (ActionType == 'LogonFailed' and Timestamp >= _startTime and Timestamp < _endTime) or (DeviceId == 'd3' and Timestamp >= _startTime and Timestamp < _endTime)\n" + keep,
			columns: ids, want: logonsWhere(func(_ held, e event) bool { return e.action == "LogonFailed" || e.device == "d3" }),
		},
	}},
	{"Alias", []refusal{
		{"let from = _startTime;\nlet until = _endTime;\nDeviceLogonEvents\n| where Timestamp between (from .. until)", "line 5: _endTime belongs to the next window"},
		{"let until = _endTime;\nDeviceLogonEvents\n| where Timestamp >= _startTime and Timestamp <= until", "line 4: _endTime belongs to the next window"},
	}, []exact{
		{text: "let from = _startTime;\nlet until = _endTime;\nDeviceLogonEvents\n| where Timestamp >= from and until > Timestamp\n" + keep, columns: ids, want: logonsWhere(all)},
		{text: "let cut = (t: datetime) { t >= _startTime and t < _endTime };\nDeviceLogonEvents\n| where cut(Timestamp)\n" + keep, columns: ids, want: logonsWhere(all)},
	}},
	{"Named", []refusal{
		{"DeviceLogonEvents\n| extend f = _startTime, e = _endTime", "line 2: the rows of DeviceLogonEvents pass no border"},
		{logons + "| extend f = _startTime", "line 4: column f holds a border"},
	}, []exact{
		{text: "DeviceLogonEvents\n| extend f = _startTime, e = _endTime\n| where Timestamp >= f and Timestamp < e\n" + keep, columns: ids, want: logonsWhere(all)},
	}},
	{"OuterJoin", []refusal{
		{logons + "| join kind=rightouter (DeviceInfo | project DeviceId, OSPlatform) on DeviceId", "line 4: join kind=rightouter answers rows of its right side"},
		{logons + "| join kind=fullouter (DeviceInfo | project DeviceId, OSPlatform) on DeviceId", "line 4: join kind=fullouter answers rows of its right side"},
		{logons + "| join kind=rightanti (DeviceInfo) on DeviceId", "line 4: join kind=rightanti answers rows of its right side"},
		{logons + "| join kind=rightsemi (DeviceInfo) on DeviceId", "line "},
		{"DeviceInfo\n| join kind=leftouter (" + logons + ") on DeviceId", "line "},
		{"DeviceInfo\n| join kind=leftanti (" + logons + ") on DeviceId", "line "},
	}, []exact{
		{text: logons + "| join kind=leftouter (" + systems + ") on DeviceId\n" + keep + "", columns: ids, want: logonsWhere(all)},
		{text: logons + "| lookup (" + systems + ") on DeviceId\n| project Timestamp, DeviceId, ReportId, OSPlatform", columns: ids + " OSPlatform", want: withSystem(all)},
		{text: logons + "| join kind=inner (" + systems + ") on DeviceId\n| project Timestamp, DeviceId, ReportId, OSPlatform", columns: ids + " OSPlatform", want: withSystem(known)},
		{text: logons + "| join kind=leftouter (DeviceInfo | summarize arg_max(Timestamp, OSPlatform) by DeviceId | project DeviceId, OSPlatform) on DeviceId\n" +
			"| project Timestamp, DeviceId, ReportId, OSPlatform", columns: ids + " OSPlatform", want: withSystem(all)},
		{text: logons + "| join kind=leftsemi (DeviceInfo) on DeviceId\n" + keep, columns: ids, want: logonsWhere(known)},
		{text: logons + "| join kind=leftanti (DeviceInfo) on DeviceId\n" + keep, columns: ids, want: logonsWhere(func(h held, e event) bool { return !known(h, e) })},
		{text: systems + "\n| join kind=rightouter (" + logons + ") on DeviceId\n| project Timestamp, DeviceId = DeviceId1, ReportId, OSPlatform", columns: ids + " OSPlatform", want: withSystem(all)},
	}},
	{"Range", []refusal{
		{"range Timestamp from _startTime to _endTime step 1h", "line 2: range makes its rows from the borders"},
		{"range Timestamp from _startTime to _endTime step 1h\n" + w, "line 2: range makes its rows from the borders"},
	}, nil},
	{"SumWithin", []refusal{
		{"let sums = () {\n" + logons + "| summarize Rows = count(), Timestamp = max(Timestamp) by DeviceId };\nsums()", "line 5: summarize sums up"},
		{"let sums = (T: (*)) { T | summarize Rows = count(), Timestamp = max(Timestamp) by DeviceId };\n" + logons + "| invoke sums()", "line 2: summarize sums up"},
		{logons + "| as Cut\n| union (Cut | summarize Timestamp = max(Timestamp) by DeviceId)", "line 5: summarize sums up"},
	}, []exact{
		{text: "let only = (T: (Timestamp: datetime, DeviceId: string, ReportId: long, ActionType: string), action: string) { T | where ActionType == action };\n" + logons + "| invoke only('LogonFailed')\n" + keep, columns: ids, want: logonsWhere(failed)},
		{text: "let only = (from: datetime, until: datetime, action: string = 'LogonFailed') { DeviceLogonEvents | where Timestamp >= from and Timestamp < until and ActionType == action };\n" +
			"only(_startTime, _endTime)\n" + keep, columns: ids, want: logonsWhere(failed)},
		{
			text: logons + "| as Cut\n| union (Cut | where ActionType == 'LogonFailed')\n" + keep, columns: ids,
			want: func(h held) []answer { return slices.Concat(logonsWhere(all)(h), logonsWhere(failed)(h)) },
		},
	}},
	{"TwoSides", []refusal{
		{logons + "| join kind=inner (" + processes + ") on DeviceId", "line 4: which rows of its two sides meet"},
		{logons + "| join kind=leftanti (" + processes + ") on DeviceId", "line 4: which rows of its two sides meet"},
		{logons + "| join kind=leftouter (DeviceProcessEvents\n| where Timestamp >= _startTime - 7d and Timestamp < _endTime) on DeviceId", "line 4: which rows of its two sides meet"},
	}, []exact{
		{
			text: logons + "| join kind=inner (DeviceProcessEvents\n| where Timestamp >= _startTime - 1h and Timestamp < _endTime\n| project DeviceId, Then = Timestamp, Other = ReportId) on DeviceId\n" +
				"| where Then >= Timestamp - 1h and Then <= Timestamp\n| project Timestamp, DeviceId, ReportId, Other",
			columns: pair, want: pairs(func(_ held, l, p event) bool { return p.at >= l.at-hour && p.at <= l.at }),
		},
		{
			text: logons + "| join kind=inner (DeviceProcessEvents\n| where Timestamp >= datetime_add('minute', -30, _startTime) and Timestamp < _endTime\n" +
				"| project DeviceId, Then = Timestamp, Other = ReportId) on DeviceId\n| where Then between ((Timestamp - 30m) .. Timestamp)\n| project Timestamp, DeviceId, ReportId, Other",
			columns: pair, want: pairs(func(_ held, l, p event) bool { return p.at >= l.at-hour/2 && p.at <= l.at }),
		},
		{
			text:    logons + "| join kind=inner (" + processes + "| project Timestamp, DeviceId, Other = ReportId) on Timestamp, DeviceId\n| project Timestamp, DeviceId, ReportId, Other",
			columns: pair, want: pairs(func(_ held, l, p event) bool { return p.at == l.at }),
		},
		{
			head: "// join: window\n", text: logons + "| join kind=inner (" + processes + "| project DeviceId, Other = ReportId) on DeviceId\n| project Timestamp, DeviceId, ReportId, Other",
			columns: pair, windowed: true, want: pairs(oneWindow),
		},
	}},
	{"Aggregate", []refusal{
		{"// mode: aggregate\nunion (" + logons + "), DeviceProcessEvents\n| summarize count() by bin(Timestamp, 1h)", "line 5: the rows of DeviceProcessEvents pass no border"},
		{"// mode: aggregate\nDeviceLogonEvents\n| where Timestamp >= _startTime - 1d and Timestamp < _endTime\n| summarize count() by bin(Timestamp, 1h)", "line 4: the rows begin at _startTime - 1d"},
		{"// mode: aggregate\n" + logons + "| summarize Rows = count() by DeviceId\n| join kind=rightouter (DeviceInfo) on DeviceId", "line "},
	}, []exact{
		{
			head: "// mode: aggregate\n", text: logons + "| summarize Rows = count(), Sum = sum(ReportId) by DeviceId\n| extend Timestamp = _startTime", columns: "Timestamp DeviceId Rows Sum",
			windowed: true, want: grouped(func(h held, e event) answer { return answer{"Timestamp": ofWindow(h, e), "DeviceId": e.device} }),
		},
	}},
	{"ByTime", []refusal{
		{logons + "| summarize Rows = count() by DeviceId", "line 4: summarize sums up the rows of one window"},
		{logons + "| distinct DeviceId", "line 4: distinct sums up"},
		{logons + "| top 5 by ReportId", "line 4: top keeps some rows"},
	}, []exact{
		{
			text: logons + "| summarize Rows = count(), Sum = sum(ReportId) by Timestamp, DeviceId", columns: "Timestamp DeviceId Rows Sum",
			want: grouped(func(_ held, e event) answer { return answer{"Timestamp": number(e.at), "DeviceId": e.device} }),
		},
		{text: logons + "| distinct Timestamp, DeviceId", columns: "Timestamp DeviceId", want: func(h held) (rows []answer) {
			seen := map[string]bool{}
			for _, e := range h.logons {
				if key := number(e.at) + e.device; !seen[key] {
					seen[key] = true
					rows = append(rows, answer{"Timestamp": number(e.at), "DeviceId": e.device})
				}
			}
			return rows
		}},
		{text: logons + "| serialize\n| partition by DeviceId (where ActionType == 'LogonFailed')\n" + keep, columns: ids, want: logonsWhere(failed)},
		{
			text: logons + "| join kind=inner (DeviceInfo | top 6 by ReportId | project DeviceId) on DeviceId\n" + keep + "| render timechart", columns: ids,
			want: logonsWhere(func(h held, e event) bool {
				return slices.ContainsFunc(h.devices[len(h.devices)-6:], func(d device) bool { return d.name == e.device })
			}),
		},
		{head: "// time: Seen\n", text: logons + "| project Seen = Timestamp, DeviceId, ReportId", columns: "Seen DeviceId ReportId", want: func(h held) (rows []answer) {
			for _, e := range h.logons {
				rows = append(rows, answer{"Seen": number(e.at), "DeviceId": e.device, "ReportId": number(e.id)})
			}
			return rows
		}},
	}},
}
