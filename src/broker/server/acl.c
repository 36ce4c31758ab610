/* broker/server/acl.c -- access control lists in memory and in the journal; see acl.h.
 *
 * Journal: key "acl/<SHA-256 of the value>", so that an entry is there once; value: version i8 = 1,
 * resource type, pattern type, operation and permission as i8, then resource name, principal and
 * host as strings (Kafka's wire form). */
#include "broker/server/acl.h"

#include <stdio.h>

#include "base/hash.h"
#include "broker/broker.h"
#include "broker/log/journal.h"
#include "broker/log/log.h"
#include "broker/protocol/wire.h"

enum { VALUE_VERSION = 1, VALUE_MAX_BYTES = 100 * 1024, KEY_BYTES = 4 + TARN_SHA256_HEX_BYTES };

struct entry {
    struct tarn_acl acl; /* texts in `value` */
    char key[KEY_BYTES];
    char *value;
    size_t value_len;
};

struct tarn_acls {
    struct tarn_log *log;
    const struct tarn_broker_options *options;
    struct entry **entries; /* in order of resource */
    size_t count, cap;
};

/* ---- matching ---- */

static bool is_any_name(struct tarn_text name)
{
    return tarn_text_is(name, "*");
}

static bool has_prefix(struct tarn_text name, struct tarn_text prefix)
{
    return name.len >= prefix.len && memcmp(name.data, prefix.data, prefix.len) == 0;
}

static bool names_resource(const struct tarn_acl *acl, int8_t type, struct tarn_text name)
{
    if (acl->resource_type != type)
        return false;
    if (acl->pattern_type == TARN_ACL_PATTERN_PREFIXED)
        return has_prefix(name, acl->resource_name);
    return is_any_name(acl->resource_name) || tarn_text_equal(acl->resource_name, name);
}

static bool names_client(const struct tarn_acl *acl, const char *principal, const char *host)
{
    return (tarn_text_is(acl->principal, "User:*") || tarn_text_is(acl->principal, principal)) &&
           (is_any_name(acl->host) || tarn_text_is(acl->host, host));
}

/* What an ALLOW of one operation allows beside it. */
static bool implies(int8_t allowed, enum tarn_acl_operation wanted)
{
    if (wanted == TARN_ACL_DESCRIBE)
        return allowed == TARN_ACL_READ || allowed == TARN_ACL_WRITE ||
               allowed == TARN_ACL_DELETE || allowed == TARN_ACL_ALTER;
    return wanted == TARN_ACL_DESCRIBE_CONFIGS && allowed == TARN_ACL_ALTER_CONFIGS;
}

static bool names_operation(const struct tarn_acl *acl, enum tarn_acl_operation operation)
{
    return acl->operation == TARN_ACL_ALL || acl->operation == (int8_t)operation ||
           (acl->permission == TARN_ACL_ALLOW && implies(acl->operation, operation));
}

static bool is_super_user(const struct tarn_acls *acls, const char *principal)
{
    for (size_t i = 0; i < acls->options->super_user_count; i++) {
        if (strcmp(acls->options->super_users[i], principal) == 0)
            return true;
    }
    return false;
}

static const char *without_slash(const char *host)
{
    return host[0] == '/' ? host + 1 : host;
}

bool tarn_acls_allow(struct tarn_acls *acls, const char *principal, const char *host,
                     enum tarn_acl_operation operation, enum tarn_resource_type type,
                     struct tarn_text name)
{
    if (!acls->options->authorize || is_super_user(acls, principal))
        return true;
    bool named = false, allowed = false;
    for (size_t i = 0; i < acls->count; i++) {
        const struct tarn_acl *acl = &acls->entries[i]->acl;
        if (!names_resource(acl, (int8_t)type, name))
            continue;
        named = true;
        if (!names_client(acl, principal, without_slash(host)) || !names_operation(acl, operation))
            continue;
        if (acl->permission == TARN_ACL_DENY)
            return false;
        allowed = true;
    }
    return named ? allowed : acls->options->allow_if_no_acl;
}

