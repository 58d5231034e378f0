package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// hasKind fails unless err is an *Error of the kind.
func hasKind(t *testing.T, err error, want Kind) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want one of kind %s", err, want)
	}
	if e.Kind != want {
		t.Fatalf("got kind %s (%v), want %s", e.Kind, e, want)
	}
}

// feed gives a text message and its attachments to the decoder.
func feed(d *Decoder, text string, attachments ...string) (*Packet, error) {
	p, err := d.Text([]byte(text))
	for _, a := range attachments {
		if err != nil || p != nil {
			return p, fmt.Errorf("before the attachments: packet %v, error %w", p, err)
		}
		p, err = d.Binary([]byte(a))
	}
	return p, err
}

// show writes a packet on one line, binary as <bytes>.
func show(p *Packet) string {
	if p == nil {
		return "nothing"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", p.Type, p.Namespace)
	if p.Query != "" {
		fmt.Fprintf(&b, " ?%s", p.Query)
	}
	if p.HasID {
		fmt.Fprintf(&b, " #%d", p.ID)
	}
	if p.Type == Event {
		fmt.Fprintf(&b, " %q", p.Event)
	}
	for i := range p.Args.Len() {
		b.WriteString(" " + showRaw(p.Args.At(i)))
	}
	if !p.Payload.IsZero() {
		b.WriteString(" " + showRaw(p.Payload))
	}
	return b.String()
}

func showRaw(r Raw) string {
	v, err := r.Value()
	if err != nil {
		return "!" + err.Error()
	}
	return showValue(v)
}

func showValue(v any) string {
	switch v := v.(type) {
	case []byte:
		return fmt.Sprintf("<% x>", v)
	case string:
		return fmt.Sprintf("%q", v)
	}
	return strings.ReplaceAll(fmt.Sprint(v), "\n", " ")
}

func mustEncode(t *testing.T, p *Outgoing, f Format, protocol int) []Part {
	t.Helper()
	parts, err := Encode(p, f, protocol)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	return parts
}

// again decodes what was encoded.
func again(parts []Part, o Options) (p *Packet, err error) {
	d := NewDecoder(o)
	for _, part := range parts {
		if part.Binary {
			p, err = d.Binary(part.Data)
		} else {
			p, err = d.Text(part.Data)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func showParts(parts []Part) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(" + ")
		}
		if p.Binary {
			fmt.Fprintf(&b, "<% x>", p.Data)
		} else {
			b.Write(p.Data)
		}
	}
	return b.String()
}
