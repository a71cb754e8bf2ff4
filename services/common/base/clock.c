#include "base/clock.h"

#include <string.h>
#include <time.h>

static const int64_t us_per_second = 1000000, seconds_per_day = 86400;
/* 10000-01-01: an offset or a leap second could lead there, and nothing could write it. */
static const int64_t end_of_years_us = 253402300800 * 1000000;

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back; years 1 to 9999.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t era = shifted / 400, of_era = shifted % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    *ret_day = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

int64_t mu_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * us_per_second + now.tv_nsec / 1000;
}

uint64_t mu_monotonic_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* `digits` digits and what follows them; gives the place behind. Messages carry three times each:
 * snprintf would take longer than the rest of the message. */
static char *put_number(char *at, int digits, int64_t number, char behind)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    at[digits] = behind;
    return at + digits + 1;
}

void mu_time_format(int64_t at_us, char ret_text[MU_TIME_TEXT_SIZE])
{
    int64_t seconds = at_us / us_per_second, us = at_us % us_per_second;
    int64_t days, year, month, day;
    char *at;

    if (us < 0) {
        us += us_per_second;
        seconds--;
    }
    days = seconds / seconds_per_day;
    seconds %= seconds_per_day;
    if (seconds < 0) {
        seconds += seconds_per_day;
        days--;
    }
    date_of(days, &year, &month, &day);
    at = put_number(ret_text, 4, year, '-');
    at = put_number(at, 2, month, '-');
    at = put_number(at, 2, day, 'T');
    at = put_number(at, 2, seconds / 3600, ':');
    at = put_number(at, 2, seconds / 60 % 60, ':');
    at = put_number(at, 2, seconds % 60, '.');
    at = put_number(at, 6, us, 'Z');
    *at = '\0';
}

bool mu_time_valid(int64_t at_us)
{
    return at_us >= 0 && at_us < end_of_years_us;
}

struct cursor {
    const char *at, *end;
};

/* Exactly `count` digits. */
static bool take_digits(struct cursor *cursor, int count, int64_t *ret_value)
{
    int64_t value = 0;

    for (; count > 0; count--) {
        if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
            return false;
        value = value * 10 + (*cursor->at++ - '0');
    }
    *ret_value = value;
    return true;
}

/* One of the characters in `set`. */
static bool take(struct cursor *cursor, const char *set)
{
    if (cursor->at == cursor->end || !*cursor->at || !strchr(set, *cursor->at))
        return false;
    cursor->at++;
    return true;
}

/* ".123456789", cut to microseconds; absent is 0. */
static bool take_fraction(struct cursor *cursor, int64_t *ret_us)
{
    int64_t us = 0;
    int digits = 0;

    if (!take(cursor, ".")) {
        *ret_us = 0;
        return true;
    }
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; digits++) {
        if (digits < 6)
            us = us * 10 + (*cursor->at - '0');
        cursor->at++;
    }
    for (int i = digits; i < 6; i++)
        us *= 10;
    *ret_us = us;
    return digits >= 1 && digits <= 9;
}

/* "Z", "+02:00" or "-08:00", as seconds east of UTC. */
static bool take_offset(struct cursor *cursor, int64_t *ret_seconds)
{
    bool west = cursor->at < cursor->end && *cursor->at == '-';
    int64_t hours, minutes;

    if (take(cursor, "Zz")) {
        *ret_seconds = 0;
        return true;
    }
    if (!take(cursor, "+-") || !take_digits(cursor, 2, &hours) || !take(cursor, ":") ||
        !take_digits(cursor, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

static bool take_date(struct cursor *cursor, int64_t *ret_days)
{
    int64_t year, month, day;

    if (!take_digits(cursor, 4, &year) || !take(cursor, "-") || !take_digits(cursor, 2, &month) ||
        !take(cursor, "-") || !take_digits(cursor, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *ret_days = days_of(year, month, day);
    return true;
}

/* A leap second (":60") counts as the first instant of the next minute. */
static bool take_clock(struct cursor *cursor, int64_t *ret_seconds)
{
    int64_t hour, minute, second;

    if (!take_digits(cursor, 2, &hour) || !take(cursor, ":") || !take_digits(cursor, 2, &minute) ||
        !take(cursor, ":") || !take_digits(cursor, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

enum mu_status mu_time_parse(const char *text, size_t len, int64_t *ret_at_us, struct mu_error *err)
{
    struct cursor cursor = {text, text + len};
    int64_t days, seconds, us, offset, at_us;

    if (!take_date(&cursor, &days) || !take(&cursor, "Tt ") || !take_clock(&cursor, &seconds) ||
        !take_fraction(&cursor, &us) || !take_offset(&cursor, &offset) || cursor.at != cursor.end)
        return mu_fail(err, MU_E_INVALID, "'%.*s' is no RFC 3339 time since 1970",
                       (int)(len < 40 ? len : 40), text);
    at_us = (days * seconds_per_day + seconds - offset) * us_per_second + us;
    if (!mu_time_valid(at_us))
        return mu_fail(err, MU_E_INVALID, "'%.*s' lies before 1970 or after 9999",
                       (int)(len < 40 ? len : 40), text);
    *ret_at_us = at_us;
    return MU_OK;
}

enum mu_status mu_month_parse(const char *text, int64_t *ret_begin_us, int64_t *ret_end_us,
                              struct mu_error *err)
{
    struct cursor cursor = {text, text + strlen(text)};
    int64_t year, month;

    if (!take_digits(&cursor, 4, &year) || !take(&cursor, "-") ||
        !take_digits(&cursor, 2, &month) || cursor.at != cursor.end || year < 1970 || month < 1 ||
        month > 12)
        return mu_fail(err, MU_E_INVALID, "'%.20s' is no month; write it like 2026-11", text);
    *ret_begin_us = days_of(year, month, 1) * seconds_per_day * us_per_second;
    *ret_end_us = days_of(year + month / 12, month % 12 + 1, 1) * seconds_per_day * us_per_second;
    return MU_OK;
}
