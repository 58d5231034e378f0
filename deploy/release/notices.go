package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licenceFile matches the names of files that must go along with a copy.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-].*)?$`)

// notice is the licence of something that is in the program.
type notice struct{ what, text string }

// notices is the text of every licence of what is in the program for a target:
// Go itself, its modules, and the npm packages of the browser client.
func (r *release) notices(ctx context.Context, goos, goarch string) ([]byte, error) {
	out, err := r.gocommand(ctx, goos, goarch, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	all, err := licencesIn("Go", strings.TrimSpace(string(out)))
	if err != nil {
		return nil, err
	}
	if out, err = r.gocommand(ctx, goos, goarch, "list", "-deps", "-json=Dir,Module", "./cmd/sockeye"); err != nil {
		return nil, err
	}
	modules, err := ofModules(out)
	if err != nil {
		return nil, err
	}
	packages, err := ofPackages(filepath.Join(r.root, "public", "node_modules"))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("The program contains what follows, under the licences that stand below each name.\n")
	for _, n := range slices.Concat(all, modules, packages) {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 72), n.what, strings.TrimSpace(n.text))
	}
	return b.Bytes(), nil
}

// ofModules reads what go list says of the packages in the program. A module may
// have parts with a licence of their own: those of the folders on the way from a
// package that is used up to the module count.
func ofModules(list []byte) ([]notice, error) {
	type module struct {
		Path, Version, Dir string
		Main               bool
	}
	texts := make(map[string][]notice) // by module and folder
	for dec := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct {
			Dir    string
			Module *module
		}
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return sorted(texts), nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		case p.Module == nil || p.Module.Main:
			continue
		}
		for dir := p.Dir; len(dir) >= len(p.Module.Dir); dir = filepath.Dir(dir) {
			below, err := filepath.Rel(p.Module.Dir, dir)
			if err != nil {
				return nil, err
			}
			name := path.Join(p.Module.Path, filepath.ToSlash(below)) + " " + p.Module.Version
			if _, known := texts[name]; known {
				continue
			}
			found, err := licencesIn(name, dir)
			if err != nil && dir == p.Module.Dir {
				return nil, err
			}
			texts[name] = found
		}
	}
}

// ofPackages reads the folder in which npm has installed the browser client.
func ofPackages(folder string) ([]notice, error) {
	var files []string
	for _, pattern := range []string{"*", "@*/*"} { // a plain name, or one in a scope
		found, err := filepath.Glob(filepath.Join(folder, pattern, "package.json"))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no packages: run npm ci in the folder above, as make client does", folder)
	}
	tools, err := toolsIn(folder)
	if err != nil {
		return nil, err
	}
	texts := make(map[string][]notice)
	for _, file := range files {
		if tools["node_modules/"+filepath.ToSlash(strings.TrimPrefix(filepath.Dir(file), folder+string(filepath.Separator)))] {
			continue
		}
		text, err := os.ReadFile(file) //nolint:gosec // npm's own files
		if err != nil {
			return nil, err
		}
		var p struct{ Name, Version string }
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		name := "npm: " + p.Name + " " + p.Version
		if texts[name], err = licencesIn(name, filepath.Dir(file)); err != nil {
			return nil, err
		}
	}
	return sorted(texts), nil
}

// toolsIn are the packages of a folder that build the client and are not in it, by their
// places in the lockfile above.
func toolsIn(folder string) (map[string]bool, error) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(folder), "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct{ Dev, DevOptional bool }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("package-lock.json: %w", err)
	}
	tools := make(map[string]bool)
	for place, p := range lock.Packages {
		tools[place] = p.Dev || p.DevOptional
	}
	return tools, nil
}

func licencesIn(what, dir string) ([]notice, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []notice
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // see above
		if err != nil {
			return nil, err
		}
		found = append(found, notice{what, string(text)})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no licence in %s", what, dir)
	}
	return found, nil
}

func sorted(texts map[string][]notice) []notice {
	var names []string
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	var list []notice
	for _, name := range names {
		list = append(list, texts[name]...)
	}
	return list
}
