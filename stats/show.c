// SPDX-License-Identifier: BSD-3-Clause
#include "stats/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stats/text.h"
#include "stats/totals.h"

int st_not_running(const struct st_show *s, const struct st_link *link, const char *process)
{
	char text[256];

	st_explain(link, process, text, sizeof(text));
	fprintf(s->err, "hawsectl: %s\n", text);
	return ST_EXIT_NOT_RUNNING;
}

int st_print_json(const struct st_show *s, json_t *root)
{
	int err = root ? json_dumpf(root, s->out, JSON_INDENT(2)) : -1;

	json_decref(root);
	if (err || fputc('\n', s->out) == EOF) {
		fprintf(s->err, "hawsectl: cannot write: %s\n",
			root ? strerror(errno) : "out of memory");
		return ST_EXIT_FAILED;
	}
	return ST_EXIT_OK;
}

json_t *st_json_text(const char *text, size_t n)
{
	char *clean = malloc(3 * n + 1);
	json_t *value;

	if (!clean)
		return NULL;
	n = st_clean(clean, 3 * n + 1, text, n, ST_BYTES);
	value = json_stringn(clean, n);
	free(clean);
	return value;
}

json_t *st_json_string(const char *text)
{
	return st_json_text(text, strlen(text));
}

json_t *st_json_addr(const uint8_t ip[16], uint8_t family, uint16_t port)
{
	char text[ST_ADDR_TEXT];

	if (family != 4 && family != 6)
		return json_null();
	st_addr(text, ip, family, port);
	return json_string(text);
}

void st_id(char out[ST_ID_TEXT], uint64_t id)
{
	snprintf(out, ST_ID_TEXT, "%016" PRIx64, id);
}

// Milliseconds of Unix time, or null for what has not been.
static json_t *moment(uint64_t time_us, uint64_t realtime_offset_us)
{
	return time_us ? json_integer((json_int_t)((time_us + realtime_offset_us) / 1000))
		       : json_null();
}

json_t *st_json_call(const struct abi_call *call, uint64_t now_us, uint64_t realtime_offset_us)
{
	uint64_t since = call->answer_us ? call->answer_us : call->start_us;
	char id[ST_ID_TEXT];

	st_id(id, call->id);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:b, s:i, s:i, "
			 "s:[o,o]}",
		"id", id, "state", st_call_state(call->state), "from", st_json_string(call->from),
		"to", st_json_string(call->to), "caller_peer", st_json_string(call->peer[0]),
		"callee_peer", st_json_string(call->peer[1]), "codec", st_json_string(call->codec),
		"callee_codec",
		st_json_string(call->far_codec[0] ? call->far_codec : call->codec),
		"start_ms", moment(call->start_us, realtime_offset_us), "answer_ms",
		moment(call->answer_us, realtime_offset_us), "duration_ms",
		(json_int_t)(now_us > since && since ? (now_us - since) / 1000 : 0),
		"held_by_caller", call->held & 1, "held_by_callee", (call->held >> 1) & 1,
		"streams", (int)call->streams, "shard", (int)call->shard, "call_ids",
		st_json_string(call->call_id[0]), st_json_string(call->call_id[1]));
}
