package gen

import "fmt"

// extra is a value with the cardinality that an attribute asks for.
func (s *sim) extra(i int, a Attribute) string {
	switch a.Kind {
	case "enum":
		return fmt.Sprintf("%s-%d", a.Name, s.chance.IntN(a.N))
	case "zipf":
		return fmt.Sprintf("%s-%d", a.Name, s.chance.zipf(a.N))
	case "unique":
		s.counters[i]++
		return fmt.Sprintf("%s-%d", a.Name, s.counters[i])
	case "growing":
		if s.counters[i] == 0 || s.chance.one(0.01) { // one value in a hundred is new
			s.counters[i]++
		}
		return fmt.Sprintf("%s-%d", a.Name, s.chance.IntN(s.counters[i])+1)
	}
	return a.Name + "-constant"
}
