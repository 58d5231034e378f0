package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/server"
)

// fileSuffix ends the name of a variable that names a file, whose content is the
// value of the option: SOCKEYE_REDIS_URL_FILE for SOCKEYE_REDIS_URL. Secrets come
// as files in containers, and stay out of lists of processes and of variables.
const fileSuffix = "_FILE"

// maxValue is the size of a file, in bytes, above which it is no option's value.
const maxValue = 64 << 10

// namesFile reports whether the variable of an option has another one beside it, that
// names a file with the value. An empty name is as none. Where that other variable
// is an option of its own, such as that of --auth-secret-file, it is for that to read.
func namesFile(variable string) bool {
	isOption := slices.ContainsFunc(server.Options(), func(o server.Option) bool { return server.EnvName(o.Name) == variable+fileSuffix })
	return os.Getenv(variable+fileSuffix) != "" && !isOption
}

// valueOfFile reads the file that stands for a variable. White space around the
// value goes, such as the line's end that editors leave.
func valueOfFile(variable string) (string, error) {
	fileVariable := variable + fileSuffix
	if _, both := os.LookupEnv(variable); both {
		return "", fmt.Errorf("%s and %s are both set: remove one", variable, fileVariable)
	}
	f, err := os.Open(os.Getenv(fileVariable)) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("%s: %w", fileVariable, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxValue+1))
	value := strings.TrimSpace(string(text))
	switch {
	case err != nil:
	case len(text) > maxValue:
		err = fmt.Errorf("%s has more than %d bytes: it is no value of an option", f.Name(), maxValue)
	case value == "":
		err = fmt.Errorf("%s is empty: write the value into it, or unset the variable", f.Name())
	case strings.ContainsRune(value, 0):
		err = errors.New(f.Name() + " has a zero byte: it is no text")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", fileVariable, err)
	}
	return value, nil
}
