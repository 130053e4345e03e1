// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/abi/shm.h"
#include "dataplane/media/rtp.h"

#define SECOND_US  1000000u
#define HORIZON_US 600000u // what is older is final: the playout buffers have given it out
#define GAP_US     60000u  // so much of nothing is silence; less is the play of the clocks
#define FRAME_MS   20u
#define DEEPEST    8u

// ---- the file

// Makes the directories of `name` and returns the descriptor of the last one, and the file's own name.
static int open_directory(int base, char *name, const char **file)
{
	int fd = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
	char *slash;

	for (unsigned depth = 0; fd >= 0 && (slash = strchr(name, '/')); depth++) {
		*slash = '\0';
		if (depth == DEEPEST || (mkdirat(fd, name, 0750) < 0 && errno != EEXIST)) {
			int err = depth == DEEPEST ? ENAMETOOLONG : errno;

			close(fd);
			errno = err;
			return -1;
		}
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
		name = slash + 1;
	}
	*file = name;
	return fd;
}

static int open_file(int base, const char *wish)
{
	char name[ABI_FILE];
	const char *file;
	int directory, fd, err;

	memcpy(name, wish, sizeof(name));
	directory = open_directory(base, name, &file);
	if (directory < 0)
		return -errno;
	fd = openat(directory, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	err = fd < 0 ? -errno : fd;
	close(directory);
	return err;
}

bool recording_ended(const struct recording *r)
{
	return r->order->done.cause != 0;
}

// It can't go on.
static void fail(struct recording *r, int err)
{
	r->order->done.error = err;
	r->order->done.cause = err == -ENOSPC || err == -EDQUOT || err == -EFBIG
				       ? ABI_RECORD_DISK_FULL
				       : ABI_RECORD_FAILED;
}

static void write_block(struct recording *r)
{
	uint32_t done = 0;

	while (done < r->filled && !recording_ended(r)) {
		ssize_t n = write(r->fd, r->block + done, r->filled - done);

		if (n > 0)
			done += (uint32_t)n;
		else if (n < 0 && errno != EINTR)
			fail(r, -errno);
	}
	r->octets -= r->filled - done;
	r->filled = 0;
}

// Room for `size` bytes in the block.
static uint8_t *room(struct recording *r, size_t size)
{
	if (r->filled + size > RECORDING_BLOCK)
		write_block(r);
	return recording_ended(r) ? NULL : r->block + r->filled;
}

static void put(struct recording *r, size_t size)
{
	r->filled += (uint32_t)size;
	r->octets += size;
}

// ---- beginning

static int open_leg(struct recording *r, unsigned leg)
{
	const struct dp_record_order *o = r->order;
	struct recording_leg *l = &r->leg[leg];

	l->pcm = calloc(RECORDING_RING, sizeof(*l->pcm));
	if (!l->pcm)
		return -ENOMEM;
	for (unsigned i = 0; i < o->codecs[leg]; i++) {
		struct codec_path_config c = {.flags = CODEC_PATH_PLAYOUT, .min_delay_ms = 40};
		const struct codec_name *name;
		int err;

		for (unsigned n = 0; (name = codec_name_at(n)); n++)
			if (name->id == CODEC_L16 && name->rtp_clock == r->rate &&
				name->channels == 1)
				break;
		if (!name)
			return -EINVAL;
		codec_format_init(&c.to.format, name);
		c.to.format.ptime = FRAME_MS;
		c.to.type = 96;
		c.to.cn_type = c.to.event_type = CODEC_NO_TYPE;
		c.from.format = o->codec[leg][i].format;
		c.from.type = o->codec[leg][i].type;
		c.from.cn_type = c.from.event_type = CODEC_NO_TYPE;
		err = codec_path_open(&l->path[l->paths], &c);
		if (err)
			return err;
		l->paths++;
	}
	return 0;
}

static void put_header(struct recording *r)
{
	uint8_t *p = room(r, WAV_HEADER > PCAP_HEADER ? WAV_HEADER : PCAP_HEADER);

	if (!p)
		return;
	if (r->order->wish.kind == ABI_RECORD_PCAP) {
		pcap_header(p);
		put(r, PCAP_HEADER);
	} else {
		wav_header(p, r->rate, r->channels, 0);
		put(r, WAV_HEADER);
	}
}

struct recording *recording_begin(int directory, struct dp_record_order *order, uint64_t now_us)
{
	struct recording *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return NULL;
	memset(&order->done, 0, sizeof(order->done));
	order->done.id = order->wish.id;
	r->order = order;
	r->began_us = now_us;
	r->offset_us = abi_realtime_offset_us();
	r->rate = (order->wish.khz ? order->wish.khz : 8u) * 1000u;
	r->channels = order->wish.legs == 3 ? 2 : 1;
	for (unsigned i = 0; i < 2 && !err && order->wish.kind == ABI_RECORD_WAV; i++)
		if (order->wish.legs >> i & 1)
			err = open_leg(r, i);
	r->fd = err ? err : open_file(directory, order->wish.file);
	if (r->fd < 0)
		fail(r, r->fd);
	else
		put_header(r);
	return r;
}

// ---- what comes

static void record_pcap(struct recording *r, const struct dp_side *s, const uint8_t *ip)
{
	bool v4 = ip[0] >> 4 == 4;
	unsigned from = v4 ? 12 : 8, size = v4 ? 4 : 16;
	const uint8_t *udp = ip + s->ip_size - 8;
	struct pcap_packet p = {
		.time_us = (s->time * 15625 >> 14) + r->offset_us,
		.family = v4 ? 4 : 6,
		.from_port = rtp_read16(udp),
		.to_port = rtp_read16(udp + 2),
		.data = ip + s->ip_size,
		.length = (uint16_t)(s->size - s->ip_size),
	};
	uint8_t *out = room(r, p.length + PCAP_RECORD);
	int n;

	if (!out)
		return;
	memcpy(p.from_ip, ip + from, size);
	memcpy(p.to_ip, ip + from + size, size);
	n = pcap_record(&p, out, RECORDING_BLOCK - r->filled);
	if (n > 0)
		put(r, (size_t)n);
}

static uint64_t samples_at(const struct recording *r, uint64_t us)
{
	return us > r->began_us ? (us - r->began_us) * r->rate / SECOND_US : 0;
}

// Silence up to there.
static void fill(struct recording *r, struct recording_leg *l, uint64_t upto)
{
	for (; l->cursor < upto; l->cursor++)
		l->pcm[l->cursor % RECORDING_RING] = 0;
	(void)r;
}

// One frame of 16-bit samples in network order, given out now.
static void take_frame(
	struct recording *r, struct recording_leg *l, const struct codec_out *out, uint64_t now_us)
{
	uint64_t at = samples_at(r, now_us);
	unsigned count = out->length / 2;

	if (at > l->cursor + (uint64_t)GAP_US * r->rate / SECOND_US)
		fill(r, l, at);
	if (l->cursor + count > r->flushed + RECORDING_RING)
		return; // no clock runs that fast
	for (unsigned i = 0; i < count; i++)
		l->pcm[l->cursor++ % RECORDING_RING] = (int16_t)rtp_read16(out->payload + 2 * i);
}

static void pull(struct recording *r, unsigned leg, uint64_t now_us)
{
	struct recording_leg *l = &r->leg[leg];
	struct codec_out out;

	for (unsigned i = 0; i < l->paths; i++)
		while (codec_path_pull(l->path[i], now_us, &out))
			take_frame(r, l, &out, now_us);
}

static void record_wav(
	struct recording *r, const struct dp_side *s, const uint8_t *rtp, uint64_t now_us)
{
	const struct dp_record_order *o = r->order;
	struct recording_leg *l = &r->leg[s->leg];
	struct rtp_view view;

	if (rtp_parse(&view, rtp, s->size - s->ip_size) != RTP_GOOD)
		return;
	for (unsigned i = 0; i < l->paths; i++) {
		struct codec_in in = {
			.payload = rtp + view.header,
			.length = (uint16_t)view.payload,
			.seq = view.seq,
			.timestamp = view.timestamp,
			.ssrc = view.ssrc,
			.type = view.type,
			.marker = view.marker,
		};

		if (o->codec[s->leg][i].type == view.type)
			codec_path_push(l->path[i], &in, now_us);
	}
	pull(r, s->leg, now_us);
}

void recording_packet(struct recording *r, const struct dp_side *s, uint64_t now_us)
{
	const uint8_t *ip = (const uint8_t *)(s + 1);

	if (recording_ended(r) || !(r->order->wish.legs >> s->leg & 1) || s->size <= s->ip_size ||
		s->ip_size < 28)
		return;
	r->order->done.packets++;
	if (r->order->wish.kind == ABI_RECORD_PCAP)
		record_pcap(r, s, ip);
	else if (s->kind == DP_SIDE_RTP)
		record_wav(r, s, ip + s->ip_size, now_us);
}

// ---- what is due

// Samples up to `upto` are final.
static void flush(struct recording *r, uint64_t upto)
{
	int16_t pcm[2][256];

	for (unsigned i = 0; i < 2; i++)
		if (r->leg[i].pcm)
			fill(r, &r->leg[i], upto);
	while (r->flushed < upto && !recording_ended(r)) {
		size_t n = upto - r->flushed < 256 ? (size_t)(upto - r->flushed) : 256;
		uint8_t *out = room(r, n * 2 * r->channels);

		if (!out)
			return;
		for (unsigned i = 0; i < 2; i++)
			for (size_t k = 0; r->leg[i].pcm && k < n; k++)
				pcm[i][k] = r->leg[i].pcm[(r->flushed + k) % RECORDING_RING];
		if (r->channels == 2)
			wav_stereo(out, pcm[0], pcm[1], n);
		else
			wav_mono(out, r->leg[0].pcm ? pcm[0] : pcm[1], n);
		put(r, n * 2 * r->channels);
		r->flushed += n;
	}
}

static bool beyond_limit(const struct recording *r, uint64_t now_us)
{
	const struct abi_record *wish = &r->order->wish;

	return (wish->max_s && now_us - r->began_us >= (uint64_t)wish->max_s * SECOND_US) ||
	       (wish->max_octets && r->octets >= wish->max_octets);
}

void recording_tick(struct recording *r, uint64_t now_us)
{
	if (recording_ended(r))
		return;
	if (r->order->wish.kind == ABI_RECORD_WAV) {
		for (unsigned i = 0; i < 2; i++)
			pull(r, i, now_us);
		if (now_us > r->began_us + HORIZON_US)
			flush(r, samples_at(r, now_us - HORIZON_US));
	}
	if (!recording_ended(r) && beyond_limit(r, now_us)) {
		write_block(r);
		if (!recording_ended(r))
			r->order->done.cause = ABI_RECORD_LIMIT;
	}
}

// ---- the end

static void put_right(struct recording *r)
{
	uint8_t header[WAV_HEADER];

	if (r->order->wish.kind != ABI_RECORD_WAV || r->octets < WAV_HEADER)
		return;
	wav_header(header, r->rate, r->channels, r->octets - WAV_HEADER);
	if (pwrite(r->fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) &&
		r->order->done.cause != ABI_RECORD_DISK_FULL)
		fail(r, -errno);
}

void recording_end(struct recording *r, enum abi_record_cause cause, uint64_t now_us)
{
	struct abi_event_record *done = &r->order->done;

	if (r->fd >= 0 && !recording_ended(r)) {
		if (r->order->wish.kind == ABI_RECORD_WAV)
			flush(r, samples_at(r, now_us));
		write_block(r);
		if (!done->cause)
			done->cause = (uint8_t)cause;
	}
	if (r->fd >= 0) {
		put_right(r);
		close(r->fd);
	}
	done->octets = r->octets;
	done->ms = (uint32_t)((now_us - r->began_us) / 1000);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < r->leg[i].paths; k++)
			codec_path_close(r->leg[i].path[k]);
		free(r->leg[i].pcm);
	}
	free(r);
}
