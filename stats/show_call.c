// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show call ID: the call's entry in region T, its media in region A, its messages in the trace.
// A call that has ended is still in the trace for a while.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stats/ladder.h"
#include "stats/show.h"
#include "stats/text.h"
#include "stats/totals.h"

static const char *const sides[] = {"caller", "callee"};

// 1 to 16 hexadecimal digits, not 0.
static bool read_id(const char *text, uint64_t *id)
{
	size_t n = text ? strspn(text, "0123456789abcdefABCDEF") : 0;

	if (!n || n > 16 || text[n])
		return false;
	*id = strtoull(text, NULL, 16);
	return *id != 0;
}

static bool find_call(const struct st_t *t, uint64_t id, struct abi_call *call)
{
	for (uint32_t slot = 0, end; st_t_range(t, &slot, &end);)
		for (; slot < end; slot++)
			if (st_t_call(t, slot, call) && call->id == id &&
				call->state != ABI_CALL_FREE)
				return true;
	return false;
}

// ---- media

static unsigned stream_count(const struct abi_call *call)
{
	return call->streams < 4 ? call->streams : 4;
}

// The session of a stream, when hawse-media still has it.
static bool find_session(const struct st_reader *r, const struct abi_call *call, unsigned stream,
	struct abi_session_entry *entry)
{
	return st_has_media(r) && st_a_session(&r->a, call->media_slot[stream], entry) &&
	       entry->generation == call->media_generation[stream] &&
	       entry->state != ABI_SESSION_FREE;
}

static const char *learned(const struct abi_leg_stats *s)
{
	return s->learned == 0 ? "signalled" : s->learned == 1 ? "learned" : "confirmed";
}

static void media_row(const struct st_reader *r, struct st_table *table,
	const struct abi_call *call, const struct abi_session_entry *e, unsigned stream,
	unsigned leg)
{
	char local[ST_ADDR_TEXT], remote[ST_ADDR_TEXT];
	struct abi_leg_stats s = {0};
	struct abi_endpoint endpoint = {0};

	st_a_leg(&r->a, call->media_slot[stream], call->media_generation[stream], leg, &s);
	st_a_endpoint(&r->a, e->ports[leg].endpoint, &endpoint);
	st_addr(local, endpoint.ip, endpoint.family, e->ports[leg].rtp_port);
	st_addr(remote, s.remote_ip, s.remote_family, s.remote_port);
	st_cell(table, "%s", sides[leg]);
	st_cell(table, "%s", local);
	st_cell(table, "%s", remote);
	st_cell(table, "%s", s.remote_family ? learned(&s) : "-");
	st_cell(table, "%llu", (unsigned long long)s.packets);
	st_cell(table, "%u", s.lost);
	st_cell(table, "%u", s.out_of_order);
	st_cell(table, "%u", s.duplicate);
	st_cell(table, "%.1f", s.jitter_us / 1000.0);
	st_cell(table, "%llu", (unsigned long long)s.sent_packets);
	st_cell(table, "%u", s.dropped);
	st_cell(table, "%u", s.strangers);
}

static void print_media(const struct st_show *s, const struct abi_call *call)
{
	if (!st_has_media(s->r)) {
		char text[256];

		st_explain(&s->r->media, "hawse-media", text, sizeof(text));
		fprintf(s->out, "\nMedia: not shown: %s\n", text);
		return;
	}
	for (unsigned i = 0; i < stream_count(call); i++) {
		struct abi_session_entry e;
		struct st_table *table;

		if (!find_session(s->r, call, i, &e)) {
			fprintf(s->out, "\nMedia %u: no session\n", i + 1);
			continue;
		}
		fprintf(s->out, "\nMedia %u: session %u, worker %u, %s\n", i + 1,
			call->media_slot[i], e.worker, st_session_state(e.state));
		table = st_table_new("FROM|HAWSE|PARTY|ADDRESS|>RECEIVED|>LOST|>ORDER|>DOUBLE|"
				     ">JITTER ms|>SENT|>DROPPED|>STRANGERS");
		for (unsigned leg = 0; leg < 2 && leg < e.legs; leg++)
			media_row(s->r, table, call, &e, i, leg);
		st_table_print(table, s->out);
	}
}

static json_t *json_leg(const struct st_reader *r, const struct abi_call *call,
	const struct abi_session_entry *e, unsigned stream, unsigned leg)
{
	struct abi_leg_stats s = {0};
	struct abi_endpoint endpoint = {0};

	st_a_leg(&r->a, call->media_slot[stream], call->media_generation[stream], leg, &s);
	st_a_endpoint(&r->a, e->ports[leg].endpoint, &endpoint);
	return json_pack(
		"{s:s, s:o, s:i, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, "
		"s:I, s:I, s:i}",
		"side", sides[leg], "local",
		st_json_addr(endpoint.ip, endpoint.family, e->ports[leg].rtp_port), "rtcp_port",
		(int)e->ports[leg].rtcp_port, "remote",
		st_json_addr(s.remote_ip, s.remote_family, s.remote_port), "remote_is", learned(&s),
		"received_packets", (json_int_t)s.packets, "received_octets", (json_int_t)s.octets,
		"sent_packets", (json_int_t)s.sent_packets, "sent_octets",
		(json_int_t)s.sent_octets, "lost", (json_int_t)s.lost, "duplicate",
		(json_int_t)s.duplicate, "out_of_order", (json_int_t)s.out_of_order, "jitter_ms",
		s.jitter_us / 1000.0, "dropped", (json_int_t)s.dropped, "strangers",
		(json_int_t)s.strangers, "rtcp_packets", (json_int_t)s.rtcp_packets, "ssrc",
		(json_int_t)s.ssrc, "payload_type", (int)s.payload_type);
}

