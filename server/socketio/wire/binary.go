package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
)

// maxGoDepth bounds how deep a Go value is followed, and so ends on cycles.
const maxGoDepth = 1000

var (
	errDepth  = errors.New("nested too deep, or a cycle")
	errTokens = errors.New("too many binary values")
)

// tokenized gives v with each binary value inside replaced by a token; v itself where there is none.
// What is replaced is copied along the way, v is not changed.
func (e *encoder) tokenized(v any) (any, error) {
	t := reflect.TypeOf(v)
	if !mayHoldBinary(t) || !holdsBinary(v) {
		return v, nil
	}
	w := walk{e: e}
	out, changed := w.value(reflect.ValueOf(v), 0)
	if w.err != nil || !changed {
		return v, w.err
	}
	return out.Interface(), nil
}

// holdsBinary is a quick look into the most common untyped values; true where it cannot tell.
func holdsBinary(v any) bool { return looksBinary(v, 0) }

func looksBinary(v any, depth int) bool {
	if depth > maxGoDepth {
		return true
	}
	switch v := v.(type) {
	case nil, string, bool, int, int64, uint64, float64:
		return false
	case map[string]any:
		for _, x := range v {
			if looksBinary(x, depth+1) {
				return true
			}
		}
		return false
	case []any:
		for _, x := range v {
			if looksBinary(x, depth+1) {
				return true
			}
		}
		return false
	case Raw:
		return v.HasBinary()
	}
	return mayHoldBinary(reflect.TypeOf(v))
}

// walk replaces binary values by tokens. Each method gives the new value and whether it differs.
type walk struct {
	e   *encoder
	err error
}

var (
	rawType       = reflect.TypeFor[Raw]()
	argsType      = reflect.TypeFor[Args]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
	textType      = reflect.TypeFor[encoding.TextMarshaler]()
)

func (w *walk) value(v reflect.Value, depth int) (reflect.Value, bool) {
	if depth > maxGoDepth {
		w.err = errDepth
	}
	if w.err != nil || !mayHoldBinary(v.Type()) {
		return v, false
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return v, false
		}
		return w.value(v.Elem(), depth+1)
	case reflect.Pointer:
		return w.pointer(v, depth)
	case reflect.Slice:
		return w.slice(v, depth)
	case reflect.Array:
		return w.elements(v, depth, func() reflect.Value {
			out := reflect.New(v.Type()).Elem()
			out.Set(v)
			return out
		})
	case reflect.Map:
		return w.mapping(v, depth)
	case reflect.Struct:
		return w.structure(v, depth)
	default:
		return v, false
	}
}

func (w *walk) pointer(v reflect.Value, depth int) (reflect.Value, bool) {
	if v.IsNil() {
		return v, false
	}
	x, changed := w.value(v.Elem(), depth+1)
	if !changed {
		return v, false
	}
	out := reflect.New(v.Type().Elem())
	out.Elem().Set(x)
	return out.Convert(v.Type()), true
}

func (w *walk) slice(v reflect.Value, depth int) (reflect.Value, bool) {
	if v.IsNil() {
		return v, false
	}
	if isBytes(v.Type()) {
		return w.token(v), true
	}
	return w.elements(v, depth, func() reflect.Value {
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(out, v)
		return out
	})
}

func (w *walk) token(v reflect.Value) reflect.Value {
	if len(w.e.tokens) >= maxTokens {
		w.err = errTokens
		return v
	}
	out := reflect.New(v.Type()).Elem()
	out.SetBytes(token(len(w.e.tokens)))
	w.e.tokens = append(w.e.tokens, v.Bytes())
	return out
}

func (w *walk) elements(v reflect.Value, depth int, clone func() reflect.Value) (reflect.Value, bool) {
	var out reflect.Value
	for i := range v.Len() {
		x, changed := w.value(v.Index(i), depth+1)
		if !changed {
			continue
		}
		if !out.IsValid() {
			out = clone()
		}
		out.Index(i).Set(x)
	}
	if !out.IsValid() {
		return v, false
	}
	return out, true
}

