/* cli/broker.c -- `tarn broker`: runs the embedded Kafka broker until Ctrl-C. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "broker/broker.h"
#include "cli/broker_options.h"
#include "cli/command.h"
#include "cli/options.h"

static const char help[] =
    "Usage: tarn broker [options]\n"
    "\n"
    "Runs the embedded broker until Ctrl-C. Every Kafka client works with it: it speaks Kafka's "
    "protocol.\n"
    "Records lie below <data>/broker. Outside of a project, say where with --data.\n"
    "\n"
    "  --port N               the port on localhost (default 9092; 0: any free one)\n"
    "  --listener SPEC...     instead of --port: SECURITY://HOST:PORT, where SECURITY is "
    "PLAINTEXT, SSL,\n"
    "                         SASL_PLAINTEXT or SASL_SSL and an empty HOST means every address\n"
    "  --advertise HOST:PORT  what clients are told to connect to (default: what they connected "
    "to)\n"
    "  --tls-certificate FILE --tls-key FILE  PEM files for the SSL listeners\n"
    "  --tls-client-ca FILE   ask clients for certificates signed by this one\n"
    "  --user NAME:PASSWORD... users of the SASL listeners (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)\n"
    "  --reauth MS            clients of SASL listeners have to say again who they are (default: "
    "once is enough)\n"
    "  --authorize            ACLs decide who may do what; otherwise everyone may do everything\n"
    "  --allow-if-no-acl      with --authorize: what no ACL names is open to everyone\n"
    "  --super-user NAME...   may do everything\n"
    "  --partitions N         of a topic that is made because somebody uses it (default 1)\n"
    "  --no-auto-create       topics are made by hand only\n"
    "  --rebalance-delay MS   how long a new group waits for more members (default 15; Kafka's is "
    "3000)\n"
    "  --registry-port N      the schema registry's port on localhost (default 8081; 0: any free "
    "one; -1: none)\n"
    "  --rest-port N          the REST proxy's, likewise (default 8082); with --port 0 both are "
    "off "
    "unless asked for\n"
    "  --durability MODE      sync (default): acks=all is answered after fdatasync; none: never "
    "sync, for tests\n"
    "  --wal-bytes N          size of each write-ahead file (default: 1 MiB, growing to 64 MiB "
    "under load)\n"
    "\n"
    "The same can be written in tarn.yml:\n"
    "  broker:\n"
    "    listeners: [\"PLAINTEXT://localhost:9092\", \"SASL_SSL://:9094\"]\n"
    "    certificate: tls/cert.pem\n"
    "    key: tls/key.pem\n"
    "    users: {alice: secret}\n"
    "    super_users: [admin]\n"
    "    partitions: 4\n"
    "\n"
    "With --json the first line on standard output says where it listens:\n"
    "  "
    "{\"broker\":\"localhost:9092\",\"listeners\":[{\"name\":\"PLAINTEXT\",\"port\":9092}],"
    "\"registry_port\":8081,...}\n"
    "\n" TARN_COMMON_HELP;

static struct tarn_broker *running; /* for the signal handler */

static void on_signal(int signal_number)
{
    (void)signal_number;
    tarn_broker_stop(running);
}

static void catch_signals(struct tarn_broker *broker)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    running = broker;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static void print_json(const struct tarn_broker *broker, const struct tarn_services *services)
{
    TARN_BUFFER(out, 64 << 10);
    struct tarn_json_writer w = tarn_json_writer(&out, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "broker", tarn_broker_address(broker));
    tarn_json_key(&w, "listeners");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < tarn_broker_listener_count(broker); i++) {
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "name", tarn_broker_listener_name(broker, i));
        tarn_json_put_int(&w, "port", tarn_broker_listener_port(broker, i));
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    if (tarn_services_registry_port(services) != TARN_SERVICE_OFF)
        tarn_json_put_int(&w, "registry_port", tarn_services_registry_port(services));
    if (tarn_services_rest_port(services) != TARN_SERVICE_OFF)
        tarn_json_put_int(&w, "rest_port", tarn_services_rest_port(services));
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
}

static void print_text(const struct tarn_broker *broker, const struct tarn_services *services,
                       const char *folder)
{
    for (size_t i = 0; i < tarn_broker_listener_count(broker); i++)
        printf("%s on port %d\n", tarn_broker_listener_name(broker, i),
               tarn_broker_listener_port(broker, i));
    if (tarn_services_registry_port(services) != TARN_SERVICE_OFF)
        printf("schema registry on port %d\n", tarn_services_registry_port(services));
    if (tarn_services_rest_port(services) != TARN_SERVICE_OFF)
        printf("REST proxy on port %d\n", tarn_services_rest_port(services));
    printf("Records lie in %s. Ctrl-C stops.\n", folder);
}

static enum tarn_status serve(const struct tarn_broker_setup *setup,
                              const struct tarn_common *common, struct tarn_error *err)
{
    struct tarn_broker *broker = NULL;
    struct tarn_services *services = NULL;
    TARN_TRY(tarn_broker_open(&setup->options, &broker, err));
    enum tarn_status status = tarn_services_open(broker, &setup->services, &services, err);
    if (status != TARN_OK) {
        tarn_broker_close(broker);
        return status;
    }
    catch_signals(broker);
    if (common->json)
        print_json(broker, services);
    else if (!common->quiet)
        print_text(broker, services, setup->options.folder);
    fflush(stdout);
    tarn_broker_run(broker);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    tarn_services_close(services);
    tarn_broker_close(broker);
    return TARN_OK;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct tarn_common common = {0};
    TARN_AUTO(tarn_broker_setup_release) struct tarn_broker_setup setup = {0};
    TARN_TRY(tarn_broker_setup_read(argc, argv, &common, &setup, err));
    TARN_TRY(tarn_directory_make(setup.options.folder, err));
    return serve(&setup, &common, err);
}

const struct tarn_command tarn_command_broker = {
    .name = "broker",
    .summary = "run the embedded Kafka broker",
    .help = help,
    .run = run,
};
