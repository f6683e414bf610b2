// Package canon compares log records by what they say, however they were batched and in whatever order their attributes
// came.
//
// A record is seen as a set of leaves: a path ("attributes.http.status", "body", "resource.service.name"), a kind (int is
// not string) and a value. Two records are equal when their leaves are. The hash of a record is the sum of the hashes of
// its leaves, so nothing has to be sorted, what a resource and its scope add is computed once, and a leaf can be left out
// or changed on the way (see Projection), which is how stores that keep less than OTLP, and masks, are dealt with.
package canon
