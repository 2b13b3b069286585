// Command oracle asks Go's own libraries what the project must answer, too.
//
//	oracle answers < cases.json > answered.json    what sigs.k8s.io/yaml makes of each case's document
//	oracle convert FILE                            a stream of YAML documents as one JSON list, for the bench
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// A testCase is one recorded document: the value of its `data`, or the error that kubectl would print.
type testCase struct {
	Name string `json:"name"`
	YAML string `json:"yaml"`
	// RawMessage, since null is an answer and no answer is none.
	OK  json.RawMessage `json:"ok,omitempty"`
	Err string          `json:"err,omitempty"`
}

func main() {
	err := errors.New("usage: oracle answers | oracle convert FILE")
	switch {
	case len(os.Args) == 2 && os.Args[1] == "answers":
		err = answers(os.Stdin, os.Stdout)
	case len(os.Args) == 3 && os.Args[1] == "convert":
		err = convert(os.Args[2], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func answers(in io.Reader, out io.Writer) error {
	var cases []testCase
	if err := json.NewDecoder(in).Decode(&cases); err != nil {
		return err
	}
	for i, c := range cases {
		cases[i] = answer(c)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(cases)
}

func answer(c testCase) testCase {
	answered := testCase{Name: c.Name, YAML: c.YAML}
	text, err := yaml.YAMLToJSON([]byte(c.YAML))
	if err != nil {
		answered.Err = fmt.Sprintf("error: error parsing cases/%s.yaml: error converting YAML to JSON: %v", c.Name, err)
		return answered
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var document struct {
		Data any `json:"data"`
	}
	err = decoder.Decode(&document)
	if err == nil {
		answered.OK, err = marshal(tagged(document.Data))
	}
	if err != nil {
		answered.Err = err.Error()
	}
	return answered
}

func marshal(value any) (json.RawMessage, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return text.Bytes(), err
}

// tagged writes a number as {"$i": text} or, where its text has a fraction or an exponent, {"$f": text}; the
// number is read by the rule of Kubernetes' decoder: int64, else float64.
func tagged(value any) any {
	switch v := value.(type) {
	case json.Number:
		text := v.String()
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			text = strconv.FormatInt(i, 10)
		} else if f, err := v.Float64(); err == nil {
			if printed, err := json.Marshal(f); err == nil {
				text = string(printed)
			}
		}
		if strings.ContainsAny(text, ".eE") {
			return map[string]any{"$f": text}
		}
		return map[string]any{"$i": text}
	case []any:
		for i := range v {
			v[i] = tagged(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = tagged(v[key])
		}
	}
	return value
}

func convert(file string, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	list := bytes.NewBufferString(`{"apiVersion":"v1","kind":"List","items":[`)
	separator := ""
	for _, document := range strings.Split(string(text), "\n---\n") {
		object, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return err
		}
		list.WriteString(separator)
		list.Write(object)
		separator = ","
	}
	list.WriteString("]}\n")
	_, err = out.Write(list.Bytes())
	return err
}
