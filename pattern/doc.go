// Package pattern finds the templates that log messages were made from: "connected to <*> in <*> ms".
//
// It is Drain: P. He, J. Zhu, Z. Zheng, M. R. Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS
// 2017. A message is cut into tokens; a tree whose first level is the number of tokens and whose next levels are the first
// tokens leads to a short list of templates; the message joins the most similar one, whose differing tokens become
// wildcards, or starts a new one. The cost of a message does not depend on how many came before.
//
// One step comes before that: within a token, every run of letters and digits that holds a digit is a wildcard to begin
// with, so that "took=12ms," and "took=7ms," are equal and what surrounds the number is kept.
//
// The package is pure and knows nothing of stores and protocols.
package pattern