/* Whether a DENY covers everything that the ALLOW `acl` gives to this client. */
static bool is_overruled(const struct tarn_acls *acls, const struct tarn_acl *acl,
                         const char *principal, const char *host, enum tarn_acl_operation operation)
{
    for (size_t i = 0; i < acls->count; i++) {
        const struct tarn_acl *deny = &acls->entries[i]->acl;
        if (deny->permission != TARN_ACL_DENY || !names_operation(deny, operation) ||
            !names_client(deny, principal, host))
            continue;
        bool literal = deny->pattern_type == TARN_ACL_PATTERN_LITERAL &&
                       acl->pattern_type == TARN_ACL_PATTERN_PREFIXED &&
                       !is_any_name(deny->resource_name);
        if (!literal && names_resource(deny, acl->resource_type, acl->resource_name))
            return true;
    }
    return false;
}

bool tarn_acls_allow_some(struct tarn_acls *acls, const char *principal, const char *host,
                          enum tarn_acl_operation operation, enum tarn_resource_type type)
{
    if (!acls->options->authorize || is_super_user(acls, principal))
        return true;
    const struct tarn_acl anything = {.resource_type = (int8_t)type,
                                      .pattern_type = TARN_ACL_PATTERN_LITERAL,
                                      .resource_name = TARN_TEXT("*")};
    host = without_slash(host);
    if (acls->options->allow_if_no_acl)
        return !is_overruled(acls, &anything, principal, host, operation);
    for (size_t i = 0; i < acls->count; i++) {
        const struct tarn_acl *acl = &acls->entries[i]->acl;
        if (acl->permission == TARN_ACL_ALLOW && acl->resource_type == (int8_t)type &&
            names_client(acl, principal, host) && names_operation(acl, operation) &&
            !is_overruled(acls, acl, principal, host, operation))
            return true;
    }
    return false;
}

static bool filter_names(const struct tarn_acl *filter, const struct tarn_acl *acl)
{
    if (filter->pattern_type == TARN_ACL_PATTERN_MATCH)
        return !filter->resource_name.data ||
               names_resource(acl, acl->resource_type, filter->resource_name);
    return (filter->pattern_type == TARN_ACL_PATTERN_ANY ||
            filter->pattern_type == acl->pattern_type) &&
           (!filter->resource_name.data ||
            tarn_text_equal(filter->resource_name, acl->resource_name));
}

static bool filter_matches(const struct tarn_acl *filter, const struct tarn_acl *acl)
{
    return (filter->resource_type == TARN_RESOURCE_ANY ||
            filter->resource_type == acl->resource_type) &&
           filter_names(filter, acl) &&
           (!filter->principal.data || tarn_text_equal(filter->principal, acl->principal)) &&
           (!filter->host.data || tarn_text_equal(filter->host, acl->host)) &&
           (filter->operation == TARN_ACL_ANY || filter->operation == acl->operation) &&
           (filter->permission == TARN_ACL_PERMISSION_ANY || filter->permission == acl->permission);
}

size_t tarn_acls_find(struct tarn_acls *acls, const struct tarn_acl *filter,
                      struct tarn_arena *arena, const struct tarn_acl ***ret_entries)
{
    const struct tarn_acl **found = tarn_arena_array(arena, acls->count + 1, sizeof(void *));
    size_t count = 0;
    for (size_t i = 0; i < acls->count; i++) {
        if (filter_matches(filter, &acls->entries[i]->acl))
            found[count++] = &acls->entries[i]->acl;
    }
    *ret_entries = found;
    return count;
}

const char *tarn_acl_fault(const struct tarn_acl *acl)
{
    enum { LAST_OPERATION = 15 /* TWO_PHASE_COMMIT */ };
    if (acl->resource_type < TARN_RESOURCE_TOPIC || acl->resource_type > TARN_RESOURCE_USER)
        return "The resource type is not one that entries can be made for.";
    if (acl->pattern_type != TARN_ACL_PATTERN_LITERAL &&
        acl->pattern_type != TARN_ACL_PATTERN_PREFIXED)
        return "The pattern type has to be LITERAL or PREFIXED.";
    if (acl->operation < TARN_ACL_ALL || acl->operation > LAST_OPERATION)
        return "The operation is not one that entries can be made for.";
    if (acl->permission != TARN_ACL_DENY && acl->permission != TARN_ACL_ALLOW)
        return "The permission type has to be ALLOW or DENY.";
    if (acl->resource_name.len == 0)
        return "The resource name is empty.";
    if (acl->resource_type == TARN_RESOURCE_CLUSTER &&
        !tarn_text_is(acl->resource_name, "kafka-cluster"))
        return "The only valid name for the CLUSTER resource is kafka-cluster.";
    if (!acl->principal.len || !memchr(acl->principal.data, ':', acl->principal.len))
        return "The principal is not of the form TYPE:NAME, such as User:alice.";
    return acl->host.len == 0 ? "The host is empty; * stands for every host." : NULL;
}

