/* broker/registry/record.c -- the records of _schemas, member for member as Confluent's registry
 * writes them, and the GUID of a schema (the MD5 of its text and references). */
#include <openssl/evp.h>
#include <stdio.h>

#include "broker/registry/registry_int.h"
#include "broker/registry/schema_int.h"

enum { RECORD_MAX_BYTES = 8 * TARN_SCHEMA_TEXT_MAX_BYTES };

char *tarn_guid_text(const uint8_t guid[16], char out[TARN_GUID_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[guid[i] >> 4];
        *at++ = hex[guid[i] & 15];
    }
    *at = 0;
    return out;
}

bool tarn_guid_parse(struct tarn_text text, uint8_t guid[16])
{
    size_t digits = 0;
    memset(guid, 0, 16);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (c == '-')
            continue;
        if (digit < 0 || digits == 32)
            return false;
        guid[digits / 2] = (uint8_t)(guid[digits / 2] << 4 | digit);
        digits++;
    }
    return digits == 32;
}

static void hash_text(EVP_MD_CTX *hash, const char *text)
{
    if (text)
        EVP_DigestUpdate(hash, text, strlen(text));
}

/* Of metadata and rule sets only that they differ counts here: their own text is taken. */
static void hash_json(EVP_MD_CTX *hash, const json_t *json)
{
    if (!json || json_is_null(json))
        return;
    TARN_BUFFER(text, RECORD_MAX_BYTES);
    tarn_json_value_write(&text, json, true);
    EVP_DigestUpdate(hash, "\1", 1);
    EVP_DigestUpdate(hash, tarn_buffer_str(&text), text.len);
}

void tarn_registry_guid(struct tarn_text text, const json_t *references, const json_t *metadata,
                        const json_t *rule_set, uint8_t guid[16])
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(hash, EVP_md5(), NULL);
    EVP_DigestUpdate(hash, text.data, text.len);
    const json_t *reference;
    size_t i;
    json_array_foreach (references, i, reference) {
        hash_text(hash, json_string_value(json_object_get(reference, "name")));
        hash_text(hash, json_string_value(json_object_get(reference, "subject")));
        uint32_t version = (uint32_t)json_integer_value(json_object_get(reference, "version"));
        const uint8_t bytes[4] = {(uint8_t)(version >> 24), (uint8_t)(version >> 16),
                                  (uint8_t)(version >> 8), (uint8_t)version};
        EVP_DigestUpdate(hash, bytes, sizeof bytes);
    }
    hash_json(hash, metadata);
    hash_json(hash, rule_set);
    EVP_DigestFinal_ex(hash, guid, NULL);
    EVP_MD_CTX_free(hash);
}

static enum tarn_status append(struct tarn_registry *registry, struct tarn_text key,
                               struct tarn_text value, struct tarn_error *err)
{
    TARN_TRY(registry->store.append(registry->store.context, key, value, err));
    pthread_mutex_lock(&registry->state);
    tarn_registry_apply(registry, key, value);
    pthread_mutex_unlock(&registry->state);
    return TARN_OK;
}

/* {"keytype":..,"subject":..,["version":..,]"magic":..}; an empty subject is left out. */
static void put_key(struct tarn_buffer *key, const char *kind, const char *subject, int32_t version)
{
    tarn_buffer_printf(key, "{\"keytype\":\"%s\"", kind);
    if (*subject) {
        tarn_buffer_append_str(key, ",\"subject\":");
        tarn_json_string_write(key, tarn_text_of(subject));
    }
    if (version)
        tarn_buffer_printf(key, ",\"version\":%d", version);
    tarn_buffer_printf(key, ",\"magic\":%d}", version ? 1 : 0);
}

static void put_json(struct tarn_buffer *out, const char *name, const json_t *json)
{
    if (!json || json_is_null(json) || (json_is_array(json) && !json_array_size(json)))
        return;
    tarn_buffer_printf(out, ",\"%s\":", name);
    tarn_json_value_write(out, json, false);
}

