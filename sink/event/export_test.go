package event

// AppendString is the JSON string escaper.
var AppendString = appendString

// AppendTime is the formatter of times.
var AppendTime = appendTime