/* ---- entries ---- */

static enum tarn_status read_entry(struct entry *entry, struct tarn_error *err)
{
    struct tarn_wire_reader reader;
    tarn_wire_reader_init(&reader, (struct tarn_text){entry->value, entry->value_len});
    if (tarn_wire_read_int8(&reader) != VALUE_VERSION)
        tarn_wire_fail(&reader, "a version that this release does not know");
    struct tarn_acl *acl = &entry->acl;
    acl->resource_type = tarn_wire_read_int8(&reader);
    acl->pattern_type = tarn_wire_read_int8(&reader);
    acl->operation = tarn_wire_read_int8(&reader);
    acl->permission = tarn_wire_read_int8(&reader);
    acl->resource_name = tarn_wire_read_string(&reader);
    acl->principal = tarn_wire_read_string(&reader);
    acl->host = tarn_wire_read_string(&reader);
    if (!acl->resource_name.data || !acl->principal.data || !acl->host.data)
        tarn_wire_fail(&reader, "null where a name has to be");
    return tarn_wire_reader_check(&reader, "an access control entry of the journal", err);
}

static void entry_free(struct entry *entry)
{
    free(entry->value);
    free(entry);
}

/* An entry over a copy of the bytes. */
static enum tarn_status entry_new(struct tarn_text value, struct entry **ret_entry,
                                  struct tarn_error *err)
{
    struct entry *entry = tarn_alloc(sizeof *entry);
    char digest[TARN_SHA256_HEX_BYTES];
    entry->value = tarn_alloc(value.len);
    memcpy(entry->value, value.data, value.len);
    entry->value_len = value.len;
    snprintf(entry->key, sizeof entry->key, "acl/%s", tarn_sha256_hex(value, digest));
    enum tarn_status status = read_entry(entry, err);
    if (status == TARN_OK)
        *ret_entry = entry;
    else
        entry_free(entry);
    return status;
}

static enum tarn_status entry_of(const struct tarn_acl *acl, struct entry **ret_entry,
                                 struct tarn_error *err)
{
    TARN_AUTO(tarn_wire_writer_release) struct tarn_wire_writer out;
    tarn_wire_writer_init(&out, VALUE_MAX_BYTES);
    tarn_wire_write_int8(&out, VALUE_VERSION);
    tarn_wire_write_int8(&out, acl->resource_type);
    tarn_wire_write_int8(&out, acl->pattern_type);
    tarn_wire_write_int8(&out, acl->operation);
    tarn_wire_write_int8(&out, acl->permission);
    tarn_wire_write_string(&out, acl->resource_name);
    tarn_wire_write_string(&out, acl->principal);
    tarn_wire_write_string(&out, acl->host);
    TARN_TRY(tarn_wire_writer_check(&out, "an access control entry", err));
    TARN_AUTO_FREE char *value = tarn_alloc(out.len);
    tarn_wire_writer_copy(&out, value);
    return entry_new((struct tarn_text){value, out.len}, ret_entry, err);
}

