// SPDX-License-Identifier: BSD-3-Clause
#include "stats/ladder.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stats/show.h"
#include "stats/text.h"

#define LANE 32 // characters between two of caller, Hawse and callee

static void take(void *user, const struct st_record *record)
{
	struct st_ladder *l = user;
	char *text;

	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 32;
		struct st_ladder_item *items = realloc(l->items, room * sizeof(*items));

		if (!items) {
			l->lost = true;
			return;
		}
		l->items = items;
		l->room = room;
	}
	text = malloc((size_t)record->head.size + 1);
	if (!text) {
		l->lost = true;
		return;
	}
	memcpy(text, record->text, record->head.size);
	text[record->head.size] = '\0';
	l->items[l->count++] = (struct st_ladder_item){.head = record->head, .text = text};
}

static int by_time(const void *a, const void *b)
{
	const struct st_ladder_item *x = a, *y = b;

	return (x->head.time_us > y->head.time_us) - (x->head.time_us < y->head.time_us);
}

int st_ladder_read(struct st_ladder *ladder, const struct st_t *t, uint64_t call)
{
	int err = 0;
	size_t shard_first = 0;

	*ladder = (struct st_ladder){.realtime_offset_us = t->realtime_offset_us};
	for (uint32_t shard = 0; shard < t->shards && !err; shard++)
		err = st_trace_walk(t, shard, call, take, ladder, NULL);
	// One shard has the call and wrote it in order; should more have, time decides.
	for (size_t i = 1; i < ladder->count; i++)
		if (by_time(&ladder->items[i - 1], &ladder->items[i]) > 0)
			shard_first = i;
	if (shard_first)
		qsort(ladder->items, ladder->count, sizeof(*ladder->items), by_time);
	return err ? err : ladder->lost ? -ENOMEM : 0;
}

void st_ladder_free(struct st_ladder *ladder)
{
	for (size_t i = 0; i < ladder->count; i++)
		free(ladder->items[i].text);
	free(ladder->items);
	*ladder = (struct st_ladder){0};
}

// ---- what a message is

// The value of a header in `text`, by its name or its short one; NULL when there is none.
static const char *header(
	const char *text, size_t n, const char *name, char compact, size_t *length)
{
	const char *end = text + n, *line = memchr(text, '\n', n);

	while (line && ++line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		const char *colon = memchr(line, ':', (size_t)((stop ? stop : end) - line));
		size_t size = colon ? (size_t)(colon - line) : 0;

		if (*line == '\r' || *line == '\n')
			return NULL; // the body follows
		while (size && (line[size - 1] == ' ' || line[size - 1] == '\t'))
			size--;
		if (colon && ((size == strlen(name) && strncasecmp(line, name, size) == 0) ||
				     (size == 1 && compact &&
					     tolower((unsigned char)*line) == compact))) {
			const char *value = colon + 1, *last = stop ? stop : end;

			while (value < last && (*value == ' ' || *value == '\t'))
				value++;
			while (last > value && isspace((unsigned char)last[-1]))
				last--;
			*length = (size_t)(last - value);
			return value;
		}
		line = stop;
	}
	return NULL;
}

static bool has_sdp(const char *text, size_t n)
{
	size_t length;
	const char *type = header(text, n, "Content-Type", 'c', &length);

	return type && length >= 15 && strncasecmp(type, "application/sdp", 15) == 0;
}

void st_message_label(const char *text, size_t n, char *label, size_t size)
{
	bool sdp = has_sdp(text, n);
	const char *line = text;
	size_t length = 0;

	while (length < n && text[length] != '\r' && text[length] != '\n')
		length++;
	if (length > 8 && strncasecmp(line, "SIP/2.0 ", 8) == 0) {
		size_t cseq_length = 0;
		const char *cseq = header(text, n, "CSeq", 0, &cseq_length);
		const char *method = cseq ? memchr(cseq, ' ', cseq_length) : NULL;
		size_t method_length = method ? (size_t)(cseq + cseq_length - method - 1) : 0;

		// What a provisional answer is for nobody asks.
		if (line[8] == '1')
			method_length = 0;

		snprintf(label, size, "%.*s%s%.*s%s%s", (int)(length - 8), line + 8,
			method_length || sdp ? " (" : "", (int)method_length,
			method_length ? method + 1 : "",
			!sdp            ? ""
			: method_length ? ", SDP"
					: "SDP",
			method_length || sdp ? ")" : "");
		return;
	}
	snprintf(label, size, "%.*s%s", (int)strcspn(line, " \r\n"), line, sdp ? " (SDP)" : "");
	if (!label[0])
		snprintf(label, size, "(%zu bytes)", n);
}

// ---- drawing

static void fill(FILE *out, int c, int n)
{
	while (n-- > 0)
		fputc(c, out);
}

// |---- label --->| in one lane; the other one is empty.
static void arrow(FILE *out, bool right, const char *label)
{
	int n = (int)strlen(label), dashes = LANE - 3 - n;

	fputs(right ? "-" : "<", out);
	fill(out, '-', dashes / 2);
	fprintf(out, " %s ", label);
	fill(out, '-', dashes - dashes / 2 - 1);
	fputs(right ? ">" : "-", out);
}

