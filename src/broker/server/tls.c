/* broker/server/tls.c -- TLS 1.2 and 1.3 with OpenSSL straight on the non-blocking socket; see
 * tls.h. */
#include "broker/server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/memory.h"
#include "broker/broker.h"

struct tls_context {
    SSL_CTX *ssl;
};

struct tls {
    SSL *ssl;
    bool wants_write;
};

static enum tarn_status fail_tls(struct tarn_error *err, const char *what, const char *path)
{
    char reason[256];
    unsigned long code = ERR_get_error();
    ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return tarn_fail(err, TARN_CONFIG,
                     "setting up TLS: %s %s: %s; it has to be a readable PEM file", what,
                     path ? path : "(none given)", code ? reason : "missing");
}

static enum tarn_status load(SSL_CTX *ssl, const struct tarn_listener_options *options,
                             struct tarn_error *err)
{
    if (!options->certificate || SSL_CTX_use_certificate_chain_file(ssl, options->certificate) != 1)
        return fail_tls(err, "the certificate", options->certificate);
    const char *key = options->key ? options->key : options->certificate;
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1)
        return fail_tls(err, "the private key", key);
    if (SSL_CTX_check_private_key(ssl) != 1)
        return fail_tls(err, "the certificate does not fit the private key", key);
    if (!options->client_ca)
        return TARN_OK;
    if (SSL_CTX_load_verify_locations(ssl, options->client_ca, NULL) != 1)
        return fail_tls(err, "the certificates that clients' are signed with", options->client_ca);
    SSL_CTX_set_client_CA_list(ssl, SSL_load_client_CA_file(options->client_ca));
    SSL_CTX_set_verify(
        ssl,
        SSL_VERIFY_PEER |
            (options->client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    return TARN_OK;
}

enum tarn_status tls_context_open(const struct tarn_listener_options *options,
                                  struct tls_context **ret_context, struct tarn_error *err)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    if (!ssl)
        return fail_tls(err, "OpenSSL", "");
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    enum tarn_status status = load(ssl, options, err);
    if (status != TARN_OK) {
        SSL_CTX_free(ssl);
        return status;
    }
    *ret_context = tarn_alloc(sizeof **ret_context);
    (*ret_context)->ssl = ssl;
    return TARN_OK;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

struct tls *tls_new(struct tls_context *context, int fd)
{
    struct tls *tls = tarn_alloc(sizeof *tls);
    tls->ssl = SSL_new(context->ssl);
    if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1) {
        tls_free(tls);
        return NULL;
    }
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    if (tls->ssl && SSL_is_init_finished(tls->ssl))
        (void)SSL_shutdown(
            tls->ssl); /* tells the peer; whether it hears it does not matter any more */
    ERR_clear_error();
    SSL_free(tls->ssl);
    free(tls);
}

static ssize_t result(struct tls *tls, int done)
{
    if (done > 0)
        return done;
    int reason = SSL_get_error(tls->ssl, done);
    int saved = errno;
    ERR_clear_error();
    errno = EAGAIN;
    if (reason == SSL_ERROR_WANT_READ)
        return -1;
    if (reason == SSL_ERROR_WANT_WRITE) {
        tls->wants_write = true;
        return -1;
    }
    if (reason == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = reason == SSL_ERROR_SYSCALL && saved ? saved : EPROTO;
    return -1;
}

ssize_t tls_read(struct tls *tls, void *into, size_t len)
{
    tls->wants_write = false;
    return result(tls, SSL_read(tls->ssl, into, len > INT32_MAX ? INT32_MAX : (int)len));
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t len)
{
    return result(tls, SSL_write(tls->ssl, bytes, len > INT32_MAX ? INT32_MAX : (int)len));
}

bool tls_wants_write(const struct tls *tls)
{
    return tls->wants_write;
}

bool tls_pending(const struct tls *tls)
{
    return SSL_has_pending(tls->ssl) != 0;
}

char *tls_peer_name(const struct tls *tls)
{
    X509 *certificate = SSL_get1_peer_certificate(tls->ssl);
    if (!certificate)
        return NULL;
    char *name = NULL;
    BIO *text = BIO_new(BIO_s_mem());
    if (text &&
        X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        char *data = NULL;
        long len = BIO_get_mem_data(text, &data);
        name = tarn_strndup(data, (size_t)len);
    }
    BIO_free(text);
    X509_free(certificate);
    return name;
}
