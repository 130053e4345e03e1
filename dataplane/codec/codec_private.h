// SPDX-License-Identifier: BSD-3-Clause
// What the codecs of this room share; for its own files.
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/codec/codec.h"
#include "dataplane/codec/plc.h"

// A decoder whose library has no concealment: decode, then codec_plc_good.
struct plain_decoder {
	struct codec_decoder base;
	struct codec_plc plc;
};

// `size` bytes that begin with a struct plain_decoder, and the concealment's memory behind. NULL: none.
void *plain_decoder_new(size_t size, unsigned rate);
void plain_decoder_free(struct codec_decoder *decoder);
void plain_encoder_free(struct codec_encoder *encoder);
void plain_conceal(struct codec_decoder *decoder, int16_t *pcm, unsigned samples);
bool plain_does_rate(const struct codec_format *format, unsigned rate); // none but its own

static inline int codec_refuse(struct codec_decoder *decoder)
{
	decoder->refused++;
	return -EBADMSG;
}

extern const struct codec_ops codec_pcmu, codec_pcma, codec_l16, codec_g722, codec_g726[8],
	codec_gsm;
extern const struct codec_ops codec_opus, codec_speex, codec_amr, codec_amr_wb;
#ifdef HAVE_G729
extern const struct codec_ops codec_g729;
#endif
