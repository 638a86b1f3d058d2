// Package blob is the small storage contract the exporter needs. It knows nothing of
// hunting data, and no vendor: blob/s3 and blob/dir are its stores.
//
// Both keep three promises, which blobtest checks: a conditional put
// takes effect for at most one of several writers; what an upload holds is
// invisible until it is completed; a completed object is never half there, and
// survives a power cut once the call that completed it has returned.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
)

// Errors that callers tell apart. Everything else is a failure of the store.
var (
	// ErrNotFound: no object, or no upload, of that name.
	ErrNotFound = errors.New("not found")
	// ErrPrecondition: the condition of a put did not hold. After one's own lost
	// answer it is ambiguous: read again before concluding anything.
	ErrPrecondition = errors.New("precondition failed")
	// ErrDenied: the store refuses this identity, or there is none.
	ErrDenied = errors.New("access denied")
	// ErrSetting: what is set does not fit the store; trying again does not help.
	ErrSetting = errors.New("wrong setting")
	// ErrUnsupported: the store does not know what was asked of it.
	ErrUnsupported = errors.New("not supported")
)

// Condition guards a put.
type Condition struct {
	IfMatch string // ETag the object must have; empty: no condition
	Absent  bool   // the object must not exist
}

// Info describes an object.
type Info struct {
	Size   int64
	ETag   string
	SHA256 string // hex, as given to the upload; empty if the object carries none
}

// Part is one uploaded part.
type Part struct {
	Number int32  `json:"number"`
	ETag   string `json:"etag"`
	// CRC32 is the checksum the store keeps of the part; S3 wants it back when the
	// upload is completed. Empty: it keeps none.
	CRC32 string `json:"crc32,omitempty"`
}

// Upload is a multipart upload that is neither completed nor aborted.
type Upload struct {
	Key string
	ID  string
}

// Objects are small documents, read and written whole.
type Objects interface {
	Get(ctx context.Context, key string) (data []byte, etag string, err error)
	Put(ctx context.Context, key string, data []byte, c Condition) (etag string, err error)
	Delete(ctx context.Context, key string) error
}

// Listing looks at what is there without reading it.
type Listing interface {
	Head(ctx context.Context, key string) (Info, error)
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Uploads lists uploads in progress under prefix.
	Uploads(ctx context.Context, prefix string) iter.Seq2[Upload, error]
}

// Uploads are large objects, invisible until Complete.
type Uploads interface {
	// CreateUpload starts an upload; sha256 (hex) of the whole becomes metadata.
	CreateUpload(ctx context.Context, key, sha256 string) (id string, err error)
	UploadPart(ctx context.Context, key, id string, number int32, body io.ReadSeeker, size int64) (Part, error)
	// CompleteUpload makes the object visible. ErrNotFound: no such upload.
	CompleteUpload(ctx context.Context, key, id string, parts []Part) error
	// AbortUpload drops an upload. ErrNotFound: no such upload.
	AbortUpload(ctx context.Context, key, id string) error
}

// Store is the whole contract. Keys are slash-separated, relative to the store's
// URL, without "..".
type Store interface {
	Objects
	Listing
	Uploads
	// Sync makes a completed object durable even if another process completed it.
	Sync(ctx context.Context, key string) error
	// PartSize is how large the parts of an object of so many bytes are to be.
	PartSize(size int64) int64
	// URL names the store, without credentials.
	URL() string
}
