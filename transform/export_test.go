package transform

// SetWindow makes the window of a body smaller than it is in the product.
func (d *Decoder) SetWindow(bytes int) { d.window = bytes }
