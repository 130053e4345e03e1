// SPDX-License-Identifier: BSD-3-Clause
// A file that is said to be WAV: a clip that plays, or a refusal in words.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/codec/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct codec_clip *clip;
	struct clip_player *player;
	char why[120] = "";
	int16_t pcm[480];
	unsigned left = 20;
	int err = codec_clip_read(&clip, data, size, why, sizeof(why));

	if (err) {
		if (err == -EINVAL && !why[0])
			abort();
		return 0;
	}
	if (!clip->samples || clip->samples > size || clip->rate < 8000 || clip->rate > 48000)
		abort();
	if (clip_player_open(&player, clip, 16000, 2) == 0) {
		while (left-- && clip_player_read(player, pcm, 480) == 480)
			;
		clip_player_close(player);
	}
	codec_clip_free(clip);
	return 0;
}
