// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "controlplane/call/call.h"
#include "controlplane/call/order.h"
#include "controlplane/log.h"

static struct cp_recordings *of(struct cp_call *call)
{
	if (!call->recordings)
		call->recordings = calloc(1, sizeof(*call->recordings));
	return call->recordings;
}

static void name_file(const struct cp_call *call, unsigned kind, unsigned number,
	char out[CP_RECORDING_FILE])
{
	time_t now = (time_t)((call->shard->now_us + call->shard->realtime_offset_us) / 1000000);
	struct tm tm = {0};

	gmtime_r(&now, &tm);
	snprintf(out, CP_RECORDING_FILE, "%04u%02u%02u/%016" PRIx64 "-%u.%s",
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		(unsigned)tm.tm_mday % 100, call->id, number % 100,
		kind == CFG_RECORD_WAV ? "wav" : "pcap");
}

// ---- what hawse-media says --------------------------------------------------------------------------

static void failed(struct cp_call *call, unsigned id, int error)
{
	struct cp_recordings *r = call->recordings;

	cp_log(CP_LOG_ERROR, "record", call->id, "recording failed: %s", strerror(-error));
	cp_call_event(call, 255, "recording failed: %s", strerror(-error));
	if (!r || !r->count || id != r->count)
		return;
	r->kind = CFG_RECORD_NO;
	r->count--; // there is no such file
	cp_call_touch(call, false);
}

static void on_started(struct cp_session *s, const struct abi_msg *command, int error)
{
	const struct abi_record *order = (const struct abi_record *)command->payload;

	if (error && error != -ECONNRESET)
		failed(s->call, order->id, error);
	else if (!error)
		cp_call_event(s->call, 255, "recorded to %.127s", order->file);
}

void cp_recording_event(struct cp_session *s, const struct abi_msg *event)
{
	const struct abi_event_record *e = (const struct abi_event_record *)event->payload;
	struct cp_call *call = s->call;
	struct cp_recordings *r = call->recordings;

	if (e->cause == ABI_RECORD_DISK_FULL || e->cause == ABI_RECORD_FAILED)
		cp_log(CP_LOG_ERROR, "record", call->id, "recording ended after %u s: %s", e->ms / 1000,
			e->cause == ABI_RECORD_DISK_FULL ? "the disk is full" : strerror(-e->error));
	cp_call_event(call, 255, "recording ended: %" PRIu64 " packets, %" PRIu64 " bytes%s",
		e->packets, e->octets, e->cause == ABI_RECORD_DISK_FULL ? ", the disk is full" : "");
	if (r && e->id == r->count) {
		r->kind = CFG_RECORD_NO;
		cp_call_touch(call, false);
	}
}

// ---- orders -----------------------------------------------------------------------------------------

static int begin(struct cp_call *call, struct cp_session *s, unsigned kind)
{
	struct cp_recordings *r = of(call);
	struct abi_record order = {.legs = 3};

	if (!r)
		return -ENOMEM;
	if (r->count == CP_RECORDINGS)
		return -EMFILE;
	order.kind = kind == CFG_RECORD_WAV ? ABI_RECORD_WAV : ABI_RECORD_PCAP;
	order.id = r->count + 1u;
	if (kind == CFG_RECORD_WAV) {
		order.codec[0][0] = s->heard[0];
		order.codec[1][0] = s->heard[1];
	}
	name_file(call, kind, order.id, r->file[r->count]);
	snprintf(order.file, sizeof(order.file), "%s", r->file[r->count]);
	if (cp_order_give(s, ABI_RECORD, &order, sizeof(order), on_started))
		return -ENOMEM;
	r->count++;
	r->kind = (uint8_t)kind;
	cp_call_touch(call, false);
	return 0;
}

int cp_recording_start(struct cp_call *call, unsigned kind)
{
	struct cp_session *s = cp_order_session(call);

	if (call->recordings && call->recordings->kind)
		return -EALREADY;
	if (!call->policy->cfg->recordings[0])
		return -EOPNOTSUPP;
	if (!s || call->state != ABI_CALL_UP)
		return -ENOTCONN;
	return begin(call, s, kind);
}

int cp_recording_stop(struct cp_call *call)
{
	struct cp_recordings *r = call->recordings;
	struct cp_session *s = cp_order_session(call);
	struct abi_record_stop order = {0};

	if (!r || !r->kind || !s)
		return -EALREADY;
	order.id = r->count;
	r->kind = CFG_RECORD_NO;
	cp_call_touch(call, false);
	return cp_order_give(s, ABI_RECORD_STOP, &order, sizeof(order), NULL);
}

void cp_recording_up(struct cp_call *call)
{
	unsigned kind = CFG_RECORD_NO;
	int err;

	for (unsigned leg = 0; leg < 2; leg++)
		if (call->leg[leg].peer->cfg->codecs.record)
			kind = call->leg[leg].peer->cfg->codecs.record;
	if (!kind)
		return;
	err = cp_recording_start(call, kind);
	if (err && err != -EALREADY)
		cp_log(CP_LOG_ERROR, "record", call->id, "is not recorded: %s", strerror(-err));
}

void cp_recording_again(struct cp_session *s)
{
	struct cp_recordings *r = s->call->recordings;
	unsigned kind = r ? r->kind : CFG_RECORD_NO;

	if (!kind || s != cp_order_session(s->call))
		return;
	r->kind = CFG_RECORD_NO;
	begin(s->call, s, kind);
}

void cp_recording_tape(struct sip_tape *t, struct cp_recordings *r)
{
	sip_tape_u8(t, &r->kind);
	sip_tape_u8(t, &r->count);
	sip_tape_check(t, r->kind <= CFG_RECORD_PCAP && r->count <= CP_RECORDINGS);
	for (unsigned i = 0; i < r->count && !t->bad; i++)
		sip_tape_text(t, r->file[i], sizeof(r->file[i]));
}
