package transform

import "hunting-exporter/schema"

// SetWindow makes the window of a body smaller than it is in the product.
func (d *Decoder) SetWindow(bytes int) { d.window = bytes }

// SetLearnAfter makes it look for runs after fewer rows than in the product.
func (d *Decoder) SetLearnAfter(rows int) { d.learnAfter = rows }

// SetPlain makes it known of a dataset's columns that a dictionary does not pay.
func (d *Decoder) SetPlain(dataset string, columns []schema.Column) {
	known := profile{pages: 1, text: map[schema.Column]textProfile{}}
	for _, c := range columns {
		known.text[c] = textProfile{plain: true}
	}
	d.learned[dataset] = &known
}
