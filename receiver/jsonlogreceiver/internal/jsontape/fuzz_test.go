package jsontape

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzParse compares with encoding/json: what that takes, Parse takes and reads the same; what Parse takes beyond it holds
// one of the exceptions in the package comment.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+10,true,false,null,"x\n\u00e9\ud83d\ude00\udead"],"b":{}}`, "[\"\xff\\\"\"]", `{"a":1,"a":2}`, `01`, `1.`, `-`, `"\x"`, `{"a" : 1 , }`,
		`NaN`, "\"\t\"", `[[[[[[[[[[]]]]]]]]]]`, `{"a":"01234567\"89"}`,
	} {
		f.Add([]byte(seed))
	}
	limits := Limits{Depth: 1000, Fields: 1 << 20, Bytes: 1 << 20}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = bytes.TrimSpace(text)
		var tape Tape
		end, fault := tape.Parse(text, 0, true, limits)
		ok := fault == nil && end == len(text)
		if ok != json.Valid(text) {
			lenient := bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Infinity")) ||
				bytes.ContainsFunc(text, func(r rune) bool { return r < 0x20 })
			if !ok && (fault == nil || fault.Code != TooDeep) || !lenient && ok {
				t.Fatalf("%q: taken %v, fault %v", text, ok, fault)
			}
			return
		}
		if !ok {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			return // encoding/json has a limit on depth of its own
		}
		if got := toAny(&tape, 0); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: read as %#v, want %#v", text, got, want)
		}
	})
}

func toAny(t *Tape, node uint32) any {
	switch t.Nodes[node].Kind {
	case Null:
		return nil
	case False, True:
		return t.Nodes[node].Kind == True
	case String:
		return t.Str(node)
	case Array:
		list := []any{}
		for e := range t.Elements(node) {
			list = append(list, toAny(t, e))
		}
		return list
	case Object:
		object := map[string]any{}
		for k := range t.Members(node) {
			object[t.Str(k)] = toAny(t, k+1)
		}
		return object
	default:
		return json.Number(t.Raw(node))
	}
}
