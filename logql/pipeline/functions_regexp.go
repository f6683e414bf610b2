package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"text/template"
)

// maxMatches bounds how many matches a template's function looks at in one text.
const maxMatches = 10_000

// maxRegexps bounds how many expressions a template keeps compiled: they may be made of labels.
const maxRegexps = 100

func (m *meter) regexpFunctions() template.FuncMap {
	compiled := map[string]*regexp.Regexp{}
	compile := func(expression string) (*regexp.Regexp, error) {
		if re, ok := compiled[expression]; ok {
			return re, nil
		}
		if len(compiled) >= maxRegexps {
			clear(compiled)
		}
		if len(expression) > 10_000 {
			return nil, errors.New("the regular expression is too long")
		}
		re, err := regexp.Compile(expression)
		if err == nil {
			compiled[expression] = re
		}
		return re, err
	}
	find := func(expression, s string) (*regexp.Regexp, [][]int, error) {
		re, err := compile(expression)
		if err != nil {
			return nil, nil, err
		}
		if err := m.spend(len(s)); err != nil {
			return nil, nil, err
		}
		found := re.FindAllStringSubmatchIndex(s, maxMatches+1)
		if len(found) > maxMatches {
			return nil, nil, fmt.Errorf("the regular expression %q matches more than %d times", expression, maxMatches)
		}
		return re, found, nil
	}
	replace := func(expand bool) func(expression, s, replacement string) (string, error) {
		return func(expression, s, replacement string) (string, error) {
			re, found, err := find(expression, s)
			if err != nil {
				return "", err
			}
			var out []byte
			last := 0
			for _, match := range found {
				out = append(out, s[last:match[0]]...)
				if expand {
					out = re.ExpandString(out, replacement, s, match)
				} else {
					out = append(out, replacement...)
				}
				last = match[1]
				if len(out) > maxTemplateOutput {
					return "", errTemplateOutput
				}
			}
			out = append(out, s[last:]...)
			return string(out), m.spend(len(out))
		}
	}
	return template.FuncMap{
		"regexReplaceAll":        replace(true),
		"regexReplaceAllLiteral": replace(false),
		"count": func(expression, s string) (int, error) {
			_, found, err := find(expression, s)
			return len(found), err
		},
	}
}