static json_t *json_media(const struct st_reader *r, const struct abi_call *call)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < stream_count(call); i++) {
		struct abi_session_entry e;
		json_t *legs;

		if (!find_session(r, call, i, &e))
			continue;
		legs = json_array();
		for (unsigned leg = 0; leg < 2 && leg < e.legs; leg++)
			json_array_append_new(legs, json_leg(r, call, &e, i, leg));
		json_array_append_new(list,
			json_pack("{s:I, s:I, s:i, s:s, s:o}", "slot",
				(json_int_t)call->media_slot[i], "generation",
				(json_int_t)call->media_generation[i], "worker", (int)e.worker,
				"state", st_session_state(e.state), "legs", legs));
	}
	return list;
}

// ---- the whole

static void print_head(const struct st_show *s, const struct abi_call *call)
{
	char id[ST_ID_TEXT], time[ST_TIME_TEXT], text[3 * 104 + 1], far[3 * 24 + 1];
	const char *numbers[] = {call->from, call->to};

	st_id(id, call->id);
	st_duration(time, call->answer_us ? call->answer_us : call->start_us, s->now_us);
	st_clean(text, sizeof(text), call->codec, strlen(call->codec), ST_LINE);
	st_clean(far, sizeof(far), call->far_codec, strlen(call->far_codec), ST_LINE);
	fprintf(s->out, "Call %s: %s for %s%s%s%s%s%s%s\n", id, st_call_state(call->state), time,
		text[0] ? ", " : "", text, far[0] ? " transcoded to " : "", far,
		call->held & 1 ? ", caller holds" : "",
		call->held & 2 ? ", callee holds" : "");
	for (unsigned i = 0; i < 2; i++) {
		st_clean(text, sizeof(text), numbers[i], strlen(numbers[i]), ST_LINE);
		fprintf(s->out, "  %s  %-24s", sides[i], text[0] ? text : "-");
		st_clean(text, sizeof(text), call->peer[i], strlen(call->peer[i]), ST_LINE);
		fprintf(s->out, "  peer %-16s", text[0] ? text : "-");
		st_clean(text, sizeof(text), call->call_id[i], strlen(call->call_id[i]), ST_LINE);
		fprintf(s->out, "  Call-ID %s\n", text[0] ? text : "-");
	}
}

static int print_json(const struct st_show *s, const struct abi_call *call, uint64_t id,
	bool running, const struct st_ladder *ladder)
{
	char text[ST_ID_TEXT];
	json_t *root;

	st_id(text, id);
	if (running) {
		root = st_json_call(call, s->now_us, s->r->t.realtime_offset_us);
		json_object_set_new(root, "media", json_media(s->r, call));
	} else {
		root = json_pack("{s:s, s:s}", "id", text, "state", "ended");
	}
	json_object_set_new(root, "messages", st_ladder_json(ladder));
	return st_print_json(s, root);
}

static int not_found(const struct st_show *s, uint64_t id)
{
	char text[ST_ID_TEXT];

	st_id(text, id);
	fprintf(s->err,
		"hawsectl: no call %s: it never was, or it ended so long ago that the trace has "
		"forgotten it (sip.trace in the configuration says how much is kept)\n",
		text);
	return ST_EXIT_NOT_FOUND;
}

int st_show_call(const struct st_show *s)
{
	struct st_ladder ladder = {0};
	struct abi_call call = {0};
	int code = ST_EXIT_FAILED;
	uint64_t id;
	bool running;

	if (!read_id(s->id, &id)) {
		fprintf(s->err,
			"hawsectl: expected a call's ID, 16 hexadecimal digits as 'hawsectl show "
			"calls' prints them\n");
		return ST_EXIT_USAGE;
	}
	if (!st_has_sip(s->r))
		return st_not_running(s, &s->r->sip, "hawse-sip");
	running = find_call(&s->r->t, id, &call);
	if (st_ladder_read(&ladder, &s->r->t, id)) {
		fprintf(s->err, "hawsectl: out of memory\n");
		goto out;
	}
	if (!running && !ladder.count) {
		code = not_found(s, id);
		goto out;
	}
	if (s->json) {
		code = print_json(s, &call, id, running, &ladder);
		goto out;
	}
	call.id = id;
	if (running) {
		print_head(s, &call);
		print_media(s, &call);
	} else {
		fprintf(s->out, "Call %016llx: ended\n", (unsigned long long)id);
	}
	fputc('\n', s->out);
	st_ladder_draw(&ladder, s->messages, s->out);
	if (!s->messages)
		fprintf(s->out, "\nthe messages as they were: --messages\n");
	code = ST_EXIT_OK;
out:
	st_ladder_free(&ladder);
	return code;
}
