/* broker/server/acl_test.c -- who may do what, filters, and entries that outlive the broker. */
#include "broker/broker.h"
#include "broker/log/log_fixture.h"
#include "broker/server/acl.h"

static const char *super_users[] = {"User:admin"};

struct setting {
    struct fixture fixture;
    struct tarn_broker_options options;
    struct tarn_acls *acls;
    struct tarn_arena *arena;
};

static void open_acls(struct setting *setting)
{
    fixture_open(&setting->fixture);
    if (tarn_acls_open(setting->fixture.log, &setting->options, &setting->acls,
                       &setting->fixture.err) != TARN_OK)
        fail_msg("%s", setting->fixture.err.text);
}

static int set_up(void **state)
{
    struct setting *setting = tarn_alloc(sizeof *setting);
    fixture_init(&setting->fixture);
    setting->arena = tarn_arena_new();
    setting->options = (struct tarn_broker_options){
        .authorize = true, .super_users = super_users, .super_user_count = 1};
    open_acls(setting);
    *state = setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    tarn_acls_free(setting->acls);
    fixture_release(&setting->fixture);
    tarn_arena_free(setting->arena);
    free(setting);
    return 0;
}

static void add(struct setting *setting, int8_t permission, const char *principal, const char *host,
                int8_t operation, int8_t pattern, const char *topic)
{
    struct tarn_acl acl = {.resource_type = TARN_RESOURCE_TOPIC,
                           .pattern_type = pattern,
                           .operation = operation,
                           .permission = permission,
                           .resource_name = tarn_text_of(topic),
                           .principal = tarn_text_of(principal),
                           .host = tarn_text_of(host)};
    assert_null(tarn_acl_fault(&acl));
    assert_int_equal(tarn_acls_create(setting->acls, &acl, 1, &setting->fixture.err), TARN_OK);
}

static bool may(struct setting *setting, const char *principal, enum tarn_acl_operation operation,
                const char *topic)
{
    return tarn_acls_allow(setting->acls, principal, "/10.0.0.1", operation, TARN_RESOURCE_TOPIC,
                           tarn_text_of(topic));
}

static const int8_t literal = TARN_ACL_PATTERN_LITERAL, prefixed = TARN_ACL_PATTERN_PREFIXED;

static void allow_and_deny(void **state)
{
    struct setting *setting = *state;
    assert_false(may(setting, "User:alice", TARN_ACL_READ, "orders"));
    assert_true(may(setting, "User:admin", TARN_ACL_READ, "orders"));

    add(setting, TARN_ACL_ALLOW, "User:alice", "*", TARN_ACL_READ, prefixed, "ord");
    assert_true(may(setting, "User:alice", TARN_ACL_READ, "orders"));
    assert_true(may(setting, "User:alice", TARN_ACL_DESCRIBE, "orders"));
    assert_false(may(setting, "User:alice", TARN_ACL_WRITE, "orders"));
    assert_false(may(setting, "User:alice", TARN_ACL_READ, "or"));
    assert_false(may(setting, "User:bob", TARN_ACL_READ, "orders"));

    add(setting, TARN_ACL_ALLOW, "User:*", "10.0.0.1", TARN_ACL_ALL, literal, "*");
    assert_true(may(setting, "User:bob", TARN_ACL_WRITE, "orders"));
    add(setting, TARN_ACL_DENY, "User:bob", "*", TARN_ACL_WRITE, literal, "orders");
    assert_false(may(setting, "User:bob", TARN_ACL_WRITE, "orders"));
    assert_true(may(setting, "User:bob", TARN_ACL_READ, "orders"));
    assert_true(may(setting, "User:bob", TARN_ACL_DESCRIBE, "orders")); /* a DENY implies nothing */
    assert_false(tarn_acls_allow(setting->acls, "User:carol", "10.0.0.2", TARN_ACL_READ,
                                 TARN_RESOURCE_TOPIC, TARN_TEXT("orders")));
}

static void without_entries(void **state)
{
    struct setting *setting = *state;
    add(setting, TARN_ACL_ALLOW, "User:alice", "*", TARN_ACL_READ, literal, "orders");
    setting->options.allow_if_no_acl = true;
    assert_true(may(setting, "User:bob", TARN_ACL_WRITE, "other"));
    assert_false(may(setting, "User:bob", TARN_ACL_WRITE, "orders")); /* it has an entry */
    setting->options.authorize = false;
    assert_true(may(setting, "User:bob", TARN_ACL_WRITE, "orders"));
}

static bool may_some(struct setting *setting, const char *principal)
{
    return tarn_acls_allow_some(setting->acls, principal, "/10.0.0.1", TARN_ACL_WRITE,
                                TARN_RESOURCE_TOPIC);
}

