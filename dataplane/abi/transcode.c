// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/abi/transcode.h"

#include <string.h>

#include "dataplane/abi/message.h"

#define AMR_FLAGS                                                                                  \
	(ABI_CODEC_DTX | ABI_CODEC_OCTET_ALIGNED | ABI_CODEC_NEIGHBOR | ABI_CODEC_PERIOD_2)

static const struct abi_codec_info codecs[ABI_CODECS] = {
	[ABI_CODEC_PCMU] = {"PCMU", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_PCMA] = {"PCMA", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_G722] = {"G722", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_OPUS] = {"opus", 48000, 10, 120,
		ABI_CODEC_DTX | ABI_CODEC_FEC | ABI_CODEC_STEREO | ABI_CODEC_CBR, 0},
	[ABI_CODEC_G729] = {"G729", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_L16] = {"L16", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_GSM] = {"GSM", 8000, 20, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_G726_16] = {"G726-16", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_G726_24] = {"G726-24", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_G726_32] = {"G726-32", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_G726_40] = {"G726-40", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_AAL2_G726_16] = {"AAL2-G726-16", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_AAL2_G726_24] = {"AAL2-G726-24", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_AAL2_G726_32] = {"AAL2-G726-32", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_AAL2_G726_40] = {"AAL2-G726-40", 8000, 10, 60, ABI_CODEC_DTX, 0},
	[ABI_CODEC_SPEEX] = {"speex", 8000, 20, 60, ABI_CODEC_DTX, 0x7ff},
	[ABI_CODEC_AMR] = {"AMR", 8000, 20, 60, AMR_FLAGS, 0xff},
	[ABI_CODEC_AMR_WB] = {"AMR-WB", 16000, 20, 60, AMR_FLAGS, 0x1ff},
};

const struct abi_codec_info *abi_codec_of(unsigned codec)
{
	return codec > ABI_CODEC_NONE && codec < ABI_CODECS ? &codecs[codec] : NULL;
}

uint32_t abi_codec_clock(unsigned codec, unsigned khz)
{
	const struct abi_codec_info *info = abi_codec_of(codec);

	if (!info)
		return 0;
	if ((codec == ABI_CODEC_L16 || codec == ABI_CODEC_SPEEX) && khz)
		return khz == 44 ? 44100 : khz * 1000u;
	return info->clock;
}

int abi_codec_ptime(unsigned codec, unsigned ptime_ms)
{
	const struct abi_codec_info *info = abi_codec_of(codec);

	if (!info || !ptime_ms || ptime_ms > info->max_ptime)
		return 0;
	if (codec == ABI_CODEC_OPUS) // its packets have one of these lengths (RFC 6716 3.2)
		return ptime_ms == 10 || ptime_ms % 20 == 0;
	return ptime_ms % info->frame_ms == 0;
}

static int file_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-' || c == '/';
}

int abi_file_name(const char *name)
{
	size_t n = strnlen(name, ABI_FILE);

	if (n == 0 || n == ABI_FILE || name[n - 1] == '/')
		return 0;
	for (size_t i = 0; i < n; i++) {
		int first = i == 0 || name[i - 1] == '/';

		if (!file_char(name[i]) || (first && (name[i] == '.' || name[i] == '/')))
			return 0;
	}
	return abi_zero(name + n, ABI_FILE - n);
}
