package docs

import (
	"bytes"
	"fmt"
	"html/template"
	"path"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// A title is a heading, and the name by which it is linked to.
type title struct {
	Text, Anchor string
	level        int
}

// lab is where the pages say that the lab is. In the lab itself that is here,
// whatever its address.
const lab = "http://127.0.0.1:8080/"

// convert renders a page and lists its headings.
func convert(stem string) (template.HTML, []title, error) {
	source, err := files.ReadFile(file(stem))
	if err != nil {
		return "", nil, fmt.Errorf("docs: the index lists a page that is not there: %w", err)
	}
	md := goldmark.New(
		// The policy forbids style=, by which cells would be aligned.
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(shown{}, 1))),
	)
	root := md.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	var titles []title
	err = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			id, _ := n.AttributeString("id")
			titles = append(titles, title{plain(n, source), string(id.([]byte)), n.Level})
		case *ast.Link:
			return ast.WalkContinue, point(n)
		case *ast.Image:
			n.Destination = []byte("/docs/" + string(n.Destination))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("docs: %s: %w", file(stem), err)
	}
	var html bytes.Buffer
	if err := md.Renderer().Render(&html, source, root); err != nil {
		return "", nil, fmt.Errorf("docs: %s: %w", file(stem), err)
	}
	return template.HTML(html.String()), titles, nil
}

// plain returns a node's text.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// point leads a link to where the lab has what it leads to on disk.
func point(n *ast.Link) error {
	target, anchor, _ := strings.Cut(string(n.Destination), "#")
	if anchor != "" {
		anchor = "#" + anchor
	}
	switch {
	case strings.HasPrefix(target, lab):
		n.Destination = []byte("/" + strings.TrimPrefix(target, lab) + anchor)
	case strings.Contains(target, ":"): // elsewhere
	case target == "":
	case target == file(""):
		n.Destination = []byte("/docs" + anchor)
	case path.Ext(target) == ".md" && !strings.HasPrefix(target, "../"):
		n.Destination = []byte("/docs/" + strings.TrimSuffix(target, ".md") + anchor)
	default: // not in the lab: shown as what the file is called
		n.SetAttributeString("file", []byte(path.Join("docs", target)))
	}
	return nil
}

// anchors names headings as code hosts do: lower case, no punctuation, "-" for
// each space.
type anchors map[string]int

var noAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

func (a anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	name := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(string(value)), ""), " ", "-")
	if n := a[name]; n > 0 {
		a[name]++
		return fmt.Appendf(nil, "%s-%d", name, n)
	}
	a[name] = 1
	return []byte(name)
}

func (a anchors) Put(value []byte) { a[string(value)]++ }

// shown renders what the pages have beyond Markdown.
type shown struct{}

func (s shown) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, s.block)
	r.Register(ast.KindHTMLBlock, s.html)
	r.Register(ast.KindLink, s.link)
	r.Register(ast.KindAutoLink, s.autoLink)
}

// block marks the commands of a block, behind "$ ", which the copy button takes.
func (shown) block(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.FencedCodeBlock)
	kind := string(n.Language(source))
	fmt.Fprintf(w, `<pre data-kind="%s"><code>`, template.HTMLEscapeString(kind))
	command := false
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		line := strings.TrimSuffix(string(segment.Value(source)), "\n")
		command = command || strings.HasPrefix(line, "$ ")
		if line := template.HTMLEscapeString(line); command {
			fmt.Fprintf(w, "<b>%s</b>\n", line)
		} else {
			fmt.Fprintln(w, line)
		}
		command = command && strings.HasSuffix(line, `\`)
	}
	w.WriteString("</code></pre>\n")
	return ast.WalkContinue, nil
}

// figure is the line before the picture of a step of a scene, beside which docs.js puts a button that runs the step.
var figure = regexp.MustCompile(`^<figure data-scene="[1-5]\.[1-5]">$`)

// html passes on the three lines between which a solution is folded away, the two around the picture of a step, and no
// other HTML: a comment goes, anything else is left out with a mark.
func (shown) html(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.HTMLBlock)
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		switch line := strings.TrimSpace(string(segment.Value(source))); {
		case line == "<details>", line == "</details>", line == "<summary>Solution</summary>",
			figure.MatchString(line), line == "</figure>":
			fmt.Fprintln(w, line)
		case n.HTMLBlockType == ast.HTMLBlockType2: // a comment
		case line != "":
			fmt.Fprintln(w, "<!-- raw HTML omitted -->")
		}
	}
	return ast.WalkContinue, nil
}

func (shown) link(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Link)
	name, outside := n.AttributeString("file")
	switch {
	case outside && entering:
		w.WriteString(`<span class="file">`)
	case outside:
		name := template.HTMLEscapeString(string(name.([]byte)))
		if name == plain(n, source) {
			w.WriteString("</span>")
		} else {
			fmt.Fprintf(w, " <code>%s</code></span>", name)
		}
	case entering:
		fmt.Fprintf(w, `<a href="%s">`, template.HTMLEscapeString(string(util.URLEscape(n.Destination, true))))
	default:
		w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

func (shown) autoLink(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if n := node.(*ast.AutoLink); entering {
		to := string(n.URL(source))
		if path, here := strings.CutPrefix(to, lab); here {
			to = "/" + path
		}
		fmt.Fprintf(w, `<a href="%s">%s</a>`, template.HTMLEscapeString(to),
			template.HTMLEscapeString(string(n.Label(source))))
	}
	return ast.WalkContinue, nil
}
