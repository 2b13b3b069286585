// Command wirecases prints random bodies of every built-in kind, odd ones among them, with what the Go types make of each: read
// strictly, stored, read from the store and written. `cargo xtask openapi` writes them into tests/conformance/schema.
//
//	wirecases COUNT SEED [protobuf]
//
// One line a case: GROUP/VERSION/KIND, the body, the strict errors, and the object or `!` and the error, with tabs between them.
// Of protocol buffers, as clients send them, only those that make sense: GROUP/VERSION/KIND, the body in base64, and the object.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	crdscheme "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/controlplane" // registers every group
	kjson "sigs.k8s.io/json"
)

// maxDepth bounds schemas of custom resources, which hold themselves.
const maxDepth = 9

var (
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
	// Their objects are stored as JSON or not at all.
	withoutProtobuf = []string{"apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io"}
)

type generator struct {
	*rand.Rand
	// odds is how often a value has nothing to do with its type.
	odds float64
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	seed, _ := strconv.ParseInt(os.Args[2], 10, 64)
	g := generator{Rand: rand.New(rand.NewSource(seed))}
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for _, scheme := range []*runtime.Scheme{legacyscheme.Scheme, crdscheme.Scheme, aggregatorscheme.Scheme} {
		known := scheme.AllKnownTypes()
		kinds := []schema.GroupVersionKind{}
		for gvk := range known {
			if isObject(gvk) {
				kinds = append(kinds, gvk)
			}
		}
		slices.SortFunc(kinds, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
		for _, gvk := range kinds {
			for range count {
				g.odds = []float64{0, 0.02, 0.1}[g.Intn(3)]
				body := map[string]any{}
				g.fields(known[gvk], body, 0)
				delete(body, "apiVersion")
				delete(body, "kind")
				text, _ := json.Marshal(body)
				if len(os.Args) > 3 {
					if body, answer := message(scheme, gvk, known[gvk], text); answer != "" {
						fmt.Fprintf(w, "%s/%s/%s\t%s\t%s\n", gvk.Group, gvk.Version, gvk.Kind, body, answer)
					}
					continue
				}
				strict, answer := answer(gvk, known[gvk], text)
				if answer != "" {
					fmt.Fprintf(w, "%s/%s/%s\t%s\t%s\t%s\n", gvk.Group, gvk.Version, gvk.Kind, text, strict, answer)
				}
			}
		}
	}
}

func isObject(gvk schema.GroupVersionKind) bool {
	for _, unstable := range []string{"alpha", "beta", runtime.APIVersionInternal} {
		if strings.Contains(gvk.Version, unstable) {
			return false
		}
	}
	for _, other := range []string{"List", "Options", "WatchEvent", "Status", "APIGroup", "APIVersions", "AdmissionReview"} {
		if strings.HasSuffix(gvk.Kind, other) {
			return false
		}
	}
	return true
}

// answer reads and writes a body; it is empty where Go itself cannot write what it read.
func answer(gvk schema.GroupVersionKind, goType reflect.Type, body []byte) (strict []byte, answer string) {
	object := reflect.New(goType).Interface()
	strictErrors, err := kjson.UnmarshalStrict(body, object)
	texts := []string{}
	for _, each := range strictErrors {
		texts = append(texts, each.Error())
	}
	strict, _ = json.Marshal(texts)
	if err != nil {
		return strict, "!" + err.Error()
	}
	return strict, stored(gvk, goType, object)
}

// message is a body in protocol buffers, and what becomes of it; both are empty where Go cannot write what it read.
func message(scheme *runtime.Scheme, gvk schema.GroupVersionKind, goType reflect.Type, body []byte) (text, answer string) {
	object := reflect.New(goType).Interface().(runtime.Object)
	if _, ok := object.(interface{ Marshal() ([]byte, error) }); !ok {
		return "", ""
	}
	if strict, err := kjson.UnmarshalStrict(body, object); err != nil || len(strict) > 0 {
		return "", ""
	}
	defer func() {
		if recover() != nil {
			text, answer = "", ""
		}
	}()
	object.GetObjectKind().SetGroupVersionKind(gvk)
	serializer := protobuf.NewSerializer(scheme, scheme)
	bytes, err := runtime.Encode(serializer, object)
	if err != nil {
		return "", ""
	}
	read := reflect.New(goType).Interface().(runtime.Object)
	if _, _, err := serializer.Decode(bytes, nil, read); err != nil {
		panic(err)
	}
	read.GetObjectKind().SetGroupVersionKind(gvk)
	return base64.StdEncoding.EncodeToString(bytes), stored(gvk, goType, read)
}

// stored is an object as it is written once it was stored; empty where Go cannot.
func stored(gvk schema.GroupVersionKind, goType reflect.Type, object any) (answer string) {
	defer func() {
		if recover() != nil {
			answer = "" // a pointer without a value in a list
		}
	}()
	stored := reflect.New(goType).Interface()
	if message, ok := object.(interface{ Marshal() ([]byte, error) }); ok && !slices.Contains(withoutProtobuf, gvk.Group) {
		bytes, err := message.Marshal()
		if err == nil {
			err = stored.(interface{ Unmarshal([]byte) error }).Unmarshal(bytes)
		}
		if err != nil {
			return ""
		}
	} else {
		bytes, err := json.Marshal(object)
		if err != nil || kjson.UnmarshalCaseSensitivePreserveInts(bytes, stored) != nil {
			return ""
		}
	}
	written, err := json.Marshal(stored)
	if err != nil {
		return ""
	}
	return string(written)
}

func (g generator) one(values ...any) any { return values[g.Intn(len(values))] }

// fields sets some fields of a struct, few where it has many.
func (g generator) fields(goType reflect.Type, body map[string]any, depth int) {
	share := max(0.15, min(0.6, 3/float64(goType.NumField())))
	for i := range goType.NumField() {
		field := goType.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case field.Anonymous && name == "":
			g.fields(field.Type, body, depth)
		case depth == 0 && name == "spec", depth <= maxDepth && g.Float64() < share:
			body[name] = g.value(field.Type, depth+1)
		}
	}
}

