package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"airssys"
	"airssys/kv"
	_ "airssys/web"
)

// words splits a body into so many, of which the last holds the rest.
func words(body string, n int) ([]string, error) {
	found := strings.SplitN(body, " ", n)
	if len(found) < n {
		return nil, airssys.Errorf(airssys.InvalidInput, "%d words are needed", n)
	}
	return found, nil
}

// on is what an op makes of the bucket and the words that its body names.
func on(body string, n int, act func(*kv.Bucket, []string) (string, error)) (airssys.Message, error) {
	found, err := words(body, n)
	if err != nil {
		return airssys.Message{}, err
	}
	bucket, err := kv.Open(found[0])
	if err != nil {
		return airssys.Message{}, err
	}
	answer, err := act(bucket, found[1:])
	return airssys.Text(answer), err
}

func kvSet(body string) (airssys.Message, error) {
	return on(body, 3, func(b *kv.Bucket, w []string) (string, error) {
		return "set", b.Set(w[0], []byte(w[1]))
	})
}

func kvGet(body string) (airssys.Message, error) {
	return on(body, 2, func(b *kv.Bucket, w []string) (string, error) {
		value, ok, err := b.Get(w[0])
		if err == nil && !ok {
			err = airssys.Errorf(airssys.InvalidInput, "no such key")
		}
		return string(value), err
	})
}

func kvDelete(body string) (airssys.Message, error) {
	return on(body, 2, func(b *kv.Bucket, w []string) (string, error) {
		return "deleted", b.Delete(w[0])
	})
}

func kvIncrement(body string) (airssys.Message, error) {
	return on(body, 3, func(b *kv.Bucket, w []string) (string, error) {
		by, err := strconv.ParseInt(w[1], 10, 64)
		if err != nil {
			return "", airssys.Errorf(airssys.InvalidInput, "not a number: %w", err)
		}
		sum, err := b.Increment(w[0], by)
		return strconv.FormatInt(sum, 10), err
	})
}

func kvList(body string) (airssys.Message, error) {
	return on(body, 1, func(b *kv.Bucket, _ []string) (string, error) {
		keys, err := b.Keys()
		slices.Sort(keys)
		return strings.Join(keys, "\n"), err
	})
}

func request(body string) (airssys.Message, error) {
	method, rest, _ := strings.Cut(body, " ")
	url, sent, _ := strings.Cut(rest, " ")
	r, err := http.NewRequest(method, url, strings.NewReader(sent))
	if err != nil {
		return airssys.Message{}, airssys.Errorf(airssys.InvalidInput, "%w", err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return airssys.Message{}, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return airssys.Text(fmt.Sprintf("%d %s", response.StatusCode, answer)), err
}
