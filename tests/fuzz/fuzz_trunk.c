// SPDX-License-Identifier: BSD-3-Clause
// What trunks are configured by and what their messages become: price lists, time zones, header rules,
// numbers. The first byte says which.
#include <stdlib.h>

#include "controlplane/trunk/numbers.h"
#include "controlplane/trunk/rates.h"
#include "controlplane/trunk/rules.h"
#include "controlplane/trunk/zone.h"

static const char config[] =
	"media: {m: {device: e, address: 192.0.2.1}}\n"
	"sip: {listen: [udp:192.0.2.1]}\n"
	"peers:\n"
	"  a:\n"
	"    kind: trunk\n"
	"    address: 10.0.0.1\n"
	"    numbers: {country: 49, area: 30, outbound: national,\n"
	"      in: [{of: both, match: \"^9([0-9]*)$\", with: \"\\\\1\"}],\n"
	"      out: [{match: \"^0(.*)$\", with: \"X\\\\1\\\\0\"}]}\n"
	"    rules:\n"
	"      in: [{remove: Subject}, {add: X-A, value: b}, {copy: From, to: X-From}]\n"
	"      out:\n"
	"        - {replace: X-A, match: \"(.)(.*)\", with: \"\\\\2\\\\1\"}\n"
	"        - {copy: X-A, to: X-B, if: {header: X-A, matches: \"^a\"}}\n"
	"        - {remove: Server, if: {status: 100-699, absent: X-C}}\n";

static struct cfg *cfg;

static void rates(const uint8_t *data, size_t n)
{
	struct cfg_error error = {0};
	struct cp_rates *r = NULL;

	if (cp_rates_parse(&r, "fuzz.csv", data, n, &error)) {
		if (r || !error.text[0])
			abort();
		return;
	}
	cp_rates_find(r, sip_slice((const char *)data, n));
	cp_rates_free(r);
}

static void zone(const uint8_t *data, size_t n)
{
	struct cp_local local;
	struct cp_zone *z = NULL;

	if (cp_zone_parse(&z, data, n))
		return;
	for (int64_t t = -5000000000; t < 9000000000; t += 777777777) {
		cp_zone_local(z, t, &local);
		if (local.month < 1 || local.month > 12 || local.day < 1 || local.day > 31 ||
			local.weekday > 6)
			abort();
	}
	cp_zone_free(z);
}

// What the rules make of a message is a message again, with the same start and the same body.
static void rules(const uint8_t *data, size_t n)
{
	static struct sip_message m, again;
	static char out[CP_RULES_SIZE];

	if (sip_message_index(&m, data, n))
		return;
	for (unsigned way = 0; way < 2; way++) {
		int made = cp_rules_apply(
			cfg->peers[0].trunk.rules, (enum cfg_direction)way, &m, out, sizeof(out));

		if (made <= 0)
			continue;
		if (sip_message_index(&again, (const uint8_t *)out, (size_t)made) ||
			again.is_request != m.is_request || again.status != m.status ||
			!sip_slice_eq(sip_message_body(&again), sip_message_body(&m)) ||
			!sip_slice_eq(sip_message_call_id(&again), sip_message_call_id(&m)))
			abort();
	}
}

static void numbers(const uint8_t *data, size_t n)
{
	const struct cfg_numbers *form = cfg->peers[0].trunk.numbers;
	char canonical[CP_NUMBER], sent[CP_NUMBER];
	int k = cp_number_receive(form, CFG_OF_CALLED, sip_slice((const char *)data, n), canonical);

	if (k >= 0)
		cp_number_send(form, CFG_OF_CALLED, sip_slice(canonical, (size_t)k), sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfg_error error;

	if (!cfg && cfg_parse(&cfg, "fuzz.yaml", config, sizeof(config) - 1, &error))
		abort();
	if (!size)
		return 0;
	switch (*data % 4) {
	case 0:
		rates(data + 1, size - 1);
		break;
	case 1:
		zone(data + 1, size - 1);
		break;
	case 2:
		rules(data + 1, size - 1);
		break;
	default:
		numbers(data + 1, size - 1);
	}
	return 0;
}
