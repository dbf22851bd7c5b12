// franz-go, one line of JSON a job: produces and consumes with the credentials that it is given.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type security struct {
	Bootstrap, Protocol, Mechanism, Username, Password, TokenURL, CA, Certificate, Key string
}

type job struct {
	ID       int
	Op       string
	Security security
	Topic    string
	Group    string
	Values   []string
	Count    int
	MS       int
}

type answer struct {
	ID     int      `json:"id"`
	Values []string `json:"values,omitempty"`
	Count  int      `json:"count"`
	Error  string   `json:"error,omitempty"`
}

func main() {
	var printing sync.Mutex
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one job
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			panic(err)
		}
		go func() {
			result, err := run(one)
			result.ID = one.ID
			if err != nil {
				result.Error = err.Error()
			}
			text, _ := json.Marshal(result)
			printing.Lock()
			defer printing.Unlock()
			fmt.Println(string(text))
		}()
	}
}

func run(one job) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(one.MS)*time.Millisecond+20*time.Second)
	defer cancel()
	options, err := connect(one.Security)
	if err != nil {
		return answer{}, err
	}
	switch one.Op {
	case "produce":
		return answer{}, produce(ctx, options, one)
	case "consume":
		return consume(ctx, options, one)
	case "flow":
		return flow(ctx, options, one)
	}
	return answer{}, fmt.Errorf("no such job: %v", one)
}

func connect(with security) ([]kgo.Opt, error) {
	options := []kgo.Opt{kgo.SeedBrokers(with.Bootstrap), kgo.RecordDeliveryTimeout(20 * time.Second)}
	if with.CA != "" {
		authority, err := os.ReadFile(with.CA)
		if err != nil {
			return nil, err
		}
		config := &tls.Config{RootCAs: x509.NewCertPool()}
		config.RootCAs.AppendCertsFromPEM(authority)
		if with.Certificate != "" {
			certificate, err := tls.LoadX509KeyPair(with.Certificate, with.Key)
			if err != nil {
				return nil, err
			}
			config.Certificates = []tls.Certificate{certificate}
		}
		options = append(options, kgo.DialTLSConfig(config))
	}
	if mechanism := mechanismOf(with); mechanism != nil {
		options = append(options, kgo.SASL(mechanism))
	}
	return options, nil
}

func mechanismOf(with security) sasl.Mechanism {
	switch with.Mechanism {
	case "PLAIN":
		return plain.Auth{User: with.Username, Pass: with.Password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: with.Username, Pass: with.Password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: with.Username, Pass: with.Password}.AsSha512Mechanism()
	case "OAUTHBEARER":
		return oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			response, err := http.PostForm(with.TokenURL, url.Values{"grant_type": {"client_credentials"}})
			if err != nil {
				return oauth.Auth{}, err
			}
			defer response.Body.Close()
			var body struct {
				Token string `json:"access_token"`
			}
			err = json.NewDecoder(response.Body).Decode(&body)
			return oauth.Auth{Token: body.Token}, err
		})
	}
	return nil
}

func produce(ctx context.Context, options []kgo.Opt, one job) error {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	// A client retries until it is told not to: whether the broker is there at all, and takes us, is asked first.
	if err := client.Ping(ctx); err != nil {
		return err
	}
	records := make([]*kgo.Record, len(one.Values))
	for i, value := range one.Values {
		records[i] = &kgo.Record{Topic: one.Topic, Value: []byte(value)}
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

func flow(ctx context.Context, options []kgo.Opt, one job) (answer, error) {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return answer{}, err
	}
	defer client.Close()
	var first kgo.FirstErrPromise
	count := 0
	for end := time.Now().Add(time.Duration(one.MS) * time.Millisecond); time.Now().Before(end); count++ {
		client.Produce(ctx, &kgo.Record{Topic: one.Topic, Value: []byte(strconv.Itoa(count))}, first.Promise())
		time.Sleep(5 * time.Millisecond)
	}
	return answer{Count: count}, first.Err()
}

func consume(ctx context.Context, options []kgo.Opt, one job) (answer, error) {
	client, err := kgo.NewClient(append(options, kgo.ConsumerGroup(one.Group), kgo.ConsumeTopics(one.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return answer{}, err
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return answer{}, err
	}
	values := []string{}
	for len(values) < one.Count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return answer{}, err
		}
		fetches.EachRecord(func(record *kgo.Record) { values = append(values, string(record.Value)) })
	}
	return answer{Values: values}, nil
}
