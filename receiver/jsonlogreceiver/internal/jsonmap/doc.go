// Package jsonmap turns a parsed JSON object into an OpenTelemetry log record.
//
// Rules are compiled once from Fields, the lists of names in which loggers keep the time, the severity, the message and so
// on. A Mapper walks an object's members in one pass (Prepare): each name is looked up, nearly always by comparing it with
// the name at the same place in the object before; a member with a role becomes a candidate for that role, every other
// one an attribute. The best candidate of a role whose value can be read as that role wins. What cannot be read, or lost
// to a better candidate, stays an attribute under its own name: nothing is dropped.
//
// Batch collects the records and groups them by resource.
package jsonmap
