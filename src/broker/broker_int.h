/* broker/broker_int.h -- what broker.c has for server/ and handler/ alone. Loop thread. */
#ifndef TARN_BROKER_BROKER_INT_H
#define TARN_BROKER_BROKER_INT_H

#include "broker/broker.h"

struct tarn_fetch_waits;
struct tarn_produce_waits;
struct tarn_server;

struct tarn_server *tarn_broker_server(struct tarn_broker *broker);
struct tarn_fetch_waits *tarn_broker_fetch_waits(struct tarn_broker *broker);
struct tarn_produce_waits *tarn_broker_produce_waits(struct tarn_broker *broker);
/* Before answers are sent and the loop sleeps: what a change of the log has woken. */
void tarn_broker_turn_ends(struct tarn_broker *broker);

#endif
