// Package source reads Microsoft Defender advanced hunting: three flavours of one
// API, its identity, its quotas, and the cutting of time into windows.
//
// It guarantees that a page is handed over only if its answer was complete (status
// 200, whole body received, JSON closed to its last brace, fewer rows than the cap)
// and that the windows of the pages tile the range asked for, in order and without
// overlap. A stretch that the API will not deliver ends in an error, never in a skip.
package source
