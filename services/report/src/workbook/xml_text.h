/*
 * xml_text: text as it stands in XML: escaped, and the tags of a parsed document written again.
 */
#ifndef REPORT_WORKBOOK_XML_TEXT_H
#define REPORT_WORKBOOK_XML_TEXT_H

#include "base/buf.h"

/* For content and for attribute values in double quotes; white space of values is kept. */
void xml_escape(const char *text, struct mu_buf *out);
/* ` name="value"` for each of expat's attributes whose name is not in `without`, a list that NULL
 * ends. */
void xml_attributes(const char **attributes, const char *const *without, struct mu_buf *out);

#endif
