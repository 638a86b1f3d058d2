package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
)

// Arrow returns the Arrow schema of an answer's columns: one nullable field each, in
// the answer's order, the API's name and type kept in the metadata.
//
// Names that differ only by case would make a file unreadable for readers that ignore
// it: the later one gets the first free suffix (LogonId, LogonID → LogonID_2). So does a
// column called like a folder of the lake (dt → dt_2, tenant), which readers would put
// in its place. The same name twice is an error, since a row's keys could not tell the two apart.
func Arrow(cols []Column) (*arrow.Schema, error) {
	exact := make(map[string]bool, len(cols))
	for _, c := range cols {
		if exact[c.Name] {
			return nil, fmt.Errorf("column %q occurs twice: project it under two names", c.Name)
		}
		exact[c.Name] = true
	}
	fields, err := fieldsOf(cols)
	if err != nil {
		return nil, err
	}
	return arrow.NewSchema(fields, nil), nil
}

func fieldsOf(cols []Column) ([]arrow.Field, error) {
	names, err := fieldNames(cols)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		fields[i] = arrow.Field{
			Name:     names[i],
			Type:     ArrowType(c.Type),
			Nullable: true,
			Metadata: arrow.NewMetadata([]string{MetaName, MetaType}, []string{c.Name, c.Type}),
		}
	}
	return fields, nil
}

// fieldNames gives every column a name that is unique when case is ignored.
func fieldNames(cols []Column) ([]string, error) {
	folded := make(map[string]bool, len(cols))
	for _, c := range cols {
		if c.Name == "" || !utf8.ValidString(c.Name) {
			return nil, fmt.Errorf("column %q: a column needs a name in valid UTF-8", c.Name)
		}
		folded[strings.ToLower(c.Name)] = true
	}
	taken := map[string]bool{Partition: true, TenantPartition: true}
	names := make([]string, len(cols))
	for i, c := range cols {
		name := c.Name
		if taken[strings.ToLower(name)] {
			// Neither a suffixed name nor a name still to come may be hit.
			for n := 2; ; n++ {
				name = fmt.Sprintf("%s_%d", c.Name, n)
				if !folded[strings.ToLower(name)] && !taken[strings.ToLower(name)] {
					break
				}
			}
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names, nil
}

// Columns returns the API's names and types of a schema's fields, in order.
func Columns(s *arrow.Schema) []Column {
	cols := make([]Column, s.NumFields())
	for i, f := range s.Fields() {
		cols[i] = Column{Name: APIName(f), Type: APIType(f)}
	}
	return cols
}

// ColumnsJSON returns Columns as a JSON array, for a file's metadata.
func ColumnsJSON(s *arrow.Schema) string {
	text, _ := json.Marshal(Columns(s)) // two strings a column: it cannot fail
	return string(text)
}

// Fingerprint names a schema: 16 hex digits over the API's names and types in order.
func Fingerprint(s *arrow.Schema) string {
	h := sha256.New()
	part := func(text string) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		h.Write(size[:]) // lengths, so that no two lists of names run together alike
		h.Write([]byte(text))
	}
	for _, c := range Columns(s) {
		part(c.Name)
		part(c.Type)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
