package tenant

import (
	"fmt"
	"strconv"
	"strings"
)

type textMaker func(g *seeded, id int, h uint64) string

// exactText makes the columns of these names; suffixText, in order, those that end so.
var exactText = map[string]textMaker{
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
	make   textMaker
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
	{"EmailAddress", func(g *seeded, id int, h uint64) string { return g.world.accounts[h%uint64(len(g.world.accounts))].upn }},
	{"FromAddress", func(_ *seeded, _ int, h uint64) string { return fmt.Sprintf("sender%d@example.org", h%400) }},
	{"FileName", func(g *seeded, _ int, h uint64) string { return g.world.files[h%uint64(len(g.world.files))].name }},
	{"FolderPath", func(g *seeded, _ int, h uint64) string { return g.world.files[h%uint64(len(g.world.files))].folder }},
	{"DeviceName", func(g *seeded, _ int, h uint64) string { return g.world.devices[h%uint64(len(g.world.devices))].name }},
	{"DeviceId", func(g *seeded, _ int, h uint64) string { return g.world.devices[h%uint64(len(g.world.devices))].aadID }},
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

// stringMaker chooses how the text of a column is made. A string is never null, but
// often empty.
func stringMaker(table, name string) textMaker {
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

func from(list []string) textMaker {
	return func(_ *seeded, _ int, h uint64) string { return list[h%uint64(len(list))] }
}

// rare leaves one in n empty.
func rare(n uint64, m textMaker) textMaker {
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
