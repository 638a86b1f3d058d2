// Package ledger keeps, per dataset, how many rows of each quarter hour of its clock
// were exported and which rows they were. So rows that turn up late are found by
// comparing counts, and are exported exactly once.
//
// It holds data only: a Ledger of counts and of stored runs, the Keys that tell rows
// apart, the Book in which a commit gathers them, and Seen, which says what of an
// answer is new. Reading and writing is the caller's.
package ledger
