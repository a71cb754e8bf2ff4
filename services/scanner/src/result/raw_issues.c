#include "result/raw_issues.h"

#include "check/checks.h"

/* The check's own words are in the row: a result is read without the program that wrote it. */
static void put_issue(struct json_stream *out, const struct image_issue *issue)
{
    const struct check *check = check_find(issue->check);

    json_open(out, NULL, '{');
    json_text(out, "check", issue->check);
    json_text(out, "title", check ? check->title : NULL);
    json_text(out, "severity", check ? check->severity : "unknown");
    json_text(out, "source", check ? check->source : NULL);
    json_text(out, "path", issue->path);
    if (issue->path)
        json_int(out, "layer", issue->layer_index);
    else
        json_text(out, "layer", NULL);
    if (issue->line > 0)
        json_int(out, "line", issue->line);
    else
        json_text(out, "line", NULL);
    json_text(out, "evidence", issue->evidence);
    json_close(out, '}');
}

void raw_issues_put(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "issues", '[');
    for (size_t i = 0; i < image->issue_count; i++)
        put_issue(out, &image->issues[i]);
    json_close(out, ']');
    json_open(out, "notes", '[');
    for (size_t i = 0; i < image->note_count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "path", image->notes[i].path);
        json_text(out, "message", image->notes[i].message);
        json_close(out, '}');
    }
    json_close(out, ']');
}
