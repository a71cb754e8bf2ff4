#include "base/cms.h"

#include "base/sha256.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SIGNATURE_MAX_BYTES = 4 * 1024 * 1024, NONCE_BITS = 63 };

static const char *why(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    return reason ? reason : "no reason given";
}

/* The error that says it, be it not the last one: "certificate verify error" hides which. */
static enum mu_status refused(struct mu_error *err)
{
    const char *data = NULL;
    int flags = 0;

    (void)ERR_peek_last_error_data(&data, &flags);
    return mu_fail(err, MU_E_INVALID, "%s%s%s", why(), data && *data ? ": " : "",
                   data && *data ? data : "");
}

/* Trust in the authorities, at that time, for any purpose. */
static enum mu_status new_store(const char *authorities, int64_t at_us, X509_STORE **ret_store,
                                struct mu_error *err)
{
    X509_STORE *store = X509_STORE_new();
    X509_VERIFY_PARAM *rules = store ? X509_STORE_get0_param(store) : NULL;

    if (!rules)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    if (access(authorities, R_OK) != 0 || X509_STORE_load_file(store, authorities) != 1) {
        X509_STORE_free(store);
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' holds no certificates in PEM form", authorities);
    }
    X509_VERIFY_PARAM_set_time(rules, (time_t)(at_us / INT64_C(1000000)));
    *ret_store = store;
    return MU_OK;
}

/* ---- CMS ---- */

static CMS_ContentInfo *read_cms(const void *der, size_t len)
{
    const unsigned char *at = der;
    CMS_ContentInfo *cms =
            len <= SIGNATURE_MAX_BYTES ? d2i_CMS_ContentInfo(NULL, &at, (long)len) : NULL;

    if (cms && (at != (const unsigned char *)der + len ||
                OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)) {
        CMS_ContentInfo_free(cms);
        return NULL;
    }
    return cms;
}

static void print_subject(X509 *certificate, char ret_name[MU_CMS_NAME_SIZE])
{
    BIO *out = BIO_new(BIO_s_mem());
    int len = 0;

    if (out && X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0)
        len = BIO_read(out, ret_name, MU_CMS_NAME_SIZE - 1);
    ret_name[len > 0 ? len : 0] = '\0';
    BIO_free(out);
}

void mu_cms_signer(const void *der, size_t der_len, char ret_signer[MU_CMS_NAME_SIZE])
{
    CMS_ContentInfo *cms = read_cms(der, der_len);
    STACK_OF(X509) *certificates = cms ? CMS_get1_certs(cms) : NULL;

    *ret_signer = '\0';
    if (sk_X509_num(certificates) > 0)
        print_subject(sk_X509_value(certificates, 0), ret_signer);
    sk_X509_pop_free(certificates, X509_free);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
}

/* Digests that collide prove nothing. */
static bool digests_are_strong(CMS_ContentInfo *cms)
{
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);

    for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
        X509_ALGOR *digest = NULL;
        int nid;

        CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(signers, i), NULL, NULL, &digest, NULL);
        nid = digest ? OBJ_obj2nid(digest->algorithm) : NID_undef;
        if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
            return false;
    }
    return sk_CMS_SignerInfo_num(signers) > 0;
}

static enum mu_status verify_cms(CMS_ContentInfo *cms, X509_STORE *store, const void *bytes,
                                 size_t len, char ret_signer[MU_CMS_NAME_SIZE],
                                 struct mu_error *err)
{
    BIO *in = BIO_new_mem_buf(bytes, (int)len);
    STACK_OF(X509) *signers = NULL;
    enum mu_status st = MU_OK;

    (void)X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store), X509_PURPOSE_ANY);
    if (!digests_are_strong(cms))
        st = mu_fail(err, MU_E_INVALID, "it has no signer, or one whose digest is not SHA-2");
    else if (CMS_verify(cms, NULL, store, in, NULL, CMS_DETACHED | CMS_BINARY) != 1)
        st = refused(err);
    if (st == MU_OK)
        signers = CMS_get0_signers(cms);
    if (st == MU_OK && sk_X509_num(signers) > 0)
        print_subject(sk_X509_value(signers, 0), ret_signer);
    sk_X509_free(signers);
    BIO_free(in);
    return st;
}

enum mu_status mu_cms_verify(const void *der, size_t der_len, const void *bytes, size_t len,
                             const char *authorities, int64_t at_us,
                             char ret_signer[MU_CMS_NAME_SIZE], struct mu_error *err)
{
    X509_STORE *store = NULL;
    CMS_ContentInfo *cms;
    enum mu_status st = new_store(authorities, at_us, &store, err);

    if (st != MU_OK)
        return st;
    ERR_clear_error();
    cms = read_cms(der, der_len);
    st = cms ? verify_cms(cms, store, bytes, len, ret_signer, err)
             : mu_fail(err, MU_E_INVALID, "it is no CMS signature in DER form");
    CMS_ContentInfo_free(cms);
    X509_STORE_free(store);
    ERR_clear_error();
    return st;
}

/* ---- time stamps: asking ---- */

static TS_MSG_IMPRINT *new_imprint(const void *bytes, size_t len)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *digest = X509_ALGOR_new();
    unsigned char hash[MU_SHA256_BYTES];
    unsigned int hash_len = 0;
    bool made = imprint && digest &&
                EVP_Digest(bytes, len, hash, &hash_len, EVP_sha256(), NULL) == 1 &&
                X509_ALGOR_set0(digest, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
                TS_MSG_IMPRINT_set_algo(imprint, digest) == 1 &&
                TS_MSG_IMPRINT_set_msg(imprint, hash, (int)hash_len) == 1;

    X509_ALGOR_free(digest);
    if (!made) {
        TS_MSG_IMPRINT_free(imprint);
        return NULL;
    }
    return imprint;
}

