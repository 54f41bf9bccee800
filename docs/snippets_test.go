package docs_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fourwires/docs/blocks"
)

// TestSnippets compares the blocks that say which code they show.
func TestSnippets(t *testing.T) {
	for name, text := range blocks.Pages(t) {
		all, _ := blocks.Of(name, text)
		for _, b := range all {
			source := file(b)
			if source == "" {
				continue
			}
			lines, err := excerpt(source)
			if err == nil {
				err = shows(b, source, lines)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestShows checks the error for a block that does not show its source as it is.
func TestShows(t *testing.T) {
	declaration := []string{"func f() {", "\ta()", "\tb()", "\tc()", "}"}
	for _, test := range []struct {
		block []string
		want  string
	}{
		{declaration, ""},
		{[]string{"\ta()", "\tb()"}, `docs/x.md:10: shows "\ta()", f.go#f has "func f() {"`},
		{[]string{"…", "\ta()", "\tb()", "…"}, ""},
		{[]string{"func f() {", "\t…", "\tc()", "}"}, ""},
		{[]string{"func f() {", "\ta()", "\tc()", "}"}, `docs/x.md:12: shows "\tc()", f.go#f has "\tb()"`},
		{[]string{"…", "\td()", "…"}, `docs/x.md:11: shows "\td()", which f.go#f does not have there`},
		{[]string{"func f() {", "\ta()"}, `docs/x.md:12: ends, f.go#f goes on with "\tb()"`},
		{append(declaration, "x"), `docs/x.md:15: shows "x", f.go#f has ended`},
	} {
		got := ""
		b := blocks.Block{Page: "docs/x.md", Line: 9, Lines: test.block}
		if err := shows(b, "f.go#f", declaration); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.block, got, test.want)
		}
	}
}

// file returns what the block says that it shows: a file, and behind # what of it.
func file(b blocks.Block) string {
	for field := range strings.FieldsSeq(b.Kind) {
		if source, shows := strings.CutPrefix(field, "file="); shows {
			return source
		}
	}
	return ""
}

// shows compares a block with the lines that it says it shows. A line … stands
// for any number of them.
func shows(b blocks.Block, source string, lines []string) error {
	at, leap := 0, false
	for i, line := range b.Lines {
		here := fmt.Sprintf("%s:%d:", b.Page, b.Line+1+i)
		if strings.TrimSpace(line) == "…" {
			leap = true
			continue
		}
		for leap && at < len(lines) && lines[at] != line {
			at++
		}
		switch {
		case at == len(lines) && leap:
			return fmt.Errorf("%s shows %q, which %s does not have there", here, line, source)
		case at == len(lines):
			return fmt.Errorf("%s shows %q, %s has ended", here, line, source)
		case lines[at] != line:
			return fmt.Errorf("%s shows %q, %s has %q", here, line, source, lines[at])
		}
		at++
		leap = false
	}
	if !leap && at < len(lines) {
		return fmt.Errorf("%s:%d: ends, %s goes on with %q", b.Page, b.Line+1+len(b.Lines), source, lines[at])
	}
	return nil
}

// excerpt returns the lines of a file, or of one declaration in it without its
// comment: file.go#function, file.go#Type, file.go#Type.Method.
func excerpt(source string) ([]string, error) {
	path, name, part := strings.Cut(source, "#")
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	if part {
		if text, err = declaration(path, text, name); err != nil {
			return nil, err
		}
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

func declaration(path string, text []byte, name string) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var found ast.Node
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			full := d.Name.Name
			if d.Recv != nil {
				of := d.Recv.List[0].Type
				if pointer, ok := of.(*ast.StarExpr); ok {
					of = pointer.X
				}
				full = fmt.Sprint(of, ".", d.Name.Name)
			}
			if full == name {
				d.Doc, found = nil, d
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.Name == name {
					d.Doc, found = nil, d
				}
			}
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s declares no %s", path, name)
	}
	text = text[files.Position(found.Pos()).Offset:files.Position(found.End()).Offset]
	if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
		return nil, fmt.Errorf("%s: %s is not formatted (%v)", path, name, err)
	}
	return text, nil
}
