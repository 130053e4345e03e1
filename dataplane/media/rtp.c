// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/media/rtp.h"

// Bytes before the payload, or 0 when they do not fit.
static size_t header_size(const uint8_t *data, size_t size, enum rtp_verdict *verdict)
{
	size_t header = RTP_HEADER + (size_t)(data[0] & 0x0f) * 4;

	if (header > size) {
		*verdict = RTP_BAD_CSRC;
		return 0;
	}
	if (!(data[0] & 0x10))
		return header;
	*verdict = RTP_BAD_EXTENSION;
	if (size - header < 4)
		return 0;
	header += 4 + (size_t)rtp_read16(data + header + 2) * 4;
	return header > size ? 0 : header;
}

static enum rtp_verdict measure(
	const uint8_t *data, size_t size, size_t *header_out, uint8_t *padding_out)
{
	enum rtp_verdict verdict = RTP_GOOD;
	size_t header;
	uint8_t padding = 0;

	if (size < RTP_HEADER)
		return RTP_BAD_SHORT;
	if (data[0] >> 6 != 2)
		return RTP_BAD_VERSION;
	header = header_size(data, size, &verdict);
	if (!header)
		return verdict;
	if (data[0] & 0x20) {
		padding = data[size - 1];
		if (padding == 0 || padding > size - header)
			return RTP_BAD_PADDING;
	}
	*header_out = header;
	*padding_out = padding;
	return RTP_GOOD;
}

enum rtp_verdict rtp_check_rare(const uint8_t *data, size_t size)
{
	size_t header;
	uint8_t padding;

	return measure(data, size, &header, &padding);
}

enum rtp_verdict rtp_parse(struct rtp_view *view, const uint8_t *data, size_t size)
{
	size_t header;
	uint8_t padding;
	enum rtp_verdict verdict = measure(data, size, &header, &padding);

	if (verdict != RTP_GOOD)
		return verdict;
	*view = (struct rtp_view){
		.header = (uint32_t)header,
		.seq = rtp_read16(data + 2),
		.timestamp = rtp_read32(data + 4),
		.ssrc = rtp_read32(data + 8),
		.payload = (uint32_t)(size - header - padding),
		.padding = padding,
		.type = data[1] & 0x7f,
		.marker = data[1] >> 7,
	};
	return RTP_GOOD;
}
