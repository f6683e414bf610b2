package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
)

// What all templates of a query together may cost for one entry. Templates come from the network and run for every entry.
const (
	maxTemplateOutput = 1 << 20 // bytes of one result, and of any text a function makes
	maxTemplateWork   = 8 << 20 // bytes of all results, and of what functions read and write
	maxTemplateRounds = 100_000 // rounds of all loops
)

var (
	errTemplateOutput = fmt.Errorf("the template makes more than %d bytes", maxTemplateOutput)
	errTemplateWork   = fmt.Errorf("the templates do too much: they may read and write %d bytes for an entry", maxTemplateWork)
	errTemplateRounds = fmt.Errorf("the templates loop too often: %d rounds are allowed for an entry", maxTemplateRounds)
)

// Names of the functions that give the entry to a template, and of the one that counts rounds.
const (
	lineFunc  = "__line__"
	timeFunc  = "__timestamp__"
	roundFunc = "__round__"
)

// formatter makes text of an entry by a template. Templates of text and plain fields only, which most are, run without text/template.
type formatter struct {
	simple []segment
	full   *template.Template
	meter  *meter // shared by all templates of a pipeline
	entry  *Entry
	data   map[string]string
}

// segment is a piece of text, a label, or the line.
type segment struct {
	text, label string
	line        bool
}

func newFormatter(text string, options Options, m *meter) (*formatter, error) {
	root, err := parseTemplate(text)
	if err != nil {
		return nil, logql.Errorf("invalid template: %v", err)
	}
	t := &formatter{meter: m, data: map[string]string{}}
	functions := t.functions(options)
	if err := check(root, functions); err != nil {
		return nil, logql.Errorf("invalid template: %v", err)
	}
	if simple, ok := simpleTemplate(root); ok {
		t.simple = simple
		return t, nil
	}
	countRounds(root)
	t.full = template.New("template").Option("missingkey=zero").Funcs(functions)
	tree := &parse.Tree{Name: "template", Root: root, Mode: parse.SkipFuncCheck}
	if t.full, err = t.full.AddParseTree("template", tree); err != nil {
		return nil, logql.Errorf("invalid template: %v", err)
	}
	return t, nil
}

// execute appends what the template makes of the entry. Once the templates of an entry have cost what they may, none runs.
func (t *formatter) execute(dst []byte, e *Entry) ([]byte, error) {
	if t.meter.over != nil {
		return dst, t.meter.over
	}
	if t.full == nil {
		out := &limitedWriter{buf: dst, limit: len(dst) + maxTemplateOutput, meter: t.meter}
		for _, s := range t.simple {
			text := s.text
			switch {
			case s.line:
				text = e.Line
			case s.label != "":
				text, _ = e.Labels.Get(s.label)
			}
			if err := out.add(len(text)); err != nil {
				return out.buf[:len(dst)], err
			}
			out.buf = append(out.buf, text...)
		}
		return out.buf, nil
	}
	t.entry = e
	clear(t.data)
	for _, l := range e.Labels.list {
		t.data[l.Name] = l.Value
	}
	if e.Labels.err != "" {
		t.data[ErrorLabel] = e.Labels.err
		t.data[ErrorDetailsLabel] = e.Labels.details
	}
	out := &limitedWriter{buf: dst, limit: len(dst) + maxTemplateOutput, meter: t.meter}
	if err := t.full.Execute(out, t.data); err != nil {
		return out.buf[:len(dst)], plainError(err)
	}
	return out.buf, nil
}

// plainError takes the reason out of text/template's report.
func plainError(err error) error {
	var exec template.ExecError
	if errors.As(err, &exec) {
		text := exec.Err.Error()
		if _, reason, ok := strings.Cut(text, "at <"); ok {
			return errors.New(strings.Replace("<"+reason, "error calling ", "", 1))
		}
	}
	return err
}

// limitedWriter refuses what goes beyond its limit.
type limitedWriter struct {
	buf   []byte
	limit int
	meter *meter
}

// add makes sure that n more bytes may be written.
func (w *limitedWriter) add(n int) error {
	if len(w.buf)+n > w.limit {
		w.meter.over = errTemplateOutput
		return errTemplateOutput
	}
	return w.meter.spend(n)
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if err := w.add(len(p)); err != nil {
		return 0, err
	}
	w.buf = append(w.buf, p...)
	return len(p), nil
}

// meter counts what templates cost for one entry.
type meter struct {
	work, rounds int
	over         error // the limit that was reached
}

