package rows

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"hunting-exporter/tenant/data"
)

// generator makes a cell from the row's id and the cell's own hash.
type generator func(g *seeded, id int, h uint64) data.Value

// generatorOf chooses how the cells of a column are made, by name and type.
func generatorOf(table string, c data.Column) generator {
	switch c.Kind {
	case data.KindBool:
		return sparse(12, func(_ *seeded, _ int, h uint64) data.Value { return data.Bool(h&3 == 0) })
	case data.KindInt:
		return sparse(15, intGenerator(c.Name))
	case data.KindLong:
		return longGenerator(c.Name)
	case data.KindReal:
		return sparse(10, func(_ *seeded, _ int, h uint64) data.Value { return data.Real(math.Round(unit(h)*1e5) / 1e4) })
	case data.KindDatetime:
		return sparse(8, timeGenerator(c.Name))
	case data.KindTimespan:
		return sparse(10, func(_ *seeded, _ int, h uint64) data.Value { return data.Timespan(int64(h % uint64(3*data.TickDay))) })
	case data.KindGuid:
		return sparse(8, func(_ *seeded, _ int, h uint64) data.Value { return data.Value{Kind: data.KindGuid, Text: guidOf(h)} })
	case data.KindDynamic:
		return sparse(8, dynamicGenerator(c.Name))
	case data.KindDecimal:
		return sparse(8, func(_ *seeded, _ int, h uint64) data.Value {
			return data.Value{Kind: data.KindDecimal, Text: fmt.Sprintf("%d.%02d", h>>40, h%100)}
		})
	default:
		m := stringGenerator(table, c.Name)
		return func(g *seeded, id int, h uint64) data.Value { return data.String(m(g, id, h)) }
	}
}

// sparse makes one in n cells null.
func sparse(n uint64, m generator) generator {
	return func(g *seeded, id int, h uint64) data.Value {
		if h>>50%n == 0 {
			return data.Value{}
		}
		return m(g, id, h)
	}
}

func intGenerator(name string) generator {
	switch {
	case strings.Contains(name, "Port"):
		ports := []int64{443, 80, 445, 389, 53, 3389, 135}
		return func(_ *seeded, _ int, h uint64) data.Value {
			if h&1 == 0 {
				return data.Int(ports[h>>8%uint64(len(ports))])
			}
			return data.Int(int64(49152 + h>>8%16384))
		}
	case name == "ErrorCode":
		codes := []int64{0, 0, 0, 50126, 50053, 530032}
		return func(_ *seeded, _ int, h uint64) data.Value { return data.Int(codes[h%uint64(len(codes))]) }
	case name == "ApplicationId" || strings.Contains(name, "Length") || strings.Contains(name, "ProcessId"):
		return func(_ *seeded, _ int, h uint64) data.Value { return data.Int(int64(h % 100_000)) }
	default:
		return func(_ *seeded, _ int, h uint64) data.Value {
			if h>>40%200 == 0 {
				return data.Int([]int64{math.MaxInt32, math.MinInt32, -1}[h%3])
			}
			return data.Int(int64(h % 100))
		}
	}
}

func longGenerator(name string) generator {
	switch {
	case name == "ReportId": // tells rows of a device and moment apart
		return func(_ *seeded, id int, _ uint64) data.Value { return data.Long(int64(id) + 1) }
	case strings.HasSuffix(name, "ProcessId") || strings.HasSuffix(name, "ParentId"):
		return func(_ *seeded, _ int, h uint64) data.Value { return data.Long(int64(h % 65536)) }
	case strings.HasSuffix(name, "FileSize"):
		return sparse(10, func(_ *seeded, _ int, h uint64) data.Value { return data.Long(int64(unit(h) * unit(mix(h)) * 4e8)) })
	default:
		return sparse(10, func(_ *seeded, _ int, h uint64) data.Value {
			switch h >> 40 % 64 {
			case 0: // not to be held by a double
				return data.Long(1<<53 + 1 + int64(h%(1<<60)))
			case 1:
				return data.Long([]int64{math.MaxInt64, math.MinInt64, -1, 0}[h%4])
			default:
				return data.Long(int64(h % (1 << 33)))
			}
		})
	}
}

