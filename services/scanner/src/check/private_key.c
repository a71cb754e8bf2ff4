#include "check/private_key.h"

#include "check/secret_text.h"

#include <stdint.h>
#include <string.h>

enum { HEAD_CHARS = 32, BODY_MAX_CHARS = 32 * 1024, BODY_MIN_CHARS = 56, ARMOR_MAX_LINES = 16 };

static const char end_mark[] = "-----END ";

/* What the body of a label must be. */
struct body {
    char head[HEAD_CHARS]; /* the first characters of base64 */
    size_t chars;          /* all of them, without padding */
};

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : 63;
}

/* The outer SEQUENCE ends where the body ends. */
static bool is_der(const struct body *body)
{
    uint8_t bytes[HEAD_CHARS / 4 * 3];
    size_t total = body->chars * 3 / 4, length, header = 2;

    for (size_t i = 0; i < HEAD_CHARS / 4; i++) {
        uint32_t group = 0;

        for (size_t j = 0; j < 4; j++)
            group = group << 6 | (uint32_t)base64_value(body->head[i * 4 + j]);
        bytes[i * 3] = (uint8_t)(group >> 16);
        bytes[i * 3 + 1] = (uint8_t)(group >> 8);
        bytes[i * 3 + 2] = (uint8_t)group;
    }
    length = bytes[1];
    if (length > 0x82)
        return false; /* no private key is longer than 64 KiB */
    if (length >= 0x80) {
        header += length & 0x7fU;
        length = length == 0x81 ? bytes[2] : (size_t)bytes[2] << 8 | bytes[3];
    }
    return bytes[0] == 0x30 && header + length == total;
}

/* "openssh-key-v1", NUL, then the cipher's name with its length: "none". */
static bool is_open_ssh(const struct body *body)
{
    static const char plain[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";

    return memcmp(body->head, plain, sizeof(plain) - 2) == 0;
}

/* A packet of tag 5 comes first: 0x94 to 0x97 of the old form, 0xc5 of the new. */
static bool is_open_pgp(const struct body *body)
{
    return body->head[0] == 'l' || (body->head[0] == 'x' && strchr("QRSTUVWX", body->head[1]));
}

struct label {
    const char *text;
    bool (*right)(const struct body *body);
};

static const struct label labels[] = {
        {"PRIVATE KEY-----", is_der},
        {"RSA PRIVATE KEY-----", is_der},
        {"EC PRIVATE KEY-----", is_der},
        {"DSA PRIVATE KEY-----", is_der},
        {"OPENSSH PRIVATE KEY-----", is_open_ssh},
        {"PGP PRIVATE KEY BLOCK-----", is_open_pgp},
};

static const struct label *label_at(struct text_piece text, size_t at)
{
    struct text_piece rest = {text.text + at, text.len - at};

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (text_piece_starts(rest, labels[i].text))
            return &labels[i];
    }
    return NULL;
}

/* Length of a line end or blank at `at`, also of an escaped one; 0: none. */
static size_t blank_at(struct text_piece text, size_t at)
{
    size_t slashes = 0;

    if (at < text.len && strchr(" \t\r\n", text.text[at]) && text.text[at] != '\0')
        return 1;
    while (at + slashes < text.len && text.text[at + slashes] == '\\' && slashes < 4)
        slashes++;
    if (slashes > 0 && at + slashes < text.len && strchr("nr\n", text.text[at + slashes]) &&
        text.text[at + slashes] != '\0')
        return slashes + 1;
    return 0;
}

/* Armor headers ("Version: x") up to the empty line. */
static size_t armor_skip(struct text_piece text, size_t at)
{
    struct text_lines lines = text_lines_of(text.text + at, text.len - at);
    struct text_piece line;

    while (lines.number < ARMOR_MAX_LINES && text_lines_next(&lines, &line)) {
        if (lines.number > 1 && line.len == 0)
            return (size_t)(lines.at - text.text);
        if (line.len > 0 && !memchr(line.text, ':', line.len))
            return at;
    }
    return at;
}

/* Reads base64 with blanks in it; where it ends is returned. */
static size_t body_read(struct text_piece text, size_t at, struct body *ret_body)
{
    size_t blank;

    *ret_body = (struct body){.chars = 0};
    memset(ret_body->head, 'A', sizeof(ret_body->head));
    while (at < text.len && ret_body->chars <= BODY_MAX_CHARS) {
        if ((blank = blank_at(text, at)) > 0) {
            at += blank;
        } else if (secret_run(text, at, 1, SECRET_BASE64) == 1) {
            if (ret_body->chars < HEAD_CHARS)
                ret_body->head[ret_body->chars] = text.text[at];
            ret_body->chars++;
            at++;
        } else {
            break;
        }
    }
    return at;
}

/* Padding, and OpenPGP's checksum, before the end mark. */
static size_t tail_skip(struct text_piece text, size_t at)
{
    size_t blank;

    while (at < text.len) {
        if (text.text[at] == '=')
            at += 1 + (secret_run(text, at + 1, 5, SECRET_BASE64) == 4 ? 4U : 0U);
        else if ((blank = blank_at(text, at)) > 0)
            at += blank;
        else
            break;
    }
    return at;
}

size_t private_key_length(struct text_piece text, size_t at)
{
    size_t label_start = at + strlen("-----BEGIN "), end;
    const struct label *label = label_start < text.len ? label_at(text, label_start) : NULL;
    struct body body;

    if (!label)
        return 0;
    end = label_start + strlen(label->text);
    if (label->right == is_open_pgp)
        end = armor_skip(text, end);
    end = tail_skip(text, body_read(text, end, &body));
    if (body.chars < BODY_MIN_CHARS || body.chars > BODY_MAX_CHARS ||
        !text_piece_starts((struct text_piece){text.text + end, text.len - end}, end_mark) ||
        !label->right(&body))
        return 0;
    return end + sizeof(end_mark) - 1 - at;
}
