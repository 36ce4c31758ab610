/* broker/topic_cluster_refused.c -- whether anybody listens at a cluster's addresses. librdkafka
 * does not tell a refusal from any other reason to try again. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/topic_cluster_int.h"

enum { ANSWER_MS = 200 };

static bool refuses(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int problem = 0;
    socklen_t len = sizeof problem;
    if (fd < 0)
        return errno == EAFNOSUPPORT; /* nor could librdkafka */
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        problem = errno;
    if (problem == EINPROGRESS) {
        struct pollfd wanted = {.fd = fd, .events = POLLOUT};
        problem = 0;
        if (poll(&wanted, 1, ANSWER_MS) == 1)
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len);
    }
    close(fd);
    return problem == ECONNREFUSED || problem == EADDRNOTAVAIL;
}

static bool host_refuses(char *host)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    char *protocol = strstr(host, "://");
    if (protocol)
        host = protocol + strlen("://");
    char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
    const char *port = "9092";
    if (colon && (!bracket || colon > bracket)) {
        *colon = 0;
        port = colon + 1;
    }
    if (bracket && host[0] == '[') {
        *bracket = 0;
        host++;
    }
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    bool all = true;
    for (const struct addrinfo *address = found; address && all; address = address->ai_next)
        all = refuses(address);
    freeaddrinfo(found);
    return all;
}

bool tarn_cluster_is_refused(const char *addresses)
{
    TARN_AUTO_FREE char *copy = tarn_strdup(addresses);
    char *rest = copy, *host;
    bool all = true;
    while (all && (host = strsep(&rest, ",")))
        all = host_refuses(host);
    return all;
}