func timeGenerator(name string) generator {
	ahead := strings.Contains(name, "Expiration") || strings.Contains(name, "EndOfSupport")
	return func(g *seeded, id int, h uint64) data.Value {
		away := int64(unit(h) * unit(mix(h)) * 400 * float64(data.TickDay))
		if ahead {
			away = -away
		}
		if h>>36%500 == 0 { // what a nanosecond clock in 64 bits does not hold
			return data.Datetime([]int64{-data.EpochTicks, 2534023007999999999, 0}[h%3])
		}
		return data.Datetime(cutDigits(g.moment(id)-away, h>>8))
	}
}

type textGenerator func(g *seeded, id int, h uint64) string

// exactText makes the columns of these names; suffixText, in order, those that end so.
var exactText = map[string]textGenerator{
	"DeviceId":                        func(g *seeded, id int, _ uint64) string { return g.device(id).id },
	"DeviceName":                      func(g *seeded, id int, _ uint64) string { return g.device(id).name },
	"OSPlatform":                      func(g *seeded, id int, _ uint64) string { return g.device(id).os },
	"LocalIP":                         func(g *seeded, id int, _ uint64) string { return g.device(id).ip },
	"PublicIP":                        func(g *seeded, id int, _ uint64) string { return g.device(id).publicIP },
	"MacAddress":                      func(g *seeded, id int, _ uint64) string { return g.device(id).mac },
	"FileName":                        func(g *seeded, id int, _ uint64) string { return g.file(id).name },
	"FolderPath":                      func(g *seeded, id int, _ uint64) string { return g.file(id).folder },
	"SHA1":                            func(g *seeded, id int, _ uint64) string { return g.file(id).sha1 },
	"SHA256":                          func(g *seeded, id int, _ uint64) string { return g.file(id).sha256 },
	"MD5":                             func(g *seeded, id int, _ uint64) string { return g.file(id).md5 },
	"InitiatingProcessFileName":       func(g *seeded, id int, _ uint64) string { return g.process(id).file },
	"InitiatingProcessFolderPath":     func(g *seeded, id int, _ uint64) string { return g.process(id).folder },
	"InitiatingProcessCommandLine":    func(g *seeded, id int, _ uint64) string { return g.process(id).command },
	"InitiatingProcessIntegrityLevel": func(g *seeded, id int, _ uint64) string { return g.process(id).integrity },
	"ProcessCommandLine":              commandLine,
	"AlertId":                         func(g *seeded, id int, _ uint64) string { return "da" + hexOf(g.hash(id/5, 7), 20) + "_1" },
	"ReportId":                        func(_ *seeded, id int, h uint64) string { return guidOf(h) + "-" + strconv.Itoa(id) },
	"AdditionalFields":                rare(4, bagText),
	"AttackTechniques":                from(techniques),
	"UserAgent":                       from(agents),
	"Title":                           from([]string{"Suspicious sign-in", "Malware was prevented", "Ransom note <b>found</b> & removed", "Anomalous \"token\" use"}),
	"Subject":                         from([]string{"Re: Rechnung für Oktober", "FW: =?utf-8?Q?hi?=", "Your parcel", "会議の件", "line one\r\nline two", ""}),
	"RegistryKey":                     from([]string{`HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Run`, `HKEY_CURRENT_USER\Software\Contoso`}),
	"LoggedOnUsers": func(g *seeded, id int, _ uint64) string {
		return fmt.Sprintf(`[{"UserName":%q,"DomainName":"contoso","Sid":%q}]`, asciiOf(g.account(id).name), g.account(id).sid)
	},
	"AuthenticationDetails":    from([]string{`{"SPF":"pass","DKIM":"none","DMARC":"pass"}`, ""}),
	"CrlDistributionPointUrls": from([]string{`["http://crl.example.com/pki/ca 2026.crl"]`, ""}),
	"IPAddresses": func(g *seeded, id int, _ uint64) string {
		return `[{"IPAddress":"` + g.device(id).ip + `","SubnetPrefix":24,"AddressType":"Private"}]`
	},
	"CveId": func(_ *seeded, _ int, h uint64) string { return fmt.Sprintf("CVE-20%02d-%04d", 15+h%12, h>>8%30000) },
}

