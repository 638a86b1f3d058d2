package tenant

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
