package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// statement is what a store's database was asked.
type statement struct {
	SQL  string
	Args []string
}

// statements are alike when they differ in numbers and arguments only: the store asks the same of one window of time after
// the other.
type statements []statement

var sqlNumber = regexp.MustCompile(`[0-9]+`)

// alikeStatements puts those together that are alike, in the order in which the first of each was asked.
func alikeStatements(list []statement) (groups []statements) {
	places := map[string]int{}
	for _, s := range list {
		shape := sqlNumber.ReplaceAllString(s.SQL, "0") + strconv.Itoa(len(s.Args))
		at, known := places[shape]
		if !known {
			at = len(groups)
			places[shape] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], s)
	}
	return groups
}

// print shows the SQL once, with what is the same for all, and below it what each statement has of its own.
func (g statements) print(out io.Writer) {
	own := make([][]string, len(g)) // by statement: what differs
	note := func(name string, value func(s int) string) {
		for s := range g {
			own[s] = append(own[s], name+" = "+harmless(readableTime(value(s))))
		}
	}
	numbers := make([][]string, len(g))
	for s := range g {
		numbers[s] = sqlNumber.FindAllString(g[s].SQL, -1)
	}
	place, named := 0, 0
	sql := sqlNumber.ReplaceAllStringFunc(g[0].SQL, func(number string) string {
		at := place
		place++
		if !differ(len(g), func(s int) string { return numbers[s][at] }) {
			return number
		}
		named++
		name := "{" + string(rune('a'+(named-1)%26)) + "}"
		note(name, func(s int) string { return numbers[s][at] })
		return name
	})
	fmt.Fprintf(out, "\n%s\n", harmless(sql))
	for i, arg := range g[0].Args {
		if value := func(s int) string { return g[s].Args[i] }; differ(len(g), value) {
			note("$"+strconv.Itoa(i+1), value)
		} else {
			fmt.Fprintf(out, "  $%d = %s\n", i+1, harmless(arg))
		}
	}
	if len(g) == 1 {
		return
	}
	fmt.Fprintf(out, "  asked %d times:\n", len(g))
	for _, values := range own {
		fmt.Fprintf(out, "    %s\n", strings.Join(values, ", "))
	}
}

func differ(n int, value func(s int) string) bool {
	for s := range n {
		if value(s) != value(0) {
			return true
		}
	}
	return false
}

// readableTime shows nanoseconds since 1970 as a time.
func readableTime(text string) string {
	const digits = 19 // from 2001 on
	ns, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) != digits {
		return text
	}
	return time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
}