var suffixText = []struct {
	suffix string
	make   textGenerator
}{
	{"CommandLine", commandLine},
	{"SHA256", func(_ *seeded, _ int, h uint64) string { return hexOf(h%500, 64) }},
	{"SHA1", func(_ *seeded, _ int, h uint64) string { return hexOf(h%500, 40) }},
	{"MD5", func(_ *seeded, _ int, h uint64) string { return hexOf(h%500, 32) }},
	{"AccountName", func(g *seeded, id int, _ uint64) string { return g.account(id).name }},
	{"AccountDomain", func(g *seeded, id int, _ uint64) string { return g.account(id).domain }},
	{"DisplayName", func(g *seeded, id int, _ uint64) string { return g.account(id).display }},
	{"Sid", func(g *seeded, id int, _ uint64) string { return g.account(id).sid }},
	{"ObjectId", func(g *seeded, id int, _ uint64) string { return g.account(id).objectID }},
	{"Upn", func(g *seeded, id int, _ uint64) string { return g.account(id).upn }},
	{"EmailAddress", func(g *seeded, id int, h uint64) string {
		return g.entities.accounts[h%uint64(len(g.entities.accounts))].upn
	}},
	{"FromAddress", func(_ *seeded, _ int, h uint64) string { return fmt.Sprintf("sender%d@example.org", h%400) }},
	{"FileName", func(g *seeded, _ int, h uint64) string { return g.entities.files[h%uint64(len(g.entities.files))].name }},
	{"FolderPath", func(g *seeded, _ int, h uint64) string {
		return g.entities.files[h%uint64(len(g.entities.files))].folder
	}},
	{"DeviceName", func(g *seeded, _ int, h uint64) string {
		return g.entities.devices[h%uint64(len(g.entities.devices))].name
	}},
	{"DeviceId", func(g *seeded, _ int, h uint64) string {
		return g.entities.devices[h%uint64(len(g.entities.devices))].aadID
	}},
	{"Url", rare(6, urlText)},
	{"Uri", urlText},
	{"Domain", from(domains)},
	{"Country", from([]string{"NO", "DE", "US", "JP"})},
	{"City", from(cities)},
	{"Isp", from(isps)},
	{"ISP", from(isps)},
	{"IPAddress", ipText},
	{"IPAddresses", ipText},
	{"IpAddress", ipText},
	{"IP", ipText},
	{"IPv4", ipText},
	{"IPv6", ip6Text},
	{"Version", func(_ *seeded, _ int, h uint64) string { return fmt.Sprintf("%d.%d.%d", h%20, h>>8%30, h>>16%9000) }},
	{"MessageId", func(_ *seeded, _ int, h uint64) string { return guidOf(h) }},
	{"Id", rare(9, func(_ *seeded, _ int, h uint64) string { return guidOf(h % 2000) })},
	{"UniqueId", func(_ *seeded, _ int, h uint64) string { return hexOf(h, 32) }},
}

// stringGenerator chooses how the text of a column is made. A string is never null, but
// often empty.
func stringGenerator(table, name string) textGenerator {
	if name == "ActionType" {
		if list, ok := actions[table]; ok {
			return from(list)
		}
		return from([]string{"Created", "Updated", "Deleted", "Accessed"})
	}
	if list, ok := choices[name]; ok {
		return rare(12, from(list))
	}
	if m, ok := exactText[name]; ok {
		return m
	}
	for _, s := range suffixText {
		if strings.HasSuffix(name, s.suffix) {
			return s.make
		}
	}
	words := make([]string, 12)
	for i := range words {
		words[i] = fmt.Sprintf("%s %d", name, i)
	}
	words[11] = "ünïcödé \\ \"" + name + "\" 😀"
	return rare(3, from(words))
}

func from(list []string) textGenerator {
	return func(_ *seeded, _ int, h uint64) string { return list[h%uint64(len(list))] }
}

// rare leaves one in n empty.
func rare(n uint64, m textGenerator) textGenerator {
	return func(g *seeded, id int, h uint64) string {
		if h>>50%n == 0 {
			return ""
		}
		return m(g, id, h)
	}
}

func commandLine(_ *seeded, _ int, h uint64) string {
	return fmt.Sprintf(pickOf(commands, h), h>>48)
}

func urlText(_ *seeded, _ int, h uint64) string {
	return pickOf(urls, h) + strconv.FormatUint(h>>44, 36)
}

func ipText(g *seeded, id int, h uint64) string {
	switch h % 8 {
	case 0:
		return ""
	case 1:
		return ip6Text(g, id, h)
	default:
		return pickOf([]string{"192.0.2.", "198.51.100.", "203.0.113."}, h>>8) + strconv.Itoa(int(h>>16%254)+1)
	}
}

