/* Engines are all that OpenSSL 3.0 has where the provider is not installed. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/signing_key.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <openssl/cms.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIGNATURE_BYTES = 64 };

struct mu_signing_key {
    EVP_PKEY *key;
    OSSL_PROVIDER *provider, *default_provider; /* NULL: from a file, or the engine */
    ENGINE *engine;
};

static const char *why(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    return reason ? reason : "no reason given";
}

/* Also for who asks interactively: the terminal is never asked. */
static int give_secret(char *room, int size, int writing, void *secret)
{
    size_t len = secret ? strlen(secret) : 0;

    (void)writing;
    if (size <= 0 || len > (size_t)size)
        return -1;
    memcpy(room, secret ? secret : "", len);
    return (int)len;
}

/* ---- a file ---- */

static enum mu_status check_rights(FILE *file, const char *path, struct mu_error *err)
{
    struct stat status;

    if (fstat(fileno(file), &status) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return mu_fail(err, MU_E_INVALID, "'%s' is no plain file", path);
    if ((status.st_mode & 077) != 0)
        return mu_fail(err, MU_E_DENIED, "others may read '%s': chmod 600 it", path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return mu_fail(err, MU_E_DENIED, "'%s' belongs to somebody else", path);
    return MU_OK;
}

static enum mu_status open_file(const char *path, const char *secret, EVP_PKEY **ret_key,
                                struct mu_error *err)
{
    MU_AUTO_FILE FILE *file = fopen(path, "re");
    enum mu_status st;

    if (!file)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_DENIED, "'%s': %s", path,
                       strerror(errno));
    st = check_rights(file, path, err);
    if (st != MU_OK)
        return st;
    *ret_key = PEM_read_PrivateKey(file, NULL, give_secret, (void *)(uintptr_t)secret);
    if (!*ret_key)
        return mu_fail(err, MU_E_INVALID, "'%s' holds no private key in PEM form that opens: %s",
                       path, why());
    return MU_OK;
}

/* ---- PKCS#11 ---- */

static enum mu_status open_by_provider(struct mu_signing_key *made, const char *uri,
                                       const char *secret, struct mu_error *err)
{
    UI_METHOD *ask = UI_UTIL_wrap_read_pem_callback(give_secret, 0);
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, NULL, "?provider=pkcs11", ask,
                                               (void *)(uintptr_t)secret, NULL, NULL, NULL);

    if (store)
        (void)OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY);
    while (store && !made->key && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);

        if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            made->key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
        if (!info && OSSL_STORE_error(store))
            break;
    }
    (void)OSSL_STORE_close(store);
    UI_destroy_method(ask);
    return made->key ? MU_OK
                     : mu_fail(err, MU_E_DENIED, "'%s' gives no private key: %s", uri, why());
}

static enum mu_status open_by_engine(struct mu_signing_key *made, const char *uri,
                                     const char *secret, struct mu_error *err)
{
    ENGINE_load_builtin_engines();
    made->engine = ENGINE_by_id("pkcs11");
    if (!made->engine)
        return mu_fail(err, MU_E_UNAVAILABLE,
                       "OpenSSL has neither the provider nor the engine pkcs11: install one of "
                       "them (Debian: libengine-pkcs11-openssl)");
    if (secret && ENGINE_ctrl_cmd_string(made->engine, "PIN", secret, 0) != 1)
        return mu_fail(err, MU_E_DENIED, "the engine pkcs11 takes no PIN: %s", why());
    if (ENGINE_init(made->engine) != 1) {
        (void)ENGINE_free(made->engine);
        made->engine = NULL;
        return mu_fail(err, MU_E_UNAVAILABLE, "the engine pkcs11 does not start: %s", why());
    }
    made->key = ENGINE_load_private_key(made->engine, uri, NULL, NULL);
    return made->key ? MU_OK
                     : mu_fail(err, MU_E_DENIED, "'%s' gives no private key: %s", uri, why());
}

static enum mu_status open_token(struct mu_signing_key *made, const char *uri, const char *secret,
                                 struct mu_error *err)
{
    made->provider = OSSL_PROVIDER_try_load(NULL, "pkcs11", 1);
    ERR_clear_error();
    if (!made->provider)
        return open_by_engine(made, uri, secret, err);
    made->default_provider = OSSL_PROVIDER_load(NULL, "default");
    return open_by_provider(made, uri, secret, err);
}

