// franz-go, sarama and kafka-go: each makes a topic, writes, reads as a group, commits; transactions where the client has
// them.   go_clients HOST:PORT
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/IBM/sarama"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const count = 100

func values() (all []string) {
	for i := 0; i < count; i++ {
		all = append(all, fmt.Sprintf("record %03d", i))
	}
	return all
}

func check(seen []string) error {
	sort.Strings(seen)
	for i, value := range values() {
		if i >= len(seen) || seen[i] != value {
			return fmt.Errorf("saw %d records: %v", len(seen), seen)
		}
	}
	return nil
}

func franzTransactions(ctx context.Context, broker string) error {
	producer, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.TransactionalID("franz"), kgo.DefaultProduceTopic("franz"))
	if err != nil {
		return err
	}
	defer producer.Close()
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := producer.BeginTransaction(); err != nil {
			return err
		}
		var records []*kgo.Record
		for _, value := range values() {
			if commit == kgo.TryAbort {
				value = "never seen"
			}
			records = append(records, kgo.StringRecord(value))
		}
		if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return err
		}
		if err := producer.EndTransaction(ctx, commit); err != nil {
			return err
		}
	}
	return nil
}

func franz(ctx context.Context, broker string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumerGroup("franz"), kgo.ConsumeTopics("franz"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 2, 1, nil, "franz"); err != nil {
		return err
	}
	if err := franzTransactions(ctx, broker); err != nil {
		return err
	}
	var seen []string
	for len(seen) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(record *kgo.Record) { seen = append(seen, string(record.Value)) })
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		return err
	}
	lags, err := admin.Lag(ctx, "franz")
	if err != nil || lags.Error() != nil {
		return fmt.Errorf("lag: %v, %v", err, lags.Error())
	}
	return check(seen)
}

type saramaGroup struct {
	seen []string
	done context.CancelFunc
}

func (*saramaGroup) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*saramaGroup) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (group *saramaGroup) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		group.seen = append(group.seen, string(message.Value))
		session.MarkMessage(message, "")
		if len(group.seen) == count {
			session.Commit()
			group.done()
		}
	}
	return nil
}

func saramaWork(ctx context.Context, broker string) error {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Compression = sarama.CompressionZSTD
	config.Producer.Return.Successes = true
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	admin, err := sarama.NewClusterAdmin([]string{broker}, config)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := admin.CreateTopic("sarama", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer([]string{broker}, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for _, value := range values() {
		messages = append(messages, &sarama.ProducerMessage{Topic: "sarama", Value: sarama.StringEncoder(value)})
	}
	if err := producer.SendMessages(messages); err != nil {
		return err
	}
	consumer, err := sarama.NewConsumerGroup([]string{broker}, "sarama", config)
	if err != nil {
		return err
	}
	defer consumer.Close()
	reading, done := context.WithCancel(ctx)
	defer done()
	group := &saramaGroup{done: done}
	for reading.Err() == nil {
		if err := consumer.Consume(reading, []string{"sarama"}, group); err != nil && reading.Err() == nil {
			return err
		}
	}
	offsets, err := admin.ListConsumerGroupOffsets("sarama", map[string][]int32{"sarama": {0}})
	if err != nil {
		return err
	}
	if block := offsets.GetBlock("sarama", 0); block == nil || block.Offset != count {
		return fmt.Errorf("committed: %v", block)
	}
	return check(group.seen)
}

func segmentio(ctx context.Context, broker string) error {
	client := kafka.Client{Addr: kafka.TCP(broker)}
	if _, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "kafka-go", NumPartitions: 1, ReplicationFactor: 1}}}); err != nil {
		return err
	}
	writer := kafka.Writer{Addr: kafka.TCP(broker), Topic: "kafka-go", RequiredAcks: kafka.RequireAll, Compression: kafka.Lz4,
		BatchTimeout: 10 * time.Millisecond}
	var messages []kafka.Message
	for _, value := range values() {
		messages = append(messages, kafka.Message{Key: []byte("k"), Value: []byte(value)})
	}
	if err := writer.WriteMessages(ctx, messages...); err != nil {
		return err
	}
	defer writer.Close()
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{broker}, GroupID: "kafka-go", Topic: "kafka-go",
		StartOffset: kafka.FirstOffset, MaxWait: 100 * time.Millisecond})
	defer reader.Close()
	var seen []string
	for len(seen) < count {
		message, err := reader.ReadMessage(ctx) // commits
		if err != nil {
			return err
		}
		seen = append(seen, string(message.Value))
	}
	return check(seen)
}

func main() {
	failed := 0
	for _, client := range []struct {
		name string
		work func(context.Context, string) error
	}{{"franz-go", franz}, {"sarama", saramaWork}, {"kafka-go", segmentio}} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := client.work(ctx, os.Args[1]); err != nil {
			failed++
			fmt.Printf("  FAIL %s: %v\n", client.name, err)
		} else {
			fmt.Printf("  ok   %s\n", client.name)
		}
		cancel()
	}
	if failed > 0 {
		os.Exit(1)
	}
}