func ip6Text(_ *seeded, _ int, h uint64) string {
	if h>>20%3 == 0 {
		return ""
	}
	return "2001:db8::" + strconv.FormatUint(h>>24%65536, 16)
}

// bagText is a JSON text in a string column, spaced as some products write it.
func bagText(_ *seeded, _ int, h uint64) string {
	switch h % 4 {
	case 0:
		return fmt.Sprintf(`{"Source Mac":"02:00:5e:00:00:%02x","Tcp Flags":%d,"Packet Size":60}`, h>>8&255, h>>16%64)
	case 1:
		return fmt.Sprintf(`{"ScriptContent": "Write-Host \"Grüße %d\"\n# end"}`, h>>32)
	case 2:
		return "{}"
	default:
		return fmt.Sprintf(`{"IsAudit":false,"Rule":"Block \\\\server\\path","Count":%d}`, h>>40)
	}
}

// dynamicGenerator makes nested JSON. Keys are in order, as a bag has no order of its
// own; no empty bag stands alone, which Graph could not tell from a null.
func dynamicGenerator(name string) generator {
	switch {
	case name == "RecommendedValue" || name == "CurrentValue":
		return func(_ *seeded, _ int, h uint64) data.Value {
			return data.Dynamic([]string{`"Enabled"`, "1", "true", "9007199254740993", `["a","b"]`, "0.25", `"Wert \"ä\""`}[h%7])
		}
	case name == "AdditionalFields" || strings.HasSuffix(name, "Properties") || name == "RawEventData" || name == "RawAgentInfo" || strings.HasSuffix(name, "Info"):
		return bag
	case name == "ActivityObjects" || name == "EntityIds" || name == "Permissions" || name == "RecipientDetails" || strings.HasSuffix(name, "Details"):
		return objects
	case name == "LastSeenForUser" || name == "SessionData" || name == "VerifiedPublisher" || name == "ConfidenceLevel":
		return smallBag
	default:
		return words
	}
}

func bag(g *seeded, id int, h uint64) data.Value {
	a := g.account(id)
	b := append([]byte(nil), `{"ARG.CLOUD_SERVICE":`...)
	b = data.AppendQuoted(b, pickOf(isps, h))
	b = fmt.Appendf(b, `,"Count":%d,"FROM.DEVICE":`, h>>54)
	b = data.AppendQuoted(b, g.device(id).name)
	if h&1 == 0 {
		b = append(b, `,"Nested":{"Empty":{},"Flags":[`...)
		b = fmt.Appendf(b, `%d,%d],"IsSatelliteProvider":%t,"Ratio":%d.5,"User":`, h>>8&15, h>>12&15, h>>16&1 == 0, h>>20&63)
		b = append(data.AppendQuoted(b, a.display), '}')
	}
	if h&6 == 0 {
		b = append(b, `,"Objects":[{"Id":`...)
		b = append(data.AppendQuoted(b, a.objectID), `,"Name":"x \"y\" \\ z"},{"Id":"2","Tags":["a","b"]}]`...)
	}
	b = fmt.Appendf(b, `,"Tags":[],"TransactionId":%d}`, h)
	return data.Dynamic(string(b))
}

func objects(g *seeded, id int, h uint64) data.Value {
	a := g.account(id)
	b := []byte{'['}
	for i := range h % 4 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"ApplicationId":`...)
		b = fmt.Appendf(b, `%d,"InUse":%t,"Name":`, h>>40%30000, h>>i&1 == 0)
		b = data.AppendQuoted(b, a.display)
		b = append(b, `,"Role":"Actor","Type":"Account"}`...)
	}
	return data.Dynamic(string(append(b, ']')))
}

func smallBag(_ *seeded, _ int, h uint64) data.Value {
	return data.Dynamic(fmt.Sprintf(`{"ActionType":%d,"CountryCode":%d,"ISP":-1,"UserAgent":%d}`, h%30, h>>8%30, h>>16%30))
}

func words(_ *seeded, _ int, h uint64) data.Value {
	list := []string{`"Tor"`, `"Anonymous proxy"`, `"naïve"`, `"環境"`, `"c:\\path\\x"`, `"say \"hi\""`}
	var b strings.Builder
	b.WriteByte('[')
	for i := range h % 4 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pickOf(list, h>>(8+8*i)))
	}
	b.WriteByte(']')
	return data.Dynamic(b.String())
}
