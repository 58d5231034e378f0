package wire

// What values keep in memory beyond their text and attachments, in bytes on a machine of 64 bits.
const (
	receivedSize = 240     // a decoded packet in one piece, see received
	sourceSize   = 112     // a source that stands alone
	spanSize     = 8       // one argument's place in the text
	markSize     = 12      // one binary value's place in the text
	binSize      = 24      // the header of one attachment
	boxSize      = 16 + 16 // a Raw or Args in a list of any
)

// Held is how many bytes the value keeps in memory: those of the whole packet it came with, however small a part
// of that it is itself. It is exact but for what the allocator adds.
func (r Raw) Held() int { return r.src.held() }

// Held is how many bytes the arguments keep in memory, as Raw.Held. White space between arguments and the event's
// name are held, but are no part of Size.
func (a Args) Held() int { return a.src.held() }

func (s *source) held() int {
	if s == nil {
		return 0
	}
	n := sourceSize + len(s.text) + markSize*cap(s.marks) + binSize*cap(s.bins)
	if s.received {
		n += receivedSize - sourceSize
	}
	if !s.received || cap(s.spans) > len(received{}.spans) {
		n += spanSize * cap(s.spans)
	}
	for _, b := range s.bins {
		n += len(b)
	}
	return n
}

// Compact gives the same value with a memory of its own, if it holds more than twice what it would hold then:
// what is kept for long should not keep a large packet for the sake of a small part. Attachments that came with
// a packet are not copied, binary values of the application are.
func (r Raw) Compact() Raw {
	if !r.src.wasteful(r.cost()) {
		return r
	}
	return r.compact()
}

// Compact does to a list what Raw.Compact does to a value.
func (a Args) Compact() Args {
	if !a.src.wasteful(a.cost()) {
		return a
	}
	return a.compact()
}

// wasteful says whether a copy that holds cost bytes should take the source's place.
func (s *source) wasteful(cost int) bool {
	return s != nil && (s.lent || s.held() > 2*cost)
}

// cost is what the value holds after compact.
func (r Raw) cost() int {
	return sourceSize + r.Size() + (markSize+binSize)*len(r.marks())
}

func (a Args) cost() int {
	n := sourceSize + spanSize*a.Len()
	for i := range a.Len() {
		n += a.At(i).cost() - sourceSize
	}
	return n
}

func (r Raw) compact() Raw {
	src := newSource(r.src.format, len(r.text()), 0, len(r.marks()))
	src.text = append(src.text, r.text()...)
	src.take(r, 0)
	return Raw{src: src, end: u32(len(src.text))}
}

func (a Args) compact() Args {
	size, marks := 0, 0
	for i := range a.Len() {
		r := a.At(i)
		size += len(r.text())
		marks += len(r.marks())
	}
	src := newSource(a.src.format, size, a.Len(), marks)
	for i := range a.Len() {
		r := a.At(i)
		at := u32(len(src.text))
		src.text = append(src.text, r.text()...)
		src.spans = append(src.spans, span{at, u32(len(src.text))})
		src.take(r, at)
	}
	return Args{src: src, hi: u32(a.Len())}
}

// newSource gives an empty one with room for what is named.
func newSource(f Format, text, spans, marks int) *source {
	s := &source{format: f, text: make([]byte, 0, text)}
	if spans > 0 {
		s.spans = make([]span, 0, spans)
	}
	if marks > 0 {
		s.marks = make([]mark, 0, marks)
		if f == JSON {
			s.bins = make([][]byte, 0, marks)
		}
	}
	return s
}

// take adds the binary values of r, whose text now stands at byte at.
func (s *source) take(r Raw, at uint32) {
	for _, m := range r.marks() {
		moved := mark{span: span{m.start - r.start + at, m.end - r.start + at}}
		if s.format == JSON {
			b := r.src.bins[m.num]
			if r.src.lent {
				b = exactCopy(b)
			}
			moved.num = u32(len(s.bins))
			s.bins = append(s.bins, b)
		}
		s.marks = append(s.marks, moved)
	}
}

// Keep gives arguments of an Outgoing in a form that can be kept for long: encoded, so that they no longer depend
// on the values they were made of, and compact. held is what they keep in memory together. An error is an
// *EncodeError.
func Keep(args []any) (kept []any, held int, err error) {
	kept = make([]any, len(args))
	held = boxSize * len(args)
	for i := 0; i < len(args); {
		src, ok := sourceOf(args[i])
		if !ok {
			r, err := NewRaw(args[i])
			if err != nil {
				return nil, 0, &EncodeError{Arg: i, Err: err}
			}
			r = r.Compact()
			kept[i] = r
			held += r.Held()
			i++
			continue
		}
		end := i + 1
		for end < len(args) {
			if next, ok := sourceOf(args[end]); !ok || next != src {
				break
			}
			end++
		}
		held += keepRun(kept[i:end], args[i:end], src)
		i = end
	}
	return kept, held, nil
}

// sourceOf gives what a Raw or Args points into; ok says that v is one.
func sourceOf(v any) (src *source, ok bool) {
	switch v := v.(type) {
	case Raw:
		return v.src, true
	case Args:
		return v.src, true
	}
	return nil, false
}

// keepRun keeps values of one source, which is held once for all of them, or not at all.
func keepRun(kept, args []any, src *source) (held int) {
	cost := 0
	for _, v := range args {
		switch v := v.(type) {
		case Raw:
			cost += v.cost()
		case Args:
			cost += v.cost()
		}
	}
	if !src.wasteful(cost) {
		copy(kept, args)
		return src.held()
	}
	for i, v := range args {
		switch v := v.(type) {
		case Raw:
			v = v.compact()
			kept[i], held = v, held+v.Held()
		case Args:
			v = v.compact()
			kept[i], held = v, held+v.Held()
		}
	}
	return held
}
