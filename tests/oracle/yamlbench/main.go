// Yamlbench times sigs.k8s.io/yaml on a file of several documents: yamlbench FILE ITERATIONS prints the best of the
// iterations as "ms: N.N".
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "yamlbench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: yamlbench FILE ITERATIONS")
	}
	iterations, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	content, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	best := time.Duration(1<<63 - 1)
	for range iterations {
		start := time.Now()
		if err := readAll(content); err != nil {
			return err
		}
		best = min(best, time.Since(start))
	}
	fmt.Printf("ms: %.1f\n", float64(best.Microseconds())/1000)
	return nil
}

// readAll reads every document as a controller does that has no Go type for it.
func readAll(content []byte) error {
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		var object interface{}
		if err := yaml.Unmarshal(document, &object); err != nil {
			return err
		}
	}
	return nil
}
