// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/call/cause.h"

static const struct row {
	uint16_t status;
	bool next;        // another target may take it
	uint16_t carried; // 0: as it is
	uint8_t result;   // enum cp_result
	uint8_t q850;     // RFC 3398 8.2.6.1
} table[] = {
	{401, false, 403, CP_RESULT_REFUSED, 21},
	{404, false, 0, CP_RESULT_REFUSED, 1},
	{407, false, 403, CP_RESULT_REFUSED, 21},
	{408, true, 0, CP_RESULT_NO_ANSWER, 102},
	{410, false, 0, CP_RESULT_REFUSED, 22},
	{420, false, 500, CP_RESULT_UNREACHABLE, 127},
	{421, false, 500, CP_RESULT_UNREACHABLE, 127},
	{422, false, 500, CP_RESULT_UNREACHABLE, 127},
	{430, true, 480, CP_RESULT_UNREACHABLE, 0},
	{480, false, 0, CP_RESULT_NO_ANSWER, 18},
	{481, false, 0, CP_RESULT_REFUSED, 127},
	{482, false, 0, CP_RESULT_LOOP, 25},
	{483, false, 0, CP_RESULT_LOOP, 25},
	{484, false, 0, CP_RESULT_REFUSED, 28},
	{485, false, 0, CP_RESULT_REFUSED, 1},
	{486, false, 0, CP_RESULT_BUSY, 17},
	{487, false, 0, CP_RESULT_CANCELLED, 16},
	{488, false, 0, CP_RESULT_BAD_OFFER, 88},
	{494, false, 500, CP_RESULT_UNREACHABLE, 127},
	{500, true, 0, CP_RESULT_UNREACHABLE, 41},
	{502, true, 0, CP_RESULT_UNREACHABLE, 38},
	{503, true, 0, CP_RESULT_UNREACHABLE, 41},
	{504, true, 0, CP_RESULT_UNREACHABLE, 102},
	{505, true, 500, CP_RESULT_UNREACHABLE, 127},
	{513, true, 500, CP_RESULT_UNREACHABLE, 127},
	{600, false, 0, CP_RESULT_BUSY, 17},
	{603, false, 0, CP_RESULT_REFUSED, 21},
	{604, false, 0, CP_RESULT_REFUSED, 1},
	{606, false, 0, CP_RESULT_BAD_OFFER, 88},
};

static const struct row *find(int status)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return &table[i];
	return NULL;
}

bool cp_cause_try_next(int status)
{
	const struct row *row = find(status);

	if (status >= 300 && status < 400)
		return true;
	return row ? row->next : status >= 500 && status < 600;
}

int cp_cause_carried(int status)
{
	const struct row *row = find(status);

	// 305 and 380 as well: without their Contact none of them says anything.
	if (status >= 300 && status < 400)
		return 480;
	return row && row->carried ? row->carried : status;
}

enum cp_result cp_cause_result(int status)
{
	const struct row *row = find(status);

	if (status >= 200 && status < 300)
		return CP_RESULT_ANSWERED;
	if (row)
		return (enum cp_result)row->result;
	return status >= 500 && status < 600 ? CP_RESULT_UNREACHABLE : CP_RESULT_REFUSED;
}

int cp_cause_q850(int status)
{
	const struct row *row = find(status);

	return row ? row->q850 : 0;
}

const char *cp_cause_by(uint8_t by)
{
	static const char *const names[] = {"caller", "callee", "hawse"};

	return by < 3 ? names[by] : "unknown";
}
