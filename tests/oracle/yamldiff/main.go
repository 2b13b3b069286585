// Yamldiff answers for sigs.k8s.io/yaml: each line of its input is a YAML text as a JSON string, each line of its output is
// {"json": "…"} or {"err": "…"}. Compared with goyaml by `cargo run --example yamldiff`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

type answer struct {
	JSON *string `json:"json,omitempty"`
	YAML *string `json:"yaml,omitempty"`
	Err  *string `json:"err,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			fmt.Fprintln(os.Stderr, "yamldiff:", err)
			os.Exit(1)
		}
		if err := encoder.Encode(read([]byte(text))); err != nil {
			os.Exit(1)
		}
	}
}

// read converts one text; a panic of the library counts as an error. What converts is also written back as Marshal does.
func read(text []byte) (result answer) {
	defer func() {
		if reason := recover(); reason != nil {
			message := fmt.Sprint("panic: ", reason)
			result = answer{Err: &message}
		}
	}()
	converted, err := yaml.YAMLToJSON(text)
	if err != nil {
		message := err.Error()
		return answer{Err: &message}
	}
	asJSON := string(converted)
	result = answer{JSON: &asJSON}
	if written, err := yaml.JSONToYAML(converted); err == nil {
		asYAML := string(written)
		result.YAML = &asYAML
	}
	return result
}
