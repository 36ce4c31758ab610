/* bench/mock_broker.c -- librdkafka's mock cluster as a process: the ceiling that no broker can
 * beat with this client, since it keeps everything in memory and checks nothing. Prints its
 * address, serves until its standard input ends. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char problem[512], piece[256];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, problem, sizeof problem);
    rd_kafka_mock_cluster_t *cluster = client ? rd_kafka_mock_cluster_new(client, 1) : NULL;
    if (!cluster) {
        fprintf(stderr, "mock_broker: %s\n", problem);
        return 3;
    }
    if (argc == 3) /* TOPIC PARTITIONS */
        rd_kafka_mock_topic_create(cluster, argv[1], atoi(argv[2]), 1);
    puts(rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (read(STDIN_FILENO, piece, sizeof piece) > 0)
        ;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(client);
    return 0;
}