static const char *const event_lane[] = {"caller: ", "callee: "};

static void draw_event(const struct st_ladder_item *item, const char *clock, FILE *out)
{
	char text[1024];

	st_clean(text, sizeof(text), item->text, item->head.size, ST_LINE);
	fprintf(out, "%-12s  |   * %s%s\n", clock,
		item->head.leg < 2 ? event_lane[item->head.leg] : "", text);
}

static void draw_message(const struct st_ladder_item *item, const char *clock, FILE *out)
{
	char raw[256], label[LANE - 5];
	bool sent = item->head.kind == ABI_TRACE_SENT;
	char source[ST_ADDR_TEXT], destination[ST_ADDR_TEXT];

	st_message_label(item->text, item->head.size, raw, sizeof(raw));
	st_clean(label, sizeof(label), raw, strlen(raw), ST_LINE);
	for (char *p = label; *p; p++)
		if (*p & 0x80)
			*p = '?';
	fprintf(out, "%-12s  |", clock);
	if (item->head.leg == 0) {
		arrow(out, !sent, label);
		fprintf(out, "|%*s|\n", LANE, "");
		return;
	}
	fill(out, ' ', LANE);
	if (item->head.leg == 1) {
		fputc('|', out);
		arrow(out, sent, label);
		fputs("|\n", out);
		return;
	}
	st_addr(source, item->head.source.ip, item->head.source.family, item->head.source.port);
	st_addr(destination, item->head.destination.ip, item->head.destination.family,
		item->head.destination.port);
	fprintf(out, "|   %s: %s to %s\n", label, source, destination);
}

static void draw_text(const struct st_ladder_item *item, FILE *out)
{
	size_t size = (size_t)item->head.size * 3 + 1;
	char *clean = malloc(size), *line, *rest;

	if (!clean)
		return;
	st_clean(clean, size, item->text, item->head.size, ST_LINES);
	for (rest = clean; (line = strsep(&rest, "\n"));)
		if (*line || rest)
			fprintf(out, "                    %s\n", line);
	free(clean);
}

// The party's address, as its first message has it.
static void party(const struct st_ladder *l, uint8_t leg, char out[ST_ADDR_TEXT])
{
	strcpy(out, "");
	for (size_t i = 0; i < l->count; i++) {
		const struct abi_trace *h = &l->items[i].head;
		const struct abi_addr *a =
			h->kind == ABI_TRACE_RECEIVED ? &h->source : &h->destination;

		if (h->kind == ABI_TRACE_EVENT || h->leg != leg)
			continue;
		st_addr(out, a->ip, a->family, a->port);
		return;
	}
}

void st_ladder_draw(const struct st_ladder *ladder, bool messages, FILE *out)
{
	char caller[ST_ADDR_TEXT], callee[ST_ADDR_TEXT];

	party(ladder, 0, caller);
	party(ladder, 1, callee);
	fprintf(out, "%14s%-*s%s%*s\n", "", LANE - 1, "caller", "Hawse", LANE - 1, "callee");
	fprintf(out, "%14s%-*s%*s\n", "", LANE + 1, caller, LANE + 2, callee);
	for (size_t i = 0; i < ladder->count; i++) {
		const struct st_ladder_item *item = &ladder->items[i];
		char clock[ST_TIME_TEXT];

		st_clock(clock, item->head.time_us, ladder->realtime_offset_us);
		if (item->head.kind == ABI_TRACE_EVENT) {
			draw_event(item, clock, out);
			continue;
		}
		draw_message(item, clock, out);
		if (messages)
			draw_text(item, out);
	}
}

// ---- JSON

static json_t *json_item(const struct st_ladder *l, const struct st_ladder_item *item)
{
	static const char *const kinds[] = {"", "received", "sent", "event"};
	static const char *const legs[] = {"caller", "callee"};
	const struct abi_trace *h = &item->head;
	char label[256];
	json_t *o = json_pack("{s:I, s:s, s:o}", "time_us",
		(json_int_t)(h->time_us + l->realtime_offset_us), "kind", kinds[h->kind & 3], "leg",
		h->leg < 2 ? json_string(legs[h->leg]) : json_null());

	if (h->kind != ABI_TRACE_EVENT) {
		st_message_label(item->text, h->size, label, sizeof(label));
		json_object_set_new(o, "message", st_json_string(label));
		json_object_set_new(
			o, "source", st_json_addr(h->source.ip, h->source.family, h->source.port));
		json_object_set_new(o, "destination",
			st_json_addr(
				h->destination.ip, h->destination.family, h->destination.port));
	}
	json_object_set_new(o, "text", st_json_text(item->text, h->size));
	return o;
}

json_t *st_ladder_json(const struct st_ladder *ladder)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ladder->count; i++)
		json_array_append_new(list, json_item(ladder, &ladder->items[i]));
	return list;
}
