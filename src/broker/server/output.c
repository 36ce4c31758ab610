/* broker/server/output.c -- answers on their way out: one writev per turn of the loop. Loop thread.
 */
#include <errno.h>
#include <sys/socket.h>

#include "broker/server/server_int.h"
#include "broker/server/tls.h"

enum { CHUNKS_PER_WRITE = 128 };

/* Collects what is to be sent next, in order, up to the first request without an answer. */
static int collect(struct tarn_connection *connection, struct iovec *chunks)
{
    int count = 0;
    for (struct entry *entry = connection->first; entry && entry->answered; entry = entry->next) {
        size_t offset = entry->out_offset;
        for (size_t i = entry->out_chunk; i < entry->out.chunk_count; i++) {
            if (count == CHUNKS_PER_WRITE)
                return count;
            struct iovec chunk = entry->out.chunks[i];
            chunk.iov_base = (char *)chunk.iov_base + offset;
            chunk.iov_len -= offset;
            offset = 0;
            if (chunk.iov_len > 0)
                chunks[count++] = chunk;
        }
    }
    return count;
}

static void pop(struct tarn_connection *connection)
{
    struct entry *entry = connection->first;
    connection->first = entry->next;
    if (!connection->first)
        connection->last = NULL;
    connection->output_bytes -= entry->out_bytes;
    entry_free(connection->server, entry);
}

/* Takes `sent` bytes off the front, and all answers that are empty or sent. */
static void advance(struct tarn_connection *connection, size_t sent)
{
    while (connection->first && connection->first->answered) {
        struct entry *entry = connection->first;
        while (entry->out_chunk < entry->out.chunk_count) {
            size_t left = entry->out.chunks[entry->out_chunk].iov_len - entry->out_offset;
            if (left > sent) {
                entry->out_offset += sent;
                return;
            }
            sent -= left;
            entry->out_chunk++;
            entry->out_offset = 0;
        }
        pop(connection);
    }
}

static ssize_t send_plain(int fd, struct iovec *chunks, int count)
{
    struct msghdr message = {.msg_iov = chunks, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static ssize_t send_tls(struct tls *tls, const struct iovec *chunks, int count)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        for (size_t done = 0; done < chunks[i].iov_len;) {
            ssize_t sent =
                tls_write(tls, (char *)chunks[i].iov_base + done, chunks[i].iov_len - done);
            if (sent <= 0)
                return total > 0 ? total : -1;
            done += (size_t)sent;
            total += sent;
        }
    }
    return total;
}

int output_flush(struct tarn_connection *connection)
{
    struct iovec chunks[CHUNKS_PER_WRITE];
    for (;;) {
        advance(connection, 0);
        int count = collect(connection, chunks);
        if (count == 0)
            return 1;
        ssize_t sent = connection->tls ? send_tls(connection->tls, chunks, count)
                                       : send_plain(connection->fd, chunks, count);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        connection_touch(connection);
        advance(connection, (size_t)sent);
    }
}
