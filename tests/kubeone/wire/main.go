// Command wire prints the Go types of the built-in kinds, as the API server reads them from JSON and writes them back:
// one line a kind, then one line a struct, both sorted. `cargo xtask openapi` writes them into crates/schema/data/wire.tsv.
//
//	kind<TAB>GROUP/VERSION/KIND<TAB>STRUCT
//	STRUCT<TAB>GO TYPE<TAB>FIELD...
//
// A FIELD is `NAME FLAGS TYPE [EMBEDDED]`: its name in JSON; `e` for omitempty, `z` for omitzero, `-` for neither, and behind
// it the number in protocol buffers, behind that of the embedded struct (`e2.5`); and the Go field of the embedded struct that
// it is a part of, where it is.
//
// A TYPE is one of
//
//	s b i f y        string, bool, integers with their bits (i32, u8), floats with their bits, []byte
//	*T []T {KEY}T    pointer, slice, map with the Go type of its keys
//	@STRUCT          a struct of its own line
//	!GO TYPE         a type that reads and writes itself
//	any              an interface
//	<GO TYPE>T       a T with a name of its own
//	~[]T             a slice that is a message of its own in protocol buffers
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	crdscheme "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/controlplane" // registers every group
)

var (
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	marshaler   = reflect.TypeFor[json.Marshaler]()
)

type message interface{ Marshal() ([]byte, error) }

type table struct {
	kinds   []string
	structs map[reflect.Type]string
}

func main() {
	t := table{structs: map[reflect.Type]string{}}
	for _, scheme := range []*runtime.Scheme{legacyscheme.Scheme, crdscheme.Scheme, aggregatorscheme.Scheme} {
		for gvk, goType := range scheme.AllKnownTypes() {
			if gvk.Version == runtime.APIVersionInternal || strings.HasSuffix(gvk.Kind, "List") && gvk.Kind != "List" {
				continue // what lists hold is read as it is, and nobody writes a list
			}
			if !isServed(gvk.Version) || gvk.Kind == "WatchEvent" {
				continue
			}
			t.kinds = append(t.kinds, fmt.Sprintf("kind\t%s/%s/%s\t%s", gvk.Group, gvk.Version, gvk.Kind, name(goType)))
			t.visit(goType)
		}
	}
	lines := make([]string, 0, len(t.structs))
	for _, line := range t.structs {
		lines = append(lines, line)
	}
	for _, group := range [][]string{t.kinds, lines} {
		slices.Sort(group)
		for _, line := range slices.Compact(group) {
			fmt.Fprintln(os.Stdout, line)
		}
	}
}

// isServed tells the versions that the API server serves by default from those that must be asked for.
func isServed(version string) bool {
	return !strings.Contains(version, "alpha") && !strings.Contains(version, "beta")
}

// name is the type with the path of its package, which tells types of the same package name apart.
func name(t reflect.Type) string {
	path := strings.TrimPrefix(t.PkgPath(), "k8s.io/")
	path = strings.TrimPrefix(path, "apimachinery/pkg/")
	return strings.TrimPrefix(path, "api/") + "." + t.Name()
}

func (t *table) visit(goType reflect.Type) {
	if _, seen := t.structs[goType]; seen {
		return
	}
	t.structs[goType] = ""
	columns := []string{name(goType), goType.String()}
	columns = append(columns, t.fields(goType, nil, "")...)
	t.structs[goType] = strings.Join(columns, "\t")
}

// unnumbered is what no protocol buffer has.
const unnumbered = "-"

// number is that of a field in protocol buffers, behind those of the embedded structs around it.
func number(field reflect.StructField, outer string) string {
	columns := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(columns) < 2 || outer == unnumbered {
		return unnumbered
	}
	if outer != "" {
		outer += "."
	}
	return outer + columns[1]
}

// fields gives the fields of a struct as encoding/json sees them, those of embedded structs in their place.
func (t *table) fields(goType reflect.Type, embedded []string, outer string) (fields []string) {
	for i := range goType.NumField() {
		field := goType.Field(i)
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == "-" || !field.IsExported() && !field.Anonymous {
			continue
		}
		if field.Anonymous && tag == "" {
			if field.Type.Kind() != reflect.Struct {
				panic("an embedded pointer: " + goType.String() + "." + field.Name)
			}
			fields = append(fields, t.fields(field.Type, append(slices.Clone(embedded), field.Name), number(field, outer))...)
			continue
		}
		if tag == "" {
			tag = field.Name
		}
		flags := ""
		for _, option := range strings.Split(options, ",") {
			switch option {
			case "omitempty":
				flags += "e"
			case "omitzero":
				flags += "z"
			case "", "inline", "protobuf":
			default:
				panic("an option: " + goType.String() + "." + field.Name + ": " + option)
			}
		}
		if flags == "" {
			flags = "-"
		}
		if number := number(field, outer); number != unnumbered {
			flags += number
		}
		parts := []string{tag, flags, t.expression(field.Type)}
		if len(embedded) > 0 {
			parts = append(parts, strings.Join(embedded, "."))
		}
		fields = append(fields, strings.Join(parts, " "))
	}
	return fields
}

func (t *table) expression(goType reflect.Type) string {
	if goType.Kind() != reflect.Pointer && goType.Kind() != reflect.Interface {
		pointer := reflect.PointerTo(goType)
		if pointer.Implements(unmarshaler) || pointer.Implements(marshaler) {
			return "!" + goType.String()
		}
	}
	if goType.Kind() == reflect.Struct {
		t.visit(goType)
		return "@" + name(goType)
	}
	expression := t.unnamed(goType)
	if goType.PkgPath() != "" {
		return "<" + goType.String() + ">" + expression
	}
	return expression
}

func (t *table) unnamed(goType reflect.Type) string {
	switch kind := goType.Kind(); kind {
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("i%d", goType.Bits())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("u%d", goType.Bits())
	case reflect.Float32, reflect.Float64:
		return fmt.Sprintf("f%d", goType.Bits())
	case reflect.Pointer:
		return "*" + t.expression(goType.Elem())
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		if goType.Implements(reflect.TypeFor[message]()) {
			return "~[]" + t.expression(goType.Elem())
		}
		return "[]" + t.expression(goType.Elem())
	case reflect.Map:
		return "{" + goType.Key().String() + "}" + t.expression(goType.Elem())
	case reflect.Interface:
		return "any"
	default:
		panic("a type: " + goType.String())
	}
}