// spend counts bytes that are read or written.
func (m *meter) spend(bytes ...int) error {
	for _, n := range bytes {
		if n > maxTemplateOutput {
			m.over = errTemplateOutput
		}
		m.work += n
	}
	if m.work > maxTemplateWork && m.over == nil {
		m.over = errTemplateWork
	}
	return m.over
}

func (m *meter) round() (string, error) {
	if m.rounds++; m.rounds > maxTemplateRounds {
		m.over = errTemplateRounds
	}
	return "", m.over
}

func parseTemplate(text string) (*parse.ListNode, error) {
	tree := parse.New("template")
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	if len(trees) > 1 {
		return nil, errors.New("define and block are not available")
	}
	if tree.Root == nil {
		return &parse.ListNode{NodeType: parse.NodeList}, nil
	}
	return tree.Root, nil
}

// simpleTemplate reads a template of text, {{.label}} and {{__line__}}.
func simpleTemplate(root *parse.ListNode) ([]segment, bool) {
	var segments []segment
	for _, node := range root.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			segments = append(segments, segment{text: string(n.Text)})
		case *parse.ActionNode:
			name, ok := plainField(n)
			if !ok {
				return nil, false
			}
			if name == lineFunc {
				segments = append(segments, segment{line: true})
			} else {
				segments = append(segments, segment{label: name})
			}
		default:
			return nil, false
		}
	}
	return segments, true
}

// plainField reads {{.label}}, or {{__line__}} as lineFunc.
func plainField(n *parse.ActionNode) (string, bool) {
	if len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds) != 1 || len(n.Pipe.Cmds[0].Args) != 1 {
		return "", false
	}
	switch arg := n.Pipe.Cmds[0].Args[0].(type) {
	case *parse.FieldNode:
		return arg.Ident[0], len(arg.Ident) == 1
	case *parse.IdentifierNode:
		return lineFunc, arg.Ident == lineFunc
	}
	return "", false
}

// check refuses functions that are not there and templates that call templates, which could recurse.
func check(node parse.Node, functions template.FuncMap) error {
	if node == nil || reflect.ValueOf(node).IsNil() {
		return nil
	}
	children := func(nodes ...parse.Node) error {
		for _, n := range nodes {
			if err := check(n, functions); err != nil {
				return err
			}
		}
		return nil
	}
	switch n := node.(type) {
	case *parse.ListNode:
		return children(n.Nodes...)
	case *parse.ActionNode:
		return children(n.Pipe)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			if err := children(c.Args...); err != nil {
				return err
			}
		}
	case *parse.ChainNode:
		return children(n.Node)
	case *parse.IfNode:
		return children(n.Pipe, n.List, n.ElseList)
	case *parse.RangeNode:
		return children(n.Pipe, n.List, n.ElseList)
	case *parse.WithNode:
		return children(n.Pipe, n.List, n.ElseList)
	case *parse.TemplateNode:
		return errors.New("templates can't call templates")
	case *parse.IdentifierNode:
		if _, ok := functions[n.Ident]; !ok && !builtin[n.Ident] {
			return fmt.Errorf("function %q not defined", n.Ident)
		}
	}
	return nil
}

// builtin are the functions of text/template that stay as they are: they make no text of a size of their own.
var builtin = map[string]bool{
	"and": true, "or": true, "not": true, "len": true, "index": true, "slice": true,
	"eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true,
}

// countRounds puts a call of roundFunc at the start of the body of each loop: text/template itself would let
// {{range 1000000000}} run.
func countRounds(node parse.Node) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				countRounds(child)
			}
		}
	case *parse.IfNode:
		countRounds(n.List)
		countRounds(n.ElseList)
	case *parse.WithNode:
		countRounds(n.List)
		countRounds(n.ElseList)
	case *parse.RangeNode:
		countRounds(n.List)
		countRounds(n.ElseList)
		call, err := parseTemplate("{{" + roundFunc + "}}")
		if err != nil {
			panic(err) // a constant
		}
		n.List.Nodes = append([]parse.Node{call.Nodes[0]}, n.List.Nodes...)
	}
}

// functions are all that a template may call.
func (t *formatter) functions(options Options) template.FuncMap {
	m := t.meter
	all := template.FuncMap{
		lineFunc:  func() string { return t.entry.Line },
		timeFunc:  func() time.Time { return time.Unix(0, t.entry.Time).UTC() },
		roundFunc: m.round,
		"now": func() time.Time {
			if !options.Now.IsZero() {
				return options.Now
			}
			return time.Now()
		},
	}
	for _, group := range []template.FuncMap{m.textFunctions(), m.regexpFunctions(), numberFunctions(), timeFunctions()} {
		for name, f := range group {
			all[name] = f
		}
	}
	return all
}
