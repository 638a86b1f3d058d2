package rows

import (
	"fmt"
	"sync"
)

// entities is who and what the made-up rows are about: devices, accounts and files
// that come back again and again.
type entities struct {
	devices   []device
	accounts  []account
	files     []file
	processes []process
}

type device struct{ id, name, aadID, os, ip, publicIP, mac string }

type account struct{ name, domain, upn, display, sid, objectID string }

type file struct{ name, folder, sha1, sha256, md5 string }

type process struct{ file, folder, command, integrity string }

var made sync.Map // seed → *entities

func entitiesOf(seed uint64) *entities {
	if w, ok := made.Load(seed); ok {
		return w.(*entities)
	}
	w, _ := made.LoadOrStore(seed, newEntities(seed))
	return w.(*entities)
}

func newEntities(seed uint64) *entities {
	w := &entities{}
	for i := range uint64(300) {
		w.devices = append(w.devices, newDevice(mix(seed^i^0xD0_0000)))
	}
	for i := range uint64(240) {
		w.accounts = append(w.accounts, newAccount(mix(seed^i^0xA0_0000)))
	}
	for i := range uint64(600) {
		h := mix(seed ^ i ^ 0xF0_0000)
		name := pickOf(fileNames, h)
		if i%3 == 0 {
			name = fmt.Sprintf("%04x_%s", h>>48, name)
		}
		w.files = append(w.files, file{
			name: name, folder: pickOf(folders, h>>8) + name,
			sha1: hexOf(h, 40), sha256: hexOf(h+1, 64), md5: hexOf(h+2, 32),
		})
	}
	for i := range uint64(120) {
		h := mix(seed ^ i ^ 0xC0_0000)
		p := processNames[h%uint64(len(processNames))]
		w.processes = append(w.processes, process{
			file: p, folder: `c:\windows\system32\` + p,
			command: fmt.Sprintf(pickOf(commands, h>>8), h>>40), integrity: pickOf([]string{"System", "High", "Medium", "Low", ""}, h>>16),
		})
	}
	return w
}

func newDevice(h uint64) device {
	os := pickOf([]string{"Windows11", "Windows10", "WindowsServer2022", "Linux", "macOS", "iOS", "Android"}, h)
	name := fmt.Sprintf("%s-%05d.corp.contoso.example", pickOf([]string{"pc", "ws", "srv", "dc", "lap", "vm"}, h>>8), h>>20%100_000)
	if h>>16%9 == 0 {
		name = fmt.Sprintf("büro-%04d", h>>20%10_000)
	}
	return device{
		id: hexOf(h, 40), name: name, aadID: guidOf(h + 1), os: os, ip: fmt.Sprintf("192.0.2.%d", h>>24%254+1),
		publicIP: fmt.Sprintf("203.0.113.%d", h>>32%254+1), mac: fmt.Sprintf("02-00-5E-%02X-%02X-%02X", h>>40&255, h>>48&255, h>>56),
	}
}

func newAccount(h uint64) account {
	given, family := pickOf(givenNames, h), pickOf(familyNames, h>>8)
	n := h >> 16 % 1000
	a := account{
		name: fmt.Sprintf("%.1s%s%d", asciiOf(given), asciiOf(family), n), domain: "contoso", display: given + " " + family,
		sid: fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", h>>32, h>>20&0xffffffff, h&0xffffffff, 1000+n), objectID: guidOf(h),
	}
	if h>>28%12 == 0 {
		return account{name: "système", domain: "nt authority", display: "", sid: "S-1-5-18"}
	}
	a.upn = a.name + "@contoso.example.com"
	return a
}

// hexOf makes n hex digits from a hash.
func hexOf(h uint64, n int) string {
	b := make([]byte, 0, n)
	for len(b) < n {
		h = mix(h)
		for i := 0; i < 16 && len(b) < n; i++ {
			b = append(b, "0123456789abcdef"[h>>(4*i)&15])
		}
	}
	return string(b)
}

func guidOf(h uint64) string {
	s := hexOf(h, 32)
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-a" + s[17:20] + "-" + s[20:]
}

func pickOf(list []string, h uint64) string { return list[h%uint64(len(list))] }

// often picks with the first ones far more often than the last.
func often(n int, h uint64) int {
	u := unit(h)
	return int(u * u * float64(n))
}

func (g *seeded) device(id int) *device {
	return &g.entities.devices[often(len(g.entities.devices), g.hash(id, saltDevice))]
}

func (g *seeded) account(id int) *account {
	return &g.entities.accounts[often(len(g.entities.accounts), g.hash(id, saltAccount))]
}

func (g *seeded) file(id int) *file {
	return &g.entities.files[often(len(g.entities.files), g.hash(id, saltFile))]
}

func (g *seeded) process(id int) *process {
	return &g.entities.processes[often(len(g.entities.processes), g.hash(id, saltProcess))]
}

func asciiOf(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i] | 0x20; c >= 'a' && c <= 'z' {
			b = append(b, c)
		}
	}
	return string(b)
}

var (
	givenNames  = []string{"Ada", "Björn", "Chloé", "Dmitri", "Elif", "Fatima", "Grace", "Håkon", "Inès", "Jürgen", "Kenji", "Łucja", "María", "Noor", "Olu", "Priya"}
	familyNames = []string{"Andersson", "Bąk", "Çelik", "Dubois", "Eriksen", "García", "Hansen", "Ivanova", "Jensen", "Köhler", "Lindqvist", "Müller", "Nakamura", "O'Brien", "Østergård", "Šimić"}
	fileNames   = []string{
		"report.docx", "setup.exe", "invoice.pdf", "libcrypto.dll", "notes.txt", "Übersicht 2026.xlsx", "update.ps1", "данные.csv", "archive.zip",
		"msimain.sdb", "photo 1.jpeg", "budget \"final\".xlsx", "driver.sys", "日報.docx", "run.cmd",
	}
	folders = []string{
		`C:\Windows\System32\`, `C:\Program Files (x86)\Contoso\bin\`, `C:\Users\public\Téléchargements\`, "/usr/local/bin/",
		"/home/ada/", `\\files.corp.contoso.example\share\`, `C:\ProgramData\Microsoft\Windows Defender\Platform\4.18\`,
	}
	processNames = []string{
		"svchost.exe", "powershell.exe", "cmd.exe", "msedge.exe", "outlook.exe", "explorer.exe", "lsass.exe", "python3", "bash",
		"onedrive.exe", "teams.exe", "wmiprvse.exe", "services.exe", "setup.exe",
	}
	commands = []string{
		`"C:\Windows\System32\svchost.exe" -k netsvcs -p -s Schedule /id:%d`,
		`powershell.exe -NoProfile -ExecutionPolicy Bypass -Command "& {Get-ChildItem 'C:\Users' | Where-Object Length -gt %d}"`,
		`cmd.exe /c "echo %%PATH%% & dir \"C:\Program Files\" > c:\temp\%d.txt"`,
		`python3 /opt/tools/collect.py --since=%d --name='naïve café' --out "/var/tmp/x y.json"`,
		"bash -c 'for i in $(seq %d); do\n\techo \"$i\";\ndone'",
		`msedge.exe --type=renderer --field-trial-handle=%d,i,262144 --lang=日本語`,
		`"OneDrive.exe" /background /instance:%d 😀`,
	}
	urls = []string{
		"https://www.example.com/", "https://portal.contoso.example/a/b?id=", "http://files.example.net/dl.php?x=%2Ffoo&y=", "https://xn--bcher-kva.example/",
		"https://login.example.org/oauth2/authorize?client_id=",
	}
	domains = []string{"www.example.com", "portal.contoso.example", "files.example.net", "bücher.example", "login.example.org"}
	cities  = []string{"Oslo", "København", "München", "São Paulo", "東京", "Reykjavík", "Austin", ""}
	isps    = []string{"Example Broadband", "Contoso Fiber", "Documentation Network AS", ""}
	agents  = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
		"Client=REST;;", "curl/8.9.1", "python-requests/2.32", "",
	}
	techniques = []string{`["Valid Accounts (T1078)","Cloud Accounts (T1078.004)"]`, `["Command and Scripting Interpreter (T1059)"]`, `["Phishing (T1566)"]`, ""}
	// Words of columns whose values are one of a few.
	choices = map[string][]string{
		"Severity": {"Informational", "Low", "Medium", "High"}, "Category": {"Persistence", "InitialAccess", "Malware", "Exfiltration"},
		"ServiceSource":   {"Microsoft Defender for Endpoint", "Microsoft Defender for Identity", "Microsoft Cloud App Security"},
		"DetectionSource": {"EDR", "Antivirus", "Microsoft 365 Defender", "Custom detection"},
		"EntityType":      {"User", "Machine", "File", "Process", "Ip", "Url", "MailMessage"}, "EvidenceRole": {"Impacted", "Related"},
		"OSPlatform": {"Windows11", "Windows10", "Linux", "macOS"}, "OSArchitecture": {"64-bit", "ARM 64-bit"}, "Protocol": {"Tcp", "Udp", "Icmp", "TcpV4"},
		"LogonType": {"Interactive", "Network", "RemoteInteractive", "Batch", "Local"}, "LocalIPType": {"Private", "Loopback", "FourToSixMapping"},
		"RemoteIPType": {"Public", "Private", "Reserved"}, "EmailDirection": {"Inbound", "Outbound", "Intra-org"},
		"DeliveryAction": {"Delivered", "Junked", "Blocked", "Replaced"}, "DeliveryLocation": {"Inbox/folder", "Quarantine", "Junk folder", "On-premises/external"},
		"ThreatTypes": {"", "", "Phish", "Spam", "Malware"}, "OnboardingStatus": {"Onboarded", "Can be onboarded", "Unsupported"},
		"SensorHealthState": {"Active", "Inactive", "Misconfigured"}, "ExposureLevel": {"None", "Low", "Medium", "High"},
		"VulnerabilitySeverityLevel": {"Low", "Medium", "High", "Critical"}, "CountryCode": {"NO", "DE", "US", "JP", "BR"},
		"Workload": {"Email", "Teams", "Office"}, "RegistryValueType": {"String", "Dword", "Binary", "None"},
		"RequestMethod": {"GET", "POST", "PATCH"}, "ResponseStatusCode": {"200", "201", "403", "404"}, "JoinType": {"AAD Joined", "Hybrid Azure AD Join", ""},
		"SignatureType": {"Embedded", "Catalog", "Unknown"}, "UrlLocation": {"Body", "Attachment", "Header"}, "EmailLanguage": {"en", "de", "nb", "ja"},
	}
	actions = map[string][]string{
		"DeviceProcessEvents": {"ProcessCreated", "OpenProcess"}, "DeviceNetworkEvents": {"ConnectionSuccess", "ConnectionFailed", "InboundConnectionAccepted", "ListeningConnectionCreated"},
		"DeviceFileEvents": {"FileCreated", "FileModified", "FileDeleted", "FileRenamed"}, "DeviceLogonEvents": {"LogonSuccess", "LogonFailed", "LogonAttempted"},
		"DeviceRegistryEvents": {"RegistryValueSet", "RegistryKeyCreated", "RegistryValueDeleted"}, "DeviceImageLoadEvents": {"ImageLoaded"},
		"DeviceEvents":   {"AntivirusScanCompleted", "ScriptContent", "PowerShellCommand", "UsbDriveMounted", "DpapiAccessed"},
		"CloudAppEvents": {"MailItemsAccessed", "Send", "FileDownloaded", "Update user."}, "UrlClickEvents": {"ClickAllowed", "ClickBlocked", "UrlScanInProgress"},
	}
)
