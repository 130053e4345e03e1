// SPDX-License-Identifier: BSD-3-Clause
// Any bytes on their way out and in, for the overload feedback in their top Via: what goes out differs
// from what was given by that Via alone, and whoever asks for fewer calls is heard for a minute at most.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/feedback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sent(const uint8_t *data, size_t size, struct sip_slice out)
{
	const char *in = (const char *)data;
	size_t front = 0, back = 0;

	while (front < size && front < out.n && in[front] == out.p[front])
		front++;
	while (back < size - front && back < out.n - front &&
		in[size - 1 - back] == out.p[out.n - 1 - back])
		back++;
	// What differs is on one line.
	if (memchr(in + front, '\n', size - front - back) ||
		memchr(out.p + front, '\n', out.n - front - back) || out.n > size + 128)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sip_flow flow = {
		.remote = {.ip = {192, 0, 2, 1}, .family = 4, .port = 5060}};
	struct cp_feedback *f = cp_feedback_new(1000000);
	uint8_t *copy = malloc(size ? size : 1);

	if (!f || !copy)
		abort();
	memcpy(copy, data, size);
	for (unsigned load = 0; load < 2; load++) {
		check_sent(copy, size, cp_feedback_send(f, copy, size));
		cp_feedback_window(f, 2000000, 50, 50);
	}
	cp_feedback_receive(f, 3000000, &flow, copy, size);
	if (!cp_feedback_admits(f, 63000000, &flow, 0))
		abort();
	free(copy);
	cp_feedback_free(f);
	return 0;
}
