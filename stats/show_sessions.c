// SPDX-License-Identifier: BSD-3-Clause
// hawsectl show sessions
#include <errno.h>

#include "stats/show.h"
#include "stats/text.h"
#include "stats/totals.h"

static void local_text(
	const struct st_a *a, const struct abi_leg_ports *leg, char out[ST_ADDR_TEXT + 8])
{
	struct abi_endpoint e;
	char address[ST_ADDR_TEXT];

	if (leg->kind == ABI_LEG_NONE || !st_a_endpoint(a, leg->endpoint, &e)) {
		snprintf(out, ST_ADDR_TEXT + 8, "-");
		return;
	}
	st_addr(address, e.ip, e.family, leg->rtp_port);
	if (leg->rtcp_port == leg->rtp_port)
		snprintf(out, ST_ADDR_TEXT + 8, "%s", address);
	else
		snprintf(out, ST_ADDR_TEXT + 8, "%s+%u", address, leg->rtcp_port - leg->rtp_port);
}

static void row(const struct st_a *a, struct st_table *table, uint32_t slot,
	const struct abi_session_entry *e, uint64_t now_us)
{
	char id[ST_ID_TEXT], time[ST_TIME_TEXT], local[2][ST_ADDR_TEXT + 8];
	struct abi_leg_stats stats[2] = {0};

	st_id(id, e->call);
	st_duration(time, e->created_us, now_us);
	for (unsigned leg = 0; leg < 2; leg++) {
		local_text(a, &e->ports[leg], local[leg]);
		st_a_leg(a, slot, e->generation, leg, &stats[leg]);
	}
	st_cell(table, "%u", slot);
	st_cell(table, "%u", e->generation);
	st_cell(table, "%s", st_session_state(e->state));
	st_cell(table, "%s", time);
	st_cell(table, "%u", e->worker);
	st_cell(table, "%s", id);
	st_cell(table, "%s", local[0]);
	st_cell(table, "%llu", (unsigned long long)stats[0].packets);
	st_cell(table, "%s", local[1]);
	st_cell(table, "%llu", (unsigned long long)stats[1].packets);
}

static json_t *json_leg(
	const struct st_a *a, uint32_t slot, const struct abi_session_entry *entry, unsigned leg)
{
	const struct abi_leg_ports *p = &entry->ports[leg];
	struct abi_leg_stats stats = {0};
	struct abi_endpoint e = {0};

	st_a_leg(a, slot, entry->generation, leg, &stats);
	st_a_endpoint(a, p->endpoint, &e);
	return json_pack("{s:o, s:i, s:i, s:b, s:o, s:I, s:I}", "address",
		st_json_addr(e.ip, e.family, 0), "rtp_port", (int)p->rtp_port, "rtcp_port",
		(int)p->rtcp_port, "muxed", p->kind == ABI_LEG_MUX, "remote",
		st_json_addr(stats.remote_ip, stats.remote_family, stats.remote_port),
		"received_packets", (json_int_t)stats.packets, "sent_packets",
		(json_int_t)stats.sent_packets);
}

static json_t *json_session(
	const struct st_a *a, uint32_t slot, const struct abi_session_entry *e, uint64_t now_us)
{
	json_t *legs = json_array();
	char call[ST_ID_TEXT];

	st_id(call, e->call);
	for (unsigned leg = 0; leg < 2 && leg < e->legs; leg++)
		json_array_append_new(legs, json_leg(a, slot, e, leg));
	return json_pack("{s:I, s:I, s:s, s:i, s:I, s:s, s:I, s:o}", "slot", (json_int_t)slot,
		"generation", (json_int_t)e->generation, "state", st_session_state(e->state),
		"worker", (int)e->worker, "owner", (json_int_t)e->owner, "call", call, "age_ms",
		(json_int_t)(now_us > e->created_us ? (now_us - e->created_us) / 1000 : 0), "legs",
		legs);
}

int st_show_sessions(const struct st_show *s)
{
	const struct st_a *a = &s->r->a;
	struct st_table *table = NULL;
	json_t *sessions = NULL;
	unsigned count = 0;

	if (!st_has_media(s->r))
		return st_not_running(s, &s->r->media, "hawse-media");
	if (s->json)
		sessions = json_array();
	else
		table = st_table_new(
			">SLOT|>GENERATION|STATE|>AGE|>WORKER|CALL|CALLER SIDE|>PACKETS|"
			"CALLEE SIDE|>PACKETS");
	for (uint32_t slot = 0, end; st_a_range(a, &slot, &end);) {
		for (; slot < end; slot++) {
			struct abi_session_entry e;

			if (!st_a_session(a, slot, &e) || e.state == ABI_SESSION_FREE)
				continue;
			if (e.state == ABI_SESSION_QUARANTINE && !s->all)
				continue;
			count++;
			if (s->json)
				json_array_append_new(
					sessions, json_session(a, slot, &e, s->now_us));
			else
				row(a, table, slot, &e, s->now_us);
		}
	}
	if (s->json)
		return st_print_json(s, json_pack("{s:o}", "sessions", sessions));
	if (st_table_print(table, s->out))
		return ST_EXIT_FAILED;
	fprintf(s->out, "%u session%s of at most %u%s\n", count, count == 1 ? "" : "s", a->sessions,
		s->all ? "" : " (resting ones by --all)");
	return ST_EXIT_OK;
}