static void some_resource(void **state)
{
    struct setting *setting = *state;
    assert_false(may_some(setting, "User:alice"));
    add(setting, TARN_ACL_ALLOW, "User:alice", "*", TARN_ACL_WRITE, prefixed, "or");
    assert_true(may_some(setting, "User:alice"));
    add(setting, TARN_ACL_DENY, "User:alice", "*", TARN_ACL_WRITE, literal, "orders");
    assert_true(may_some(setting, "User:alice")); /* others with that prefix are left */
    add(setting, TARN_ACL_DENY, "User:alice", "*", TARN_ACL_ALL, prefixed, "o");
    assert_false(may_some(setting, "User:alice"));
    add(setting, TARN_ACL_ALLOW, "User:alice", "*", TARN_ACL_WRITE, literal, "payments");
    assert_true(may_some(setting, "User:alice"));
    add(setting, TARN_ACL_DENY, "User:*", "*", TARN_ACL_WRITE, literal, "*");
    assert_false(may_some(setting, "User:alice"));
}

static size_t find(struct setting *setting, int8_t pattern, const char *topic,
                   const char *principal, const struct tarn_acl ***ret_found)
{
    struct tarn_acl filter = {.resource_type = TARN_RESOURCE_ANY,
                              .pattern_type = pattern,
                              .operation = TARN_ACL_ANY,
                              .permission = TARN_ACL_PERMISSION_ANY,
                              .resource_name = tarn_text_of(topic),
                              .principal = tarn_text_of(principal)};
    return tarn_acls_find(setting->acls, &filter, setting->arena, ret_found);
}

static void filters_and_restart(void **state)
{
    struct setting *setting = *state;
    const struct tarn_acl **found;
    add(setting, TARN_ACL_ALLOW, "User:alice", "*", TARN_ACL_READ, prefixed, "ord");
    add(setting, TARN_ACL_ALLOW, "User:bob", "*", TARN_ACL_READ, literal, "orders");
    add(setting, TARN_ACL_ALLOW, "User:bob", "*", TARN_ACL_READ, literal, "*");
    add(setting, TARN_ACL_ALLOW, "User:bob", "*", TARN_ACL_READ, literal, "*"); /* is there */
    assert_int_equal(find(setting, TARN_ACL_PATTERN_ANY, NULL, NULL, &found), 3);
    assert_int_equal(find(setting, TARN_ACL_PATTERN_MATCH, "orders", NULL, &found), 3);
    assert_int_equal(find(setting, literal, "orders", NULL, &found), 1);
    assert_int_equal(find(setting, prefixed, "orders", NULL, &found), 0);
    assert_int_equal(find(setting, TARN_ACL_PATTERN_ANY, NULL, "User:bob", &found), 2);
    assert_int_equal(tarn_acls_delete(setting->acls, found, 2, &setting->fixture.err), TARN_OK);

    tarn_acls_free(setting->acls);
    fixture_close(&setting->fixture);
    open_acls(setting);
    assert_int_equal(find(setting, TARN_ACL_PATTERN_ANY, NULL, NULL, &found), 1);
    assert_true(tarn_text_is(found[0]->principal, "User:alice"));
    assert_true(may(setting, "User:alice", TARN_ACL_READ, "orders"));
}

static void faults(void **state)
{
    (void)state;
    struct tarn_acl acl = {.resource_type = TARN_RESOURCE_TOPIC,
                           .pattern_type = TARN_ACL_PATTERN_LITERAL,
                           .operation = TARN_ACL_READ,
                           .permission = TARN_ACL_ALLOW,
                           .resource_name = TARN_TEXT("t"),
                           .principal = TARN_TEXT("alice"),
                           .host = TARN_TEXT("*")};
    assert_non_null(strstr(tarn_acl_fault(&acl), "principal"));
    acl.principal = TARN_TEXT("User:alice");
    assert_null(tarn_acl_fault(&acl));
    acl.pattern_type = TARN_ACL_PATTERN_MATCH;
    assert_non_null(strstr(tarn_acl_fault(&acl), "pattern"));
    acl.pattern_type = TARN_ACL_PATTERN_LITERAL;
    acl.resource_type = TARN_RESOURCE_CLUSTER;
    assert_non_null(strstr(tarn_acl_fault(&acl), "kafka-cluster"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(allow_and_deny, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_entries, set_up, tear_down),
        cmocka_unit_test_setup_teardown(some_resource, set_up, tear_down),
        cmocka_unit_test_setup_teardown(filters_and_restart, set_up, tear_down),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
