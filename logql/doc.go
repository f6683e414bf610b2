// Package logql reads and writes LogQL, the query language of Grafana Loki, as its public documentation describes it. It is
// pure: it knows no storage and no HTTP. Parse turns text into an Expr, String and Format turn it back; the packages below
// give it meaning: pipeline runs the stages of a log query over one entry after another, engine evaluates metric queries,
// plan asks a store for what it can answer by itself.
//
// A query is a log query (LogQuery) or a metric query (SampleExpr):
//
//	query      = log | metric
//	log        = "(" log ")" | selector { stage }
//	selector   = "{" [ matcher { "," matcher } [ "," ] ] "}"
//	matcher    = name ( "=" | "!=" | "=~" | "!~" ) string
//	stage      = linefilter | "|" ( parser | labelfilter | format )
//	linefilter = ( "|=" | "!=" | "|~" | "!~" | "|>" | "!>" ) operand { "or" operand }
//	operand    = string | "ip" "(" string ")"
//	parser     = "json" [ extractions ] | "logfmt" { "--strict" | "--keep-empty" } [ extractions ]
//	           | "pattern" string | "regexp" string | "unpack"
//	extractions = name [ "=" string ] { "," name [ "=" string ] }
//	labelfilter = predicate { ( "and" | "or" | "," | nothing, which is "and" ) predicate }
//	predicate  = "(" labelfilter ")" | matcher | name ( "=" | "!=" ) "ip" "(" string ")"
//	           | name ( "==" | "=" | "!=" | ">" | ">=" | "<" | "<=" ) ( number | duration | bytes )
//	format     = "line_format" string | "label_format" name "=" ( name | string ) { "," … } | "decolorize"
//	           | ( "drop" | "keep" ) ( name | matcher ) { "," … }
//	metric     = number | "vector" "(" number ")" | "(" metric ")" | metric binary metric
//	           | rangeop "(" [ number "," ] range ")" [ grouping ]
//	           | vectorop [ grouping ] "(" [ number "," ] metric ")" [ grouping ]
//	           | "label_replace" "(" metric "," string "," string "," string "," string ")"
//	range      = "(" range ")" | log [ unwrap ] "[" duration "]" [ "offset" duration ]
//	             (the brackets may also stand right behind the selector)
//	unwrap     = "|" "unwrap" ( name | ( "bytes" | "duration" | "duration_seconds" ) "(" name ")" ) { "|" labelfilter }
//	binary     = operator [ "bool" ] [ ( "on" | "ignoring" ) names [ ( "group_left" | "group_right" ) [ names ] ] ]
//	grouping   = ( "by" | "without" ) names
//
// Operators bind, from loose to tight: or; and, unless; == != > >= < <=; + -; * / %; ^, the only one that groups to the
// right. "#" starts a comment that ends with the line. Strings stand in double quotes with Go's escapes, or raw in backticks.
//
// It is a superset of Loki's language in three points: the selector {} is allowed and selects everything; words of the
// language can be label names; and a label name may have dots, which read as underscores (service.name is service_name).
package logql