static int compare_text(struct tarn_text a, struct tarn_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* By resource, then by key, so that the order does not depend on when they were made. */
static int compare_entries(const struct entry *a, const struct entry *b)
{
    if (a->acl.resource_type != b->acl.resource_type)
        return a->acl.resource_type - b->acl.resource_type;
    int order = compare_text(a->acl.resource_name, b->acl.resource_name);
    if (order)
        return order;
    if (a->acl.pattern_type != b->acl.pattern_type)
        return a->acl.pattern_type - b->acl.pattern_type;
    return strcmp(a->key, b->key);
}

/* Takes the entry; one that is there already is dropped. */
static void insert(struct tarn_acls *acls, struct entry *entry)
{
    size_t at = 0;
    int order = 1;
    while (at < acls->count && (order = compare_entries(entry, acls->entries[at])) > 0)
        at++;
    if (at < acls->count && order == 0) {
        entry_free(entry);
        return;
    }
    TARN_RESERVE(acls->entries, acls->cap, acls->count + 1);
    memmove(&acls->entries[at + 1], &acls->entries[at], (acls->count - at) * sizeof entry);
    acls->entries[at] = entry;
    acls->count++;
}

static void take_out(struct tarn_acls *acls, const struct tarn_acl *acl)
{
    for (size_t i = 0; i < acls->count; i++) {
        if (&acls->entries[i]->acl != acl)
            continue;
        entry_free(acls->entries[i]);
        acls->count--;
        memmove(&acls->entries[i], &acls->entries[i + 1], (acls->count - i) * sizeof(void *));
        return;
    }
}

/* ---- opening and changing ---- */

struct loading {
    struct tarn_acls *acls;
    struct tarn_error *err;
    enum tarn_status status;
};

static bool load_entry(void *context, struct tarn_text key, struct tarn_text value)
{
    struct loading *loading = context;
    struct entry *entry = NULL;
    (void)key;
    loading->status = entry_new(value, &entry, loading->err);
    if (loading->status == TARN_OK)
        insert(loading->acls, entry);
    return loading->status == TARN_OK;
}

enum tarn_status tarn_acls_open(struct tarn_log *log, const struct tarn_broker_options *options,
                                struct tarn_acls **ret_acls, struct tarn_error *err)
{
    struct tarn_acls *acls = tarn_alloc(sizeof *acls);
    struct loading loading = {acls, err, TARN_OK};
    acls->log = log;
    acls->options = options;
    tarn_journal_each(log, TARN_TEXT("acl/"), load_entry, &loading);
    if (loading.status == TARN_OK)
        *ret_acls = acls;
    else
        tarn_acls_free(acls);
    return loading.status;
}

void tarn_acls_free(struct tarn_acls *acls)
{
    if (!acls)
        return;
    for (size_t i = 0; i < acls->count; i++)
        entry_free(acls->entries[i]);
    free(acls->entries);
    free(acls);
}

enum tarn_status tarn_acls_create(struct tarn_acls *acls, const struct tarn_acl *entries,
                                  size_t count, struct tarn_error *err)
{
    struct entry **made = tarn_alloc_array(count + 1, sizeof *made);
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < count && status == TARN_OK; i++)
        status = entry_of(&entries[i], &made[i], err);
    if (status == TARN_OK && count > 0) {
        uint64_t position;
        struct tarn_commit *commit = tarn_commit_begin(acls->log);
        for (size_t i = 0; i < count; i++)
            tarn_commit_put(commit, tarn_text_of(made[i]->key),
                            (struct tarn_text){made[i]->value, made[i]->value_len});
        status = tarn_commit_write(commit, &position, err);
    }
    for (size_t i = 0; i < count; i++) {
        if (status == TARN_OK)
            insert(acls, made[i]);
        else if (made[i])
            entry_free(made[i]);
    }
    free(made);
    return status;
}

enum tarn_status tarn_acls_delete(struct tarn_acls *acls, const struct tarn_acl *const *entries,
                                  size_t count, struct tarn_error *err)
{
    if (count == 0)
        return TARN_OK;
    uint64_t position;
    struct tarn_commit *commit = tarn_commit_begin(acls->log);
    for (size_t i = 0; i < count; i++) {
        _Static_assert(offsetof(struct entry, acl) == 0, "an entry begins with its acl");
        const struct entry *entry = (const struct entry *)entries[i];
        tarn_commit_delete(commit, tarn_text_of(entry->key));
    }
    TARN_TRY(tarn_commit_write(commit, &position, err));
    for (size_t i = 0; i < count; i++)
        take_out(acls, entries[i]);
    return TARN_OK;
}
