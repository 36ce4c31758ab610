/* broker/topic_offline.c -- the files of an embedded broker that is not running, read only.
 *
 * A broker of this process's own opens the log for reading and is asked through the cluster's
 * client, so that nothing is read by a second implementation. What would write is not there. */
#include <string.h>

#include "base/file.h"
#include "broker/broker.h"
#include "broker/topic_cluster_int.h"

struct offline {
    struct tarn_topics_ops ops; /* the cluster's, without what writes */
    struct tarn_broker *broker;
};

static void offline_release(void *context)
{
    struct offline *offline = context;
    tarn_broker_close(offline->broker);
    free(offline);
}

static enum tarn_status start_broker(const char *folder, struct tarn_broker **ret_broker,
                                     struct tarn_error *err)
{
    const struct tarn_listener_options listener = {.host = "127.0.0.1",
                                                   .security = TARN_LISTENER_PLAINTEXT};
    struct tarn_broker_options options;
    tarn_broker_options_init(&options);
    options.folder = folder;
    options.listeners = &listener;
    options.listener_count = 1;
    options.auto_create_topics = false;
    options.read_only = true;
    struct tarn_broker *broker;
    TARN_TRY(tarn_broker_open(&options, &broker, err));
    enum tarn_status status = tarn_broker_start(broker, err);
    if (status == TARN_OK)
        *ret_broker = broker;
    else
        tarn_broker_close(broker);
    return status;
}

static void forbid_writing(struct tarn_topics_ops *ops)
{
    ops->writer_open = NULL;
    ops->create = NULL;
    ops->delete = NULL;
    ops->add_partitions = NULL;
    ops->alter = NULL;
    ops->delete_records = NULL;
    ops->group_reset = NULL;
    ops->group_delete = NULL;
}

enum tarn_status tarn_topics_open_offline(const struct tarn_topics_options *options,
                                          struct tarn_topics **ret_topics, struct tarn_error *err)
{
    if (!tarn_directory_exists(options->directory))
        return tarn_fail(err, TARN_NOT_FOUND,
                         "there are no files of a broker in %s; `tarn broker` makes them",
                         options->directory);
    struct offline *offline = tarn_alloc(sizeof *offline);
    struct tarn_topics_options reached = *options;
    struct tarn_topics *topics = NULL;
    enum tarn_status status = start_broker(options->directory, &offline->broker, err);
    if (status == TARN_OK) {
        reached.address = tarn_broker_address(offline->broker);
        reached.property_count = 0; /* a cluster's security is not this broker's */
        status = tarn_topics_open_cluster(&reached, &topics, err);
    }
    if (status != TARN_OK) {
        offline_release(offline);
        return status;
    }
    offline->ops = *topics->ops;
    forbid_writing(&offline->ops);
    tarn_cluster_own(topics, &offline->ops, "offline", offline_release, offline);
    *ret_topics = topics;
    return TARN_OK;
}
