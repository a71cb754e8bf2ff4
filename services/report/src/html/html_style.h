/* html_style: the style of the report, for screens light and dark and for paper. */
#ifndef REPORT_HTML_STYLE_H
#define REPORT_HTML_STYLE_H

extern const char html_style[];

#endif