enum tarn_status tarn_registry_write_schema(struct tarn_registry *registry, const char *subject,
                                            int32_t version,
                                            const struct tarn_registry_content *content,
                                            bool is_deleted, struct tarn_error *err)
{
    TARN_BUFFER(key, 1 << 16);
    TARN_BUFFER(value, RECORD_MAX_BYTES);
    char md5[32];
    EVP_EncodeBlock((unsigned char *)md5, content->guid, 16);
    put_key(&key, "SCHEMA", subject, version);
    tarn_buffer_append_str(&value, "{\"subject\":");
    tarn_json_string_write(&value, tarn_text_of(subject));
    tarn_buffer_printf(&value, ",\"version\":%d,\"id\":%d,\"md5\":\"%s\",\"schemaType\":\"%s\"",
                       version, content->id, md5, tarn_schema_type_name(content->type));
    put_json(&value, "references", content->references);
    put_json(&value, "metadata", content->metadata);
    put_json(&value, "ruleSet", content->rule_set);
    tarn_buffer_append_str(&value, ",\"schema\":");
    tarn_json_string_write(&value, tarn_text_of(content->text));
    tarn_buffer_printf(&value, ",\"deleted\":%s}", is_deleted ? "true" : "false");
    TARN_TRY(tarn_buffer_check(&key, "a subject's name", err));
    TARN_TRY(tarn_buffer_check(&value, "a schema's record", err));
    return append(registry, tarn_buffer_text(&key), tarn_buffer_text(&value), err);
}

enum tarn_status tarn_registry_erase_schema(struct tarn_registry *registry, const char *subject,
                                            int32_t version, struct tarn_error *err)
{
    TARN_BUFFER(key, 1 << 16);
    put_key(&key, "SCHEMA", subject, version);
    return append(registry, tarn_buffer_text(&key), (struct tarn_text){NULL, 0}, err);
}

enum tarn_status tarn_registry_write_deleted(struct tarn_registry *registry, const char *subject,
                                             int32_t version, struct tarn_error *err)
{
    TARN_BUFFER(key, 1 << 16);
    TARN_BUFFER(value, 1 << 16);
    put_key(&key, "DELETE_SUBJECT", subject, 0);
    tarn_buffer_append_str(&value, "{\"subject\":");
    tarn_json_string_write(&value, tarn_text_of(subject));
    tarn_buffer_printf(&value, ",\"version\":%d}", version);
    return append(registry, tarn_buffer_text(&key), tarn_buffer_text(&value), err);
}

enum tarn_status tarn_registry_write_setting(struct tarn_registry *registry, const char *kind,
                                             const char *subject, const json_t *json,
                                             struct tarn_error *err)
{
    TARN_BUFFER(key, 1 << 16);
    TARN_BUFFER(value, RECORD_MAX_BYTES);
    put_key(&key, kind, subject, 0);
    if (!json)
        return append(registry, tarn_buffer_text(&key), (struct tarn_text){NULL, 0}, err);
    json_t *record = json_object();
    if (*subject)
        json_object_set_new(record, "subject", json_string(subject));
    json_object_update(record, (json_t *)(uintptr_t)json);
    tarn_json_value_write(&value, record, false);
    json_decref(record);
    TARN_TRY(tarn_buffer_check(&value, "a setting's record", err));
    return append(registry, tarn_buffer_text(&key), tarn_buffer_text(&value), err);
}

enum tarn_status tarn_registry_write_context(struct tarn_registry *registry, const char *context,
                                             struct tarn_error *err)
{
    TARN_BUFFER(key, 1 << 16);
    TARN_BUFFER(value, 1 << 16);
    tarn_buffer_append_str(&key, "{\"keytype\":\"CONTEXT\",\"tenant\":\"default\",\"context\":");
    tarn_json_string_write(&key, tarn_text_of(context));
    tarn_buffer_append_str(&key, ",\"magic\":0}");
    tarn_buffer_append_str(&value, "{\"tenant\":\"default\",\"context\":");
    tarn_json_string_write(&value, tarn_text_of(context));
    tarn_buffer_append_str(&value, "}");
    return append(registry, tarn_buffer_text(&key), tarn_buffer_text(&value), err);
}

enum tarn_status tarn_registry_write_cleared(struct tarn_registry *registry, const char *subject,
                                             struct tarn_error *err)
{
    TARN_BUFFER(key, 1 << 16);
    TARN_BUFFER(value, 1 << 16);
    put_key(&key, "CLEAR_SUBJECT", subject, 0);
    tarn_buffer_append_str(&value, "{\"subject\":");
    tarn_json_string_write(&value, tarn_text_of(subject));
    tarn_buffer_append_str(&value, "}");
    return append(registry, tarn_buffer_text(&key), tarn_buffer_text(&value), err);
}
