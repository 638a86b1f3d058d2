package main

// decoding are the safeguards of what is read without looking at every cell.
var decoding = []mutation{
	{
		safeguard: "a run of cells is repeated only where its bytes are",
		file:      "transform/run.go", pkg: "./transform",
		old: " || string(rest[:n]) != string(text)", new: "",
	},
	{
		safeguard: "a run ends where its last cell ends",
		file:      "transform/run.go", pkg: "./transform",
		old: " || rest[n] != ',' && rest[n] != '}'", new: "",
	},
	{
		safeguard: "a column that a run is to fill has no cell in the row yet",
		file:      "transform/run.go", pkg: "./transform",
		old: "if c.n != d.rows || !c.comparable() {", new: "if !c.comparable() {",
	},
	{
		safeguard: "a run ends with the dictionary of one of its columns",
		file:      "transform/run.go", pkg: "./transform",
		old: "if c.n != d.rows || !c.comparable() {", new: "if c.n != d.rows {",
	},
	{
		safeguard: "a run with a key that the schema does not name is not kept",
		file:      "transform/run.go", pkg: "./transform",
		old: "if len(d.extraKeys) != m.extra {", new: "if false {",
	},
	{
		safeguard: "a run is kept only if its columns came in order",
		file:      "transform/run.go", pkg: "./transform",
		old: "if at != m.next {", new: "if false {",
	},
	{
		safeguard: "a run lies within one row",
		file:      "transform/row.go", pkg: "./transform",
		old: "d.left, d.toKeep.run = 0, nil", new: "d.left = 0",
	},
	{
		safeguard: "text that is copied while it is scanned is checked for UTF-8",
		file:      "transform/jsontext/text.go", pkg: "./transform",
		old: "seen&HighBits != 0 && !utf8.Valid(b[:i])", new: "false",
	},
	{
		safeguard: "text that is copied while it is scanned is checked for its escapes",
		file:      "transform/jsontext/text.go", pkg: "./transform",
		old: "if escapeLen(b[i:]) == 0 {", new: "if false {",
	},
	{
		safeguard: "whether integers have a dictionary is decided once for a file",
		file:      "sink/parquet/file/numbers.go", pkg: "./sink/parquet/file",
		old: "	w.choice[column] = withDictionary\n", new: "",
	},
	{
		safeguard: "a dictionary of integers begins empty",
		file:      "sink/parquet/file/numbers.go", pkg: "./sink/parquet/file",
		old: "	clear(d.of)\n", new: "",
	},
	{
		safeguard: "memory that is resized is still counted",
		file:      "internal/pool/pool.go", pkg: "./internal/pool",
		old: "	p.count(more)\n", new: "",
	},
}
