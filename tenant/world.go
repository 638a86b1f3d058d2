package tenant

import (
	"fmt"
	"sync"
)

// world is who and what the made-up rows are about: devices, accounts and files
// that come back again and again.
type world struct {
	devices   []device
	accounts  []account
	files     []file
	processes []process
}

type device struct{ id, name, aadID, os, ip, publicIP, mac string }

type account struct{ name, domain, upn, display, sid, objectID string }

type file struct{ name, folder, sha1, sha256, md5 string }

type process struct{ file, folder, command, integrity string }

var worlds sync.Map // seed → *world

func worldOf(seed uint64) *world {
	if w, ok := worlds.Load(seed); ok {
		return w.(*world)
	}
	w, _ := worlds.LoadOrStore(seed, newWorld(seed))
	return w.(*world)
}

func newWorld(seed uint64) *world {
	w := &world{}
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
			b = append(b, hexDigits[h>>(4*i)&15])
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
	return &g.world.devices[often(len(g.world.devices), g.hash(id, saltDevice))]
}

func (g *seeded) account(id int) *account {
	return &g.world.accounts[often(len(g.world.accounts), g.hash(id, saltAccount))]
}

func (g *seeded) file(id int) *file {
	return &g.world.files[often(len(g.world.files), g.hash(id, saltFile))]
}

func (g *seeded) process(id int) *process {
	return &g.world.processes[often(len(g.world.processes), g.hash(id, saltProcess))]
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
