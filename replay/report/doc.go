// Package report gathers what is known of a run (Results) and writes it for people and machines: JSON, JUnit, GitHub's
// annotations and step summary, Markdown, a page of HTML, HdrHistogram's text, and benchmarks for benchstat and
// github-action-benchmark.
//
// Everything lies in the run's directory: play leaves play.json, the verbs that judge add to results.json, and a report is
// made of both.
package report
