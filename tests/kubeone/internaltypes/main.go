// Command internaltypes prints the API server's internal Go types of some kinds, as `encoding/json` writes them: the server's
// messages show values of them (`spec.template: Invalid value: {...}: field is immutable`, the diff of a refused pod update).
// One line a struct, sorted; crates/kinds/data/internal.tsv.
//
//	STRUCT<TAB>NAME KEY FLAG TYPE<TAB>...
//
// NAME is what is written, KEY the field's name in the stored version, FLAG `e` for omitempty or `-`. A TYPE is
// one of s b i (string, bool, number), *T []T {}T (pointer, slice, map), q x t (quantity, number or string, time), y ([]byte),
// @STRUCT, or ? for others.
package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/controlplane" // registers every group
)

var kinds = []struct{ group, version, kind string }{
	{"", "v1", "Pod"}, {"", "v1", "PodTemplate"}, {"", "v1", "ReplicationController"}, {"", "v1", "Service"},
	{"", "v1", "PersistentVolume"}, {"", "v1", "PersistentVolumeClaim"},
	{"apps", "v1", "Deployment"}, {"apps", "v1", "ReplicaSet"}, {"apps", "v1", "StatefulSet"}, {"apps", "v1", "DaemonSet"},
	{"batch", "v1", "Job"}, {"batch", "v1", "CronJob"}, {"networking.k8s.io", "v1", "Ingress"},
	{"networking.k8s.io", "v1", "NetworkPolicy"}, {"autoscaling", "v2", "HorizontalPodAutoscaler"},
	{"policy", "v1", "PodDisruptionBudget"}, {"storage.k8s.io", "v1", "StorageClass"},
	{"resource.k8s.io", "v1", "ResourceClaimTemplate"}, {"storagemigration.k8s.io", "v1", "StorageVersionMigration"},
}

var structs = map[string]string{}

func main() {
	for _, kind := range kinds {
		gvk := schema.GroupVersionKind{Group: kind.group, Version: kind.version, Kind: kind.kind}
		outer := legacyscheme.Scheme.AllKnownTypes()[gvk]
		gvk.Version = "__internal"
		visit(legacyscheme.Scheme.AllKnownTypes()[gvk], outer)
	}
	// The difference of two volumes shows their source alone, which is otherwise part of their spec.
	visit(reflect.TypeFor[core.PersistentVolumeSource](), reflect.TypeFor[v1.PersistentVolumeSource]())
	lines := []string{}
	for name, line := range structs {
		lines = append(lines, name+line)
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
}

func visit(inner, outer reflect.Type) string {
	name := inner.String()
	if _, known := structs[name]; known {
		return name
	}
	structs[name] = ""
	line := ""
	fields(inner, outer, "", &line)
	structs[name] = line
	return name
}

// What is embedded without a name inside may have one outside: its fields are then below that.
func fields(inner, outer reflect.Type, below string, line *string) {
	for i := range inner.NumField() {
		field := inner.Field(i)
		tag, tagged := field.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "-" || field.Type == reflect.TypeFor[metav1.TypeMeta]() {
			continue
		}
		if field.Anonymous && name == "" {
			other, place := reflect.Type(nil), below
			if outer != nil {
				if found, ok := outer.FieldByName(field.Name); ok {
					other = found.Type
					if tag := strings.Split(found.Tag.Get("json"), ",")[0]; tag != "" {
						place += tag + "."
					}
				}
			}
			fields(field.Type, other, place, line)
			continue
		}
		if name == "" {
			name = field.Name
		}
		key, other := strings.ToLower(field.Name[:1])+field.Name[1:], reflect.Type(nil)
		if outer != nil {
			if found, ok := outer.FieldByName(field.Name); ok {
				other = found.Type
				if tag := strings.Split(found.Tag.Get("json"), ",")[0]; tag != "" {
					key = tag
				}
			}
		}
		flag := "-"
		if tagged && strings.Contains(options, "omitempty") {
			flag = "e"
		}
		*line += fmt.Sprintf("\t%s %s %s %s", name, below+key, flag, kind(field.Type, other))
	}
}

func kind(inner, outer reflect.Type) string {
	for outer != nil && outer.Kind() == reflect.Pointer && inner.Kind() != reflect.Pointer {
		outer = outer.Elem()
	}
	element := func() reflect.Type {
		if outer == nil || outer.Kind() != inner.Kind() {
			return nil
		}
		return outer.Elem()
	}
	switch inner {
	case reflect.TypeFor[resource.Quantity]():
		return "q"
	case reflect.TypeFor[intstr.IntOrString]():
		return "x"
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		return "t"
	}
	switch inner.Kind() {
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Pointer:
		if outer != nil && outer.Kind() != reflect.Pointer {
			return "*" + kind(inner.Elem(), outer)
		}
		return "*" + kind(inner.Elem(), element())
	case reflect.Slice:
		if inner.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "[]" + kind(inner.Elem(), element())
	case reflect.Map:
		return "{}" + kind(inner.Elem(), element())
	case reflect.Struct:
		return "@" + visit(inner, outer)
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64, reflect.Uint8:
		return "i"
	}
	return "?"
}
