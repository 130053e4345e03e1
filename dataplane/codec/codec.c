// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/codec/codec.h"

#include "dataplane/abi/message.h"
#include "dataplane/codec/codec_private.h"

_Static_assert((int)CODEC_NONE == ABI_CODEC_NONE && (int)CODEC_PCMU == ABI_CODEC_PCMU &&
		       (int)CODEC_PCMA == ABI_CODEC_PCMA && (int)CODEC_G722 == ABI_CODEC_G722 &&
		       (int)CODEC_OPUS == ABI_CODEC_OPUS && (int)CODEC_G729 == ABI_CODEC_G729 &&
		       (int)CODEC_L16 == ABI_CODEC_L16,
	"enum codec_id begins as enum abi_codec");

static const struct codec_ops *const table[CODECS] = {
	[CODEC_PCMU] = &codec_pcmu,
	[CODEC_PCMA] = &codec_pcma,
	[CODEC_G722] = &codec_g722,
	[CODEC_OPUS] = &codec_opus,
#ifdef HAVE_G729
	[CODEC_G729] = &codec_g729,
#endif
	[CODEC_L16] = &codec_l16,
	[CODEC_GSM] = &codec_gsm,
	[CODEC_G726_16] = &codec_g726[0],
	[CODEC_G726_24] = &codec_g726[1],
	[CODEC_G726_32] = &codec_g726[2],
	[CODEC_G726_40] = &codec_g726[3],
	[CODEC_AAL2_G726_16] = &codec_g726[4],
	[CODEC_AAL2_G726_24] = &codec_g726[5],
	[CODEC_AAL2_G726_32] = &codec_g726[6],
	[CODEC_AAL2_G726_40] = &codec_g726[7],
	[CODEC_SPEEX] = &codec_speex,
	[CODEC_AMR] = &codec_amr,
	[CODEC_AMR_WB] = &codec_amr_wb,
};

const struct codec_ops *codec_find(unsigned id)
{
	return id < CODECS ? table[id] : NULL;
}

uint32_t codec_built(void)
{
	uint32_t built = 0;

	for (unsigned id = 0; id < CODECS; id++)
		built |= table[id] ? 1u << id : 0;
	return built;
}

static int check(const struct codec_format *format, unsigned rate)
{
	if (codec_format_check(format))
		return -EINVAL;
	if (!codec_find(format->id))
		return -EOPNOTSUPP;
	return codec_does_rate(format, rate) ? 0 : -EINVAL;
}

int codec_decoder_open(struct codec_decoder **out, const struct codec_format *format, unsigned rate)
{
	const struct codec_ops *ops = codec_find(format->id);
	int err = check(format, rate);
	struct codec_decoder *d;

	if (err)
		return err;
	d = ops->decoder_open(format, rate);
	if (!d)
		return -ENOMEM;
	d->ops = ops;
	d->format = *format;
	d->rate = rate;
	d->request = CODEC_MODE_ANY;
	*out = d;
	return 0;
}

int codec_encoder_open(struct codec_encoder **out, const struct codec_format *format, unsigned rate)
{
	const struct codec_ops *ops = codec_find(format->id);
	int err = check(format, rate);
	struct codec_encoder *e;

	if (err)
		return err;
	e = ops->encoder_open(format, rate);
	if (!e)
		return -ENOMEM;
	e->ops = ops;
	e->format = *format;
	e->rate = rate;
	e->request = CODEC_MODE_ANY;
	*out = e;
	return 0;
}

void codec_decoder_close(struct codec_decoder *decoder)
{
	if (decoder)
		decoder->ops->decoder_close(decoder);
}

void codec_encoder_close(struct codec_encoder *encoder)
{
	if (encoder)
		encoder->ops->encoder_close(encoder);
}
