package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// Decode stores the value in dst, a pointer, with the rules of encoding/json. Binary lands in []byte, in an empty
// interface as []byte, in a Raw as it is; in a string it is an error. Empty interfaces otherwise get what
// encoding/json puts there. The absent Raw is an error.
func (r Raw) Decode(dst any) error {
	if r.src == nil {
		return errAbsent
	}
	switch d := dst.(type) {
	case *Raw:
		*d = r
		return nil
	case *string:
		if s, ok := r.String(); ok {
			*d = s
			return nil
		}
	}
	if r.src.format == JSON && len(r.marks()) == 0 {
		return json.Unmarshal(r.text(), dst)
	}
	e := newEncoder(asMarked)
	e.raw(r)
	text := exactCopy(e.buf) // json.RawMessage and such may keep parts of it
	e.release()
	err := json.Unmarshal(text, dst)
	if !r.HasBinary() {
		return err
	}
	w := restorer{mark: binaryMark(), seen: map[reflect.Value]bool{}}
	if v := reflect.ValueOf(dst); v.Kind() == reflect.Pointer && !v.IsNil() {
		w.value(v.Elem(), 0)
	}
	if err != nil {
		return err
	}
	return w.err
}

// Value gives nil, bool, float64, string, []byte, []any or map[string]any. The absent Raw gives nil. A number
// beyond float64 is an error.
func (r Raw) Value() (any, error) {
	if r.src == nil {
		return nil, nil
	}
	var v any
	err := r.Decode(&v)
	return v, err
}

// restorer finds marked strings in what encoding/json has filled in.
type restorer struct {
	mark markText
	seen map[reflect.Value]bool // pointers
	err  error
}

var (
	errBinaryString = errors.New("binary where a string was expected")
	messageType     = reflect.TypeFor[json.RawMessage]()
)

func (w *restorer) value(v reflect.Value, depth int) {
	if depth > maxGoDepth {
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		w.inInterface(v, depth)
	case reflect.Pointer:
		if !v.IsNil() && !w.seen[v] {
			w.seen[v] = true
			w.value(v.Elem(), depth+1)
		}
	case reflect.String:
		if v.CanSet() && strings.HasSuffix(v.String(), w.mark.plain) {
			v.SetString("")
			w.err = errBinaryString
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			w.message(v)
			return
		}
		w.elements(v, depth)
	case reflect.Array:
		w.elements(v, depth)
	case reflect.Map:
		w.mapping(v, depth)
	case reflect.Struct:
		if v.Type() == rawType && v.CanSet() {
			w.received(v)
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous {
				w.value(v.Field(i), depth+1)
			}
		}
	default:
	}
}

func (w *restorer) inInterface(v reflect.Value, depth int) {
	if v.IsNil() {
		return
	}
	inner := v.Elem()
	if inner.Kind() != reflect.String {
		w.value(inner, depth+1)
		return
	}
	if b, ok := w.binary(inner.String()); ok && v.CanSet() && v.NumMethod() == 0 {
		v.Set(reflect.ValueOf(b))
	}
}

// binary gives what a marked string stands for.
func (w *restorer) binary(s string) ([]byte, bool) {
	text, marked := strings.CutSuffix(s, w.mark.plain)
	if !marked {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil
}

func (w *restorer) elements(v reflect.Value, depth int) {
	if !mayHoldText(v.Type().Elem().Kind()) {
		return
	}
	for i := range v.Len() {
		w.value(v.Index(i), depth+1)
	}
}

func (w *restorer) mapping(v reflect.Value, depth int) {
	if !mayHoldText(v.Type().Elem().Kind()) {
		return
	}
	room := reflect.New(v.Type().Elem()).Elem()
	for it := v.MapRange(); it.Next(); {
		room.Set(it.Value())
		w.value(room, depth+1)
		v.SetMapIndex(it.Key(), room)
	}
}

func mayHoldText(k reflect.Kind) bool {
	switch k {
	case reflect.Interface, reflect.Pointer, reflect.String, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return true
	default:
		return false
	}
}

// message takes the marks out of a json.RawMessage, which leaves plain base64.
func (w *restorer) message(v reflect.Value) {
	if v.Type() == messageType && v.CanSet() {
		v.SetBytes(bytes.ReplaceAll(v.Bytes(), []byte(w.mark.escaped), nil))
	}
}

// received makes placeholders of the marked strings in a Raw.
func (w *restorer) received(v reflect.Value) {
	r, ok := v.Interface().(Raw)
	if !ok || r.src == nil || !bytes.Contains(r.text(), []byte(w.mark.escaped)) {
		return
	}
	e := newEncoder(asPlaceholder)
	defer e.release()
	text := r.text()
	src := &source{}
	for {
		end := bytes.Index(text, []byte(w.mark.escaped))
		if end < 0 {
			break
		}
		start := bytes.LastIndexByte(text[:end], '"')
		b, err := base64.StdEncoding.DecodeString(string(text[start+1 : end]))
		if err != nil {
			w.err = err
			return
		}
		e.buf = append(e.buf, text[:start]...)
		at := len(e.buf)
		src.marks = append(src.marks, mark{num: u32(len(e.bins))})
		e.binary(b)
		src.marks[len(src.marks)-1].span = span{u32(at), u32(len(e.buf))}
		text = text[end+len(w.mark.escaped)+1:]
	}
	src.text = append(exactCopy(e.buf), text...)
	src.bins = append(src.bins, e.bins...)
	v.Set(reflect.ValueOf(Raw{src: src, end: u32(len(src.text))}))
}