func (g generator) value(goType reflect.Type, depth int) any {
	if g.Float64() < g.odds {
		return g.one(nil, nil, "", "x", 0, 1, 1.5, true, false, []any{}, map[string]any{}, []any{nil},
			map[string]any{"a": nil}, -1, int64(3000000000))
	}
	for goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	if reflect.PointerTo(goType).Implements(unmarshaler) {
		return g.selfmade(goType, depth)
	}
	switch goType.Kind() {
	case reflect.String:
		return g.one("a", "b", "")
	case reflect.Bool:
		return g.one(true, false)
	case reflect.Float64:
		return g.one(0, 1, 1.5)
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return g.one("", "QQ==", "QR==", "QQ")
		}
		items := []any{}
		for range g.Intn(3) {
			items = append(items, g.value(goType.Elem(), depth+1))
		}
		return items
	case reflect.Map:
		entries := map[string]any{}
		for range g.Intn(3) {
			entries[g.one("k", "l", "m").(string)] = g.value(goType.Elem(), depth+1)
		}
		return entries
	case reflect.Struct:
		body := map[string]any{}
		g.fields(goType, body, depth)
		if g.Float64() < g.odds {
			body[g.one("foo", "Spec", "zzz").(string)] = 1
		}
		return body
	default:
		return g.one(0, 1, 5)
	}
}

// selfmade gives values of types that read themselves.
func (g generator) selfmade(goType reflect.Type, depth int) any {
	switch goType.String() {
	case "resource.Quantity":
		return g.one("1", "0", "100m", "0.5", "1Gi", 5, "1e3", "1000", "x", 1.5, "")
	case "intstr.IntOrString":
		return g.one(0, 1, "a", "", "25%", 1.5)
	case "v1.Time":
		return g.one("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.5+01:00", nil, "0001-01-01T00:00:00Z")
	case "v1.MicroTime":
		return g.one("2024-01-02T03:04:05.000000Z", "2024-01-02T03:04:05.123456+01:00", nil)
	case "v1.JSONSchemaPropsOrBool", "v1.JSONSchemaPropsOrArray", "v1.JSONSchemaPropsOrStringArray":
		if depth < maxDepth && g.Intn(2) == 0 {
			schema, _ := goType.FieldByName("Schema")
			return g.value(schema.Type, depth+1)
		}
		return g.one(true, false, []any{}, []any{"a"}, []any{map[string]any{"type": "string"}})
	default:
		return g.one(map[string]any{"a": []any{}}, "x", nil, 1)
	}
}