/* ---- both ---- */

enum mu_status mu_signing_key_open(const char *place, const char *secret,
                                   struct mu_signing_key **ret_key, struct mu_error *err)
{
    MU_AUTO(signing_key) struct mu_signing_key *made = mu_xcalloc(1, sizeof(*made));
    enum mu_status st;

    ERR_clear_error();
    st = mu_text_starts(place, "pkcs11:") ? open_token(made, place, secret, err)
                                          : open_file(place, secret, &made->key, err);
    if (st != MU_OK)
        return st;
    *ret_key = made;
    made = NULL;
    return MU_OK;
}

void mu_signing_key_free(struct mu_signing_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    if (key->engine) {
        (void)ENGINE_finish(key->engine);
        (void)ENGINE_free(key->engine);
    }
    (void)OSSL_PROVIDER_unload(key->provider);
    (void)OSSL_PROVIDER_unload(key->default_provider);
    free(key);
}

bool mu_signing_key_is_ed25519(const struct mu_signing_key *key)
{
    return EVP_PKEY_is_a(key->key, "ED25519") == 1;
}

enum mu_status mu_signing_key_sign_ed25519(const struct mu_signing_key *key, const void *bytes,
                                           size_t len, struct mu_buf *out, struct mu_error *err)
{
    unsigned char signature[SIGNATURE_BYTES];
    size_t signature_len = sizeof(signature);
    EVP_MD_CTX *context;
    bool is_signed;

    if (!mu_signing_key_is_ed25519(key))
        return mu_fail(err, MU_E_INVALID,
                       "is no Ed25519 key: make one with 'openssl genpkey -algorithm ed25519'");
    ERR_clear_error();
    context = EVP_MD_CTX_new();
    is_signed = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
                EVP_DigestSign(context, signature, &signature_len, bytes, len) == 1 &&
                signature_len == sizeof(signature);
    EVP_MD_CTX_free(context);
    if (!is_signed)
        return mu_fail(err, MU_E_UNAVAILABLE, "signing failed: %s", why());
    mu_buf_append(out, signature, sizeof(signature));
    return mu_buf_status(out, "signature", err);
}

/* ---- CMS ---- */

static enum mu_status read_certificates(const char *path, X509 **ret_own, STACK_OF(X509) * others,
                                        struct mu_error *err)
{
    MU_AUTO_FILE FILE *file = fopen(path, "re");
    X509 *certificate;

    if (!file)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "'%s': %s", path,
                       strerror(errno));
    *ret_own = PEM_read_X509(file, NULL, NULL, NULL);
    if (!*ret_own)
        return mu_fail(err, MU_E_INVALID, "'%s' holds no certificate in PEM form", path);
    while ((certificate = PEM_read_X509(file, NULL, NULL, NULL)))
        if (sk_X509_push(others, certificate) <= 0)
            X509_free(certificate);
    ERR_clear_error();
    return MU_OK;
}

static enum mu_status sign_cms(const struct mu_signing_key *key, X509 *own, STACK_OF(X509) * others,
                               const void *bytes, size_t len, struct mu_buf *out,
                               struct mu_error *err)
{
    BIO *in = BIO_new_mem_buf(bytes, (int)len);
    CMS_ContentInfo *cms =
            in ? CMS_sign(own, key->key, others, in, CMS_DETACHED | CMS_BINARY | CMS_NOATTR) : NULL;
    unsigned char *der = NULL;
    int der_len = cms ? i2d_CMS_ContentInfo(cms, &der) : 0;

    if (der_len > 0)
        mu_buf_append(out, der, (size_t)der_len);
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    if (der_len <= 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "signing failed: %s", why());
    return mu_buf_status(out, "signature", err);
}

enum mu_status mu_signing_key_sign_cms(const struct mu_signing_key *key, const char *certificates,
                                       const void *bytes, size_t len, struct mu_buf *out,
                                       struct mu_error *err)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    X509 *own = NULL;
    enum mu_status st = read_certificates(certificates, &own, others, err);

    if (st == MU_OK && X509_check_private_key(own, key->key) != 1)
        st = mu_fail(err, MU_E_INVALID, "the first certificate of '%s' is not the key's",
                     certificates);
    ERR_clear_error();
    if (st == MU_OK)
        st = sign_cms(key, own, others, bytes, len, out, err);
    X509_free(own);
    sk_X509_pop_free(others, X509_free);
    return st;
}
