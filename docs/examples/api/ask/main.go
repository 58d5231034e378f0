// Command ask asks everybody in a room something, and prints what they answer.
//
//	SOCKEYE_URL=http://127.0.0.1:3000 SOCKEYE_KEY=sk_… go run . order:17 "Is it there?"
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	answers, err := ask(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	for _, args := range answers {
		fmt.Println(args...)
	}
}

// ask emits "question" to a room and returns the arguments of each acknowledgement.
func ask(ctx context.Context, room, question string) ([][]any, error) {
	body, err := json.Marshal(map[string]any{
		"rooms": []string{room}, "event": "question", "args": []any{question}, "timeout": 5000,
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("SOCKEYE_URL")+"/api/v1/emit-with-ack", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("SOCKEYE_KEY"))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var answer struct {
		Answers [][]any
		Missing *int
		Detail  string // of a problem
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", res.Status, answer.Detail)
	}
	return answer.Answers, nil
}
