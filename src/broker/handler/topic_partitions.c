/* broker/handler/topic_partitions.c -- DescribeTopicPartitions: topics in pages (KIP-966). Topics
 * come in order of name; a page ends after so many partitions, and its cursor says where the next
 * one begins. */
#include <stdlib.h>

#include "broker/broker.h"
#include "broker/handler/handlers.h"
#include "broker/handler/topic_access.h"
#include "broker/log/log.h"
#include "broker/protocol/messages.h"

enum { PAGE_MAX_PARTITIONS = 2000 };

typedef struct tarn_describe_topic_partitions_response_topic topic_out;
typedef struct tarn_describe_topic_partitions_response_partition partition_out;

struct page {
    struct tarn_request *request;
    struct tarn_describe_topic_partitions_response *response;
    int32_t left; /* partitions that still fit */
};

static int compare_names(const void *left, const void *right)
{
    const struct tarn_text *a = left, *b = right;
    size_t len = a->len < b->len ? a->len : b->len;
    int order = len ? memcmp(a->data, b->data, len) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* All names that are meant, in order, each once. */
static size_t wanted_names(struct tarn_request *request, struct tarn_text **ret_names)
{
    const struct tarn_describe_topic_partitions_request *body = request->body;
    struct tarn_catalog *catalog = tarn_broker_catalog(request->broker);
    bool all = body->topics_count == 0;
    size_t given = all ? tarn_catalog_count(catalog) : (size_t)body->topics_count, count = 0;
    struct tarn_text *names = tarn_arena_array(request->arena, given + 1, sizeof *names);
    for (size_t i = 0; i < given; i++)
        names[i] = all ? tarn_catalog_at(catalog, i)->name_text : body->topics[i].name;
    qsort(names, given, sizeof *names, compare_names);
    for (size_t i = 0; i < given; i++) {
        bool may =
            !all || tarn_request_may(request, TARN_ACL_DESCRIBE, TARN_RESOURCE_TOPIC, names[i]);
        if (may && (count == 0 || compare_names(&names[count - 1], &names[i]) != 0))
            names[count++] = names[i];
    }
    *ret_names = names;
    return count;
}

static void describe_partition(struct page *page, int32_t number, partition_out *out)
{
    int32_t *node = tarn_arena_alloc(page->request->arena, sizeof *node);
    *node = TARN_BROKER_NODE_ID;
    tarn_describe_topic_partitions_response_partition_init(out);
    out->partition_index = number;
    out->leader_id = TARN_BROKER_NODE_ID;
    out->leader_epoch = tarn_log_leader_epoch(tarn_broker_log(page->request->broker));
    out->replica_nodes = out->isr_nodes = node;
    out->replica_nodes_count = out->isr_nodes_count = 1;
    out->eligible_leader_replicas_count = out->last_known_elr_count = 0;
}

static void set_cursor(struct page *page, struct tarn_text name, int32_t partition)
{
    struct tarn_describe_topic_partitions_response_next_cursor *cursor =
        tarn_arena_alloc(page->request->arena, sizeof *cursor);
    cursor->topic_name = name;
    cursor->partition_index = partition;
    page->response->next_cursor = cursor;
}

/* False when the page is full; the cursor is set then. */
static bool add_topic(struct page *page, struct tarn_text name, int32_t first)
{
    struct tarn_topic *topic;
    if (page->left == 0) {
        set_cursor(page, name, first);
        return false;
    }
    topic_out *out = &page->response->topics[page->response->topics_count++];
    tarn_describe_topic_partitions_response_topic_init(out);
    out->name = name;
    out->error_code = (int16_t)tarn_topic_for_request(page->request, TARN_ACL_DESCRIBE, false, NULL,
                                                      name, &topic);
    if (out->error_code != TARN_KAFKA_NONE) {
        page->left--; /* a request may name any number of topics that are not there */
        return true;
    }
    out->topic_id = topic->id;
    out->is_internal = topic->internal;
    out->topic_authorized_operations = tarn_topic_operations(page->request, name);
    int32_t count = first < topic->partition_count ? topic->partition_count - first : 0;
    bool fits = count <= page->left;
    count = fits ? count : page->left;
    out->partitions =
        tarn_arena_array(page->request->arena, (size_t)count + 1, sizeof *out->partitions);
    out->partitions_count = count;
    for (int32_t i = 0; i < count; i++)
        describe_partition(page, first + i, &out->partitions[i]);
    page->left -= count;
    if (!fits)
        set_cursor(page, name, first + count);
    return fits;
}

void tarn_handle_describe_topic_partitions(struct tarn_request *request)
{
    const struct tarn_describe_topic_partitions_request *body = request->body;
    struct tarn_describe_topic_partitions_response response;
    struct tarn_text *names;
    tarn_describe_topic_partitions_response_init(&response);
    int32_t limit = body->response_partition_limit;
    struct page page = {request, &response,
                        limit < 1 || limit > PAGE_MAX_PARTITIONS ? PAGE_MAX_PARTITIONS : limit};
    size_t count = wanted_names(request, &names);
    response.topics = tarn_arena_array(request->arena, count + 1, sizeof *response.topics);
    for (size_t i = 0; i < count; i++) {
        int order = body->cursor ? compare_names(&names[i], &body->cursor->topic_name) : 1;
        int32_t first =
            order == 0 && body->cursor->partition_index > 0 ? body->cursor->partition_index : 0;
        if (order >= 0 && !add_topic(&page, names[i], first))
            break;
    }
    tarn_request_reply(request, &response);
}
