/* broker/server/acl.h -- the access control lists, and who may do what by them (as Kafka's
 * StandardAuthorizer decides). Loop thread.
 *
 * They are kept whether they are enforced or not: options.authorize switches enforcement on. Super
 * users may do everything. Otherwise a matching DENY decides, then a matching ALLOW; ALLOW on READ,
 * WRITE, DELETE or ALTER implies DESCRIBE, and ALLOW on ALTER_CONFIGS implies DESCRIBE_CONFIGS.
 * A resource that no entry names is open only with options.allow_if_no_acl.
 *
 * Journal: one key "acl/..." per entry; see acl.c. */
#ifndef TARN_BROKER_SERVER_ACL_H
#define TARN_BROKER_SERVER_ACL_H

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/server/request.h"

struct tarn_acls;
struct tarn_broker_options;
struct tarn_log;

/* Kafka's codes (PatternType, AclPermissionType). */
enum tarn_acl_pattern {
    TARN_ACL_PATTERN_ANY = 1,   /* filters only */
    TARN_ACL_PATTERN_MATCH = 2, /* filters only: what applies to a resource of that name */
    TARN_ACL_PATTERN_LITERAL = 3,
    TARN_ACL_PATTERN_PREFIXED = 4,
};
enum tarn_acl_permission {
    TARN_ACL_PERMISSION_ANY = 1, /* filters only */
    TARN_ACL_DENY = 2,
    TARN_ACL_ALLOW = 3,
};

/* An entry, or a filter for entries; in a filter texts with data NULL match anything. */
struct tarn_acl {
    int8_t resource_type;
    int8_t pattern_type;
    int8_t operation;
    int8_t permission;
    struct tarn_text resource_name; /* "*": all of that type */
    struct tarn_text principal;     /* "User:alice", "User:*" */
    struct tarn_text host;          /* "10.1.2.3", "*" */
};

/* Reads the entries from the journal; `options` has to live as long. */
CHECKED enum tarn_status tarn_acls_open(struct tarn_log *log,
                                        const struct tarn_broker_options *options,
                                        struct tarn_acls **ret_acls, struct tarn_error *err);
void tarn_acls_free(struct tarn_acls *acls); /* NULL is fine */

/* `host` as in tarn_request: with or without the slash. Always true when nothing is enforced. */
bool tarn_acls_allow(struct tarn_acls *acls, const char *principal, const char *host,
                     enum tarn_acl_operation operation, enum tarn_resource_type type,
                     struct tarn_text name);
/* Whether it is allowed on at least one resource of that type: an idempotent producer may begin
 * when it may write to any topic. */
bool tarn_acls_allow_some(struct tarn_acls *acls, const char *principal, const char *host,
                          enum tarn_acl_operation operation, enum tarn_resource_type type);

/* NULL, or what is wrong with an entry that somebody wants to create. */
const char *tarn_acl_fault(const struct tarn_acl *acl);
/* Both are one commit of the log each: all or nothing, durable with its next sync. */
CHECKED enum tarn_status tarn_acls_create(struct tarn_acls *acls, const struct tarn_acl *entries,
                                          size_t count, struct tarn_error *err);
CHECKED enum tarn_status tarn_acls_delete(struct tarn_acls *acls,
                                          const struct tarn_acl *const *entries, size_t count,
                                          struct tarn_error *err);
/* Those that match the filter, in order of resource; valid until the next change. */
size_t tarn_acls_find(struct tarn_acls *acls, const struct tarn_acl *filter,
                      struct tarn_arena *arena, const struct tarn_acl ***ret_entries);

#endif
