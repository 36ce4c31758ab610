/* broker/protocol/message_int.h -- the tables that generate.py writes and message.c walks. */
#ifndef TARN_BROKER_PROTOCOL_MESSAGE_INT_H
#define TARN_BROKER_PROTOCOL_MESSAGE_INT_H

#include "broker/protocol/api.h"

enum tarn_field_type {
    FIELD_BOOL,
    FIELD_INT8,
    FIELD_INT16,
    FIELD_UINT16,
    FIELD_INT32,
    FIELD_INT64,
    FIELD_FLOAT64,
    FIELD_UUID,
    FIELD_STRING,
    FIELD_BYTES,
    FIELD_RECORDS,
    FIELD_STRUCT,
};
enum {
    FIELD_ARRAY = 1, /* a pointer, and right behind it the count */
    FIELD_NULL = 2,  /* null is the default */
};

struct tarn_message_field {
    uint16_t name;   /* where in tarn_message_names */
    uint16_t offset; /* in its struct */
    uint16_t record; /* of FIELD_STRUCT */
    uint8_t type;
    uint8_t flags;
    int8_t min_version, max_version;
    int8_t null_from; /* INT8_MAX: never null */
    int8_t tag;       /* -1: not tagged */
    uint8_t fallback; /* where in tarn_message_defaults */
};

struct tarn_message_record {
    uint16_t first_field, field_count;
    uint16_t size_bytes;
};

extern const struct tarn_message_field tarn_message_fields[];
extern const struct tarn_message_record tarn_message_records[];
extern const int64_t tarn_message_defaults[];
extern const char tarn_message_names[];
extern const struct tarn_message *const tarn_message_list[];
extern const size_t tarn_message_list_count;
extern const struct tarn_api tarn_api_rows[];
extern const size_t tarn_api_row_count;

#endif