static bool set_nonce(TS_REQ *request)
{
    ASN1_INTEGER *nonce = ASN1_INTEGER_new();
    uint64_t value = 0;
    bool set = nonce && RAND_bytes((unsigned char *)&value, sizeof(value)) == 1 &&
               ASN1_INTEGER_set_uint64(nonce, value >> (64 - NONCE_BITS)) == 1 &&
               TS_REQ_set_nonce(request, nonce) == 1;

    ASN1_INTEGER_free(nonce);
    return set;
}

enum mu_status mu_timestamp_request(const void *bytes, size_t len, struct mu_buf *out,
                                    struct mu_error *err)
{
    TS_MSG_IMPRINT *imprint = new_imprint(bytes, len);
    TS_REQ *request = TS_REQ_new();
    unsigned char *der = NULL;
    int der_len = 0;

    if (imprint && request && TS_REQ_set_version(request, 1) == 1 &&
        TS_REQ_set_msg_imprint(request, imprint) == 1 && TS_REQ_set_cert_req(request, 1) == 1 &&
        set_nonce(request))
        der_len = i2d_TS_REQ(request, &der);
    if (der_len > 0)
        mu_buf_append(out, der, (size_t)der_len);
    OPENSSL_free(der);
    TS_MSG_IMPRINT_free(imprint);
    TS_REQ_free(request);
    return der_len > 0 ? mu_buf_status(out, "request", err)
                       : mu_fail(err, MU_E_INTERNAL, "a time-stamp request cannot be made");
}

/* ---- time stamps: looking ---- */

static TS_RESP *read_response(const void *der, size_t len)
{
    const unsigned char *at = der;
    TS_RESP *response = len <= SIGNATURE_MAX_BYTES ? d2i_TS_RESP(NULL, &at, (long)len) : NULL;

    if (response && (at != (const unsigned char *)der + len || !TS_RESP_get_tst_info(response))) {
        TS_RESP_free(response);
        return NULL;
    }
    return response;
}

static enum mu_status check_response(TS_RESP *response, const TS_REQ *request, struct mu_error *err)
{
    TS_VERIFY_CTX *rules = TS_REQ_to_TS_VERIFY_CTX((TS_REQ *)(uintptr_t)request, NULL);
    enum mu_status st = MU_OK;

    if (!rules)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    (void)TS_VERIFY_CTX_set_flags(rules, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE);
    if (TS_RESP_verify_response(rules, response) != 1)
        st = refused(err);
    TS_VERIFY_CTX_free(rules);
    return st;
}

enum mu_status mu_timestamp_accept(const void *request, size_t request_len, const void *response,
                                   size_t response_len, struct mu_error *err)
{
    const unsigned char *at = request;
    TS_REQ *asked = d2i_TS_REQ(NULL, &at, (long)request_len);
    TS_RESP *told = read_response(response, response_len);
    enum mu_status st;

    ERR_clear_error();
    if (!told)
        st = mu_fail(err, MU_E_DENIED, "the authority granted no time stamp");
    else
        st = asked ? check_response(told, asked, err)
                   : mu_fail(err, MU_E_INTERNAL, "the request is damaged");
    TS_REQ_free(asked);
    TS_RESP_free(told);
    ERR_clear_error();
    return st;
}

static bool time_of(TS_RESP *response, int64_t *ret_at_us)
{
    struct tm parts;

    if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(TS_RESP_get_tst_info(response)), &parts) != 1)
        return false;
    *ret_at_us = (int64_t)timegm(&parts) * INT64_C(1000000);
    return true;
}

/* Takes over the store. */
static enum mu_status verify_response(TS_RESP *response, X509_STORE *store, const void *bytes,
                                      size_t len, struct mu_error *err)
{
    TS_VERIFY_CTX *rules = TS_VERIFY_CTX_new();
    enum mu_status st = MU_OK;

    if (!rules) {
        X509_STORE_free(store);
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    }
    (void)TS_VERIFY_CTX_set_flags(rules, TS_VFY_VERSION | TS_VFY_DATA | TS_VFY_SIGNATURE);
    (void)TS_VERIFY_CTX_set_data(rules, BIO_new_mem_buf(bytes, (int)len));
    (void)TS_VERIFY_CTX_set_store(rules, store);
    if (TS_RESP_verify_response(rules, response) != 1)
        st = refused(err);
    TS_VERIFY_CTX_free(rules);
    return st;
}

enum mu_status mu_timestamp_verify(const void *response, size_t response_len, const void *bytes,
                                   size_t len, const char *authorities, int64_t *ret_at_us,
                                   struct mu_error *err)
{
    TS_RESP *told = read_response(response, response_len);
    X509_STORE *store = NULL;
    int64_t at_us = 0;
    enum mu_status st = told && time_of(told, &at_us)
                                ? new_store(authorities, at_us, &store, err)
                                : mu_fail(err, MU_E_INVALID, "it is no time-stamp response");

    ERR_clear_error();
    if (st == MU_OK)
        st = verify_response(told, store, bytes, len, err);
    TS_RESP_free(told);
    ERR_clear_error();
    if (st == MU_OK)
        *ret_at_us = at_us;
    return st;
}
