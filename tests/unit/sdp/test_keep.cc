// SPDX-License-Identifier: BSD-3-Clause
//
// What was agreed, written to bytes and read back: the call goes on as if nothing had happened, and
// bytes that are not ours are refused.
#include "call.h"

#include <cerrno>

namespace
{

std::vector<uint8_t> save(const struct sdp_oa &oa)
{
	std::vector<uint8_t> out(65536);
	int n = sdp_oa_save(&oa, out.data(), out.size());

	EXPECT_GT(n, 0);
	out.resize(n > 0 ? size_t(n) : 0);
	return out;
}

const std::string kVideoA = "m=video 4002 RTP/AVP 31\n", kVideoB = "m=video 6002 RTP/AVP 31\n";

// Two streams, B offered last and holds, a refused offer in between used a version up.
void live(Call &call)
{
	call.exchange(
		SDP_LEG_A, audio("192.0.2.10", 4000, kVideoA), audio("192.0.2.20", 6000, kVideoB));
	call.plan();
	call.offer(SDP_LEG_A, audio("192.0.2.11", 4000, kVideoA, "0 8 101", 2));
	sdp_oa_reject(&call.oa);
	call.exchange(SDP_LEG_B, audio("192.0.2.20", 6000, "a=sendonly\n" + kVideoB, "0 101", 2),
		audio("192.0.2.10", 4000, "a=recvonly\n" + kVideoA, "0 101", 3));
	call.plan();
}

std::string described(Call &call)
{
	std::string out;
	const struct sdp_plan &plan = call.plan();

	for (unsigned i = 0; i < plan.n_streams; i++) {
		out += std::string(sdp_refusal_name(plan.stream[i].refusal)) + "\n";
		if (plan.stream[i].refusal != SDP_ACCEPTED)
			continue;
		for (const struct sdp_plan_leg &l : plan.stream[i].leg)
			out += endpoint(l.rtp) + " " + endpoint(l.rtcp) +
			       (l.relearn ? " relearn " : " ") + (l.send ? "s" : "-") +
			       (l.receive ? "r " : "- ") + std::to_string(l.local.rtp_port) + " " +
			       pts(l) + "\n";
	}
	return out;
}

// The rest of the call: a resume by each side, a stream removed, a repeat.
std::string go_on(Call &call)
{
	std::string out = described(call);

	out += call.exchange(SDP_LEG_B, audio("192.0.2.20", 6000, kVideoB, "0 101", 3),
		audio("192.0.2.10", 4000, kVideoA, "0 101", 4));
	out += described(call);
	out += call.offer(SDP_LEG_A, audio("192.0.2.12", 4004, "m=video 0 RTP/AVP 31\n"));
	out += call.answer(SDP_LEG_B, audio("192.0.2.20", 6000, "m=video 0 RTP/AVP 31\n"));
	call.accept();
	return out + described(call);
}

} // namespace

TEST(Keep, TheCallGoesOnAsIfNothingHadHappened)
{
	Call call, again;
	std::vector<uint8_t> record;

	live(call);
	record = save(call.oa);
	ASSERT_EQ(0, sdp_oa_load(&again.oa, &again.scratch, record.data(), record.size()));
	EXPECT_EQ(0u, (&again.scratch)->used);
	EXPECT_EQ(record, save(again.oa));
	EXPECT_EQ(go_on(call), go_on(again));
}

TEST(Keep, AnOfferThatIsPendingIsAsIfRefused)
{
	Call call, again;
	std::vector<uint8_t> record;

	live(call);
	call.offer(SDP_LEG_A, audio("192.0.2.11", 4000, kVideoA));
	record = save(call.oa);
	ASSERT_EQ(0, sdp_oa_load(&again.oa, &again.scratch, record.data(), record.size()));
	EXPECT_EQ(SDP_OA_STABLE, again.oa.state);
	sdp_oa_reject(&call.oa);
	EXPECT_EQ(go_on(call), go_on(again));
}

TEST(Keep, ARefreshIsKnownAgain)
{
	const std::string body = audio("192.0.2.10", 4000);
	Call call, again;
	std::vector<uint8_t> record;
	struct sdp_str text = {};
	std::string shown;

	shown = call.exchange(SDP_LEG_A, body, audio("192.0.2.20", 6000));
	record = save(call.oa);
	ASSERT_EQ(0, sdp_oa_load(&again.oa, &again.scratch, record.data(), record.size()));
	ASSERT_EQ(0, again.take_offer(SDP_LEG_A, body));
	EXPECT_TRUE(again.need.same);
	ASSERT_EQ(0, sdp_oa_repeat(&again.oa, &text));
	EXPECT_EQ(shown, str(text));
}

TEST(Keep, NothingAgreedIsNothingToKeep)
{
	Call call;
	uint8_t out[4096];

	EXPECT_EQ(-EINVAL, sdp_oa_save(&call.oa, out, sizeof(out)));
	call.offer(SDP_LEG_A, audio("192.0.2.10", 4000));
	EXPECT_EQ(-EINVAL, sdp_oa_save(&call.oa, out, sizeof(out)));
}

TEST(Keep, EverySizeThatIsTooSmallIsRefused)
{
	Call call, again;
	std::vector<uint8_t> record;

	live(call);
	record = save(call.oa);
	for (size_t size = 0; size < record.size(); size++) {
		std::unique_ptr<uint8_t[]> out(new uint8_t[size]);

		EXPECT_EQ(-ENOBUFS, sdp_oa_save(&call.oa, out.get(), size));
		memcpy(out.get(), record.data(), size);
		EXPECT_EQ(-EBADMSG, sdp_oa_load(&again.oa, &again.scratch, out.get(), size));
		EXPECT_FALSE(again.oa.agreed_once);
	}
	record.push_back(0);
	EXPECT_EQ(-EBADMSG, sdp_oa_load(&again.oa, &again.scratch, record.data(), record.size()));
}

TEST(Keep, GarbledBytesDoNoHarm)
{
	Call call;
	std::vector<uint8_t> record;
	unsigned refused = 0;

	live(call);
	record = save(call.oa);
	for (size_t i = 0; i < record.size(); i++) {
		for (uint8_t change : {0x01, 0x80, 0xff}) {
			std::vector<uint8_t> garbled = record;
			Call again;
			static struct sdp_plan plan;
			const std::string offer = audio("192.0.2.13", 4000, kVideoA);

			garbled[i] ^= change;
			int rc = sdp_oa_load(
				&again.oa, &again.scratch, garbled.data(), garbled.size());
			if (rc != 0) {
				EXPECT_EQ(-EBADMSG, rc);
				refused++;
				continue;
			}
			// What it says may be nonsense, but it can be worked with.
			sdp_oa_plan(&again.oa, &again.scratch, &plan);
			if (again.take_offer(SDP_LEG_A, offer) == 0)
				again.give_ports();
		}
	}
	EXPECT_GT(refused, 100u);
}