func (w *walk) mapping(v reflect.Value, depth int) (reflect.Value, bool) {
	var out reflect.Value
	for it := v.MapRange(); it.Next(); {
		x, changed := w.value(it.Value(), depth+1)
		if !changed {
			continue
		}
		if !out.IsValid() {
			out = reflect.MakeMapWithSize(v.Type(), v.Len())
			for all := v.MapRange(); all.Next(); {
				out.SetMapIndex(all.Key(), all.Value())
			}
		}
		out.SetMapIndex(it.Key(), x)
	}
	if !out.IsValid() {
		return v, false
	}
	return out, true
}

func (w *walk) structure(v reflect.Value, depth int) (reflect.Value, bool) {
	switch v.Type() {
	case rawType, argsType:
		return w.received(v)
	}
	var out reflect.Value
	for _, f := range binaryFields(v.Type()) {
		field := v.FieldByIndex(f.path)
		if f.omitEmpty && field.Kind() == reflect.Slice && field.Len() == 0 {
			continue
		}
		x, changed := w.value(field, depth+1)
		if !changed {
			continue
		}
		if !out.IsValid() {
			out = reflect.New(v.Type()).Elem()
			out.Set(v)
		}
		out.FieldByIndex(f.path).Set(x)
	}
	if !out.IsValid() {
		return v, false
	}
	return out, true
}

// received gives a Raw or Args whose text has tokens instead of binary.
func (w *walk) received(v reflect.Value) (reflect.Value, bool) {
	mode := w.e.mode
	from := len(w.e.buf)
	before := len(w.e.tokens)
	w.e.mode = asToken
	switch x := v.Interface().(type) {
	case Raw:
		w.e.raw(x)
	case Args:
		w.e.array(x)
	}
	w.e.mode = mode
	text := append([]byte(nil), w.e.buf[from:]...)
	w.e.buf = w.e.buf[:from]
	if len(w.e.tokens) == before {
		return v, false
	}
	r := Raw{src: &source{text: text}, end: u32(len(text))}
	if v.Type() == rawType {
		return reflect.ValueOf(r), true
	}
	list, _ := argsOf(text)
	return reflect.ValueOf(list), true
}

// holds caches, by type, whether a value of it can hold binary.
var holds sync.Map // reflect.Type → bool

func mayHoldBinary(t reflect.Type) bool {
	if known, ok := holds.Load(t); ok {
		return known.(bool) //nolint:errcheck,forcetypeassert // the map holds nothing else
	}
	may := scanType(t, map[reflect.Type]bool{})
	holds.Store(t, may)
	return may
}

// scanType looks for bytes and interfaces in a type. A type met again further in adds nothing.
func scanType(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == rawType || t == argsType {
		return true
	}
	if seen[t] || marshalsItself(t) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Slice:
		return isBytes(t) || scanType(t.Elem(), seen)
	case reflect.Array, reflect.Map, reflect.Pointer:
		return scanType(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" && scanType(f.Type, seen) {
				return true
			}
		}
	default:
	}
	return false
}

// marshalsItself says whether encoding/json leaves the type to its own methods.
func marshalsItself(t reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false
	}
	if t.Kind() != reflect.Pointer {
		t = reflect.PointerTo(t)
	}
	return t.Implements(marshalerType) || t.Implements(textType)
}

// isBytes says whether encoding/json would write the slice as base64.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !marshalsItself(t.Elem())
}

type fieldPath struct {
	path      []int
	omitEmpty bool
}

// structs caches, by type, the fields that can hold binary.
var structs sync.Map // reflect.Type → []fieldPath

func binaryFields(t reflect.Type) []fieldPath {
	if known, ok := structs.Load(t); ok {
		return known.([]fieldPath) //nolint:errcheck,forcetypeassert // the map holds nothing else
	}
	fields := collectFields(t, nil, nil)
	structs.Store(t, fields)
	return fields
}

// collectFields goes into embedded structs that are not exported, whose own exported fields encoding/json
// writes as if they stood outside. (Behind an embedded pointer to one they cannot be set: there []byte stays
// base64.)
func collectFields(t reflect.Type, path []int, fields []fieldPath) []fieldPath {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" || !mayHoldBinary(f.Type) {
			continue
		}
		at := append(append([]int(nil), path...), i)
		switch {
		case f.IsExported():
			_, options, _ := strings.Cut(tag, ",")
			fields = append(fields, fieldPath{at, strings.Contains(options, "omitempty")})
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			fields = collectFields(f.Type, at, fields)
		}
	}
	return fields
}
