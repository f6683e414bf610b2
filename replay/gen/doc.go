// Package gen makes realistic logs: a small company's services, simulated.
//
// It is a discrete-event simulation with one seed. Users send requests, at a rate that follows the time of day and comes in
// bursts; a request is a trace that goes through three to six services, each of which logs what it does, with one trace
// id, spans, and times that follow cause and effect. Beside that services log on their own: jobs, health checks, the odd
// surprise. Messages come from templates whose number grows as text does (Pitman–Yor: Heaps' law for new ones, Zipf's for
// how often), each service in its own format. Incidents break things now and then, and what was broken is written down.
//
// The way of a record: sim decides that something is said, speak finds the words, nasty spoils one in a hundred, batch
// gathers requests as a gateway collector would, and whoever called gets recording messages in order of arrival. The same
// profile gives the same bytes.
package gen
