package child

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Repository is the top of the repository: the nearest folder upwards whose
// go.mod is the project's.
func Repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/sockeye-io/sockeye\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("run this inside the repository")
		}
		dir = up
	}
}
