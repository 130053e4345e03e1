// SPDX-License-Identifier: BSD-3-Clause
//
// A call with two legs for the tests: writes bodies, gives out ports, takes plans.
#pragma once

#include "sip/sdp/cache.h"
#include "sip/sdp/offer_answer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

inline const uint8_t *bytes(const std::string &s)
{
	return reinterpret_cast<const uint8_t *>(s.data());
}

inline std::string str(struct sdp_str s)
{
	return s.len == 0 ? std::string() : std::string(s.ptr, s.len);
}

// Lines with LF in, as they are nicer to write in a test, CRLF out.
inline std::string crlf(std::string_view text)
{
	std::string out;

	for (char c : text) {
		if (c == '\n')
			out += '\r';
		out += c;
	}
	return out;
}

// An arena of its own, exactly as large as said, so that AddressSanitizer sees its end.
class Arena
{
      public:
	explicit Arena(size_t size = SDP_OA_SCRATCH, bool cached = false)
	    : memory(new uint8_t[size + 1])
	{
		sdp_arena_init(&arena, memory.get(), size);
		if (cached)
			arena.cache = sdp_cache_new();
	}
	~Arena()
	{
		sdp_cache_free(arena.cache);
	}
	Arena(const Arena &) = delete;
	Arena &operator=(const Arena &) = delete;
	struct sdp_arena *operator&()
	{
		sdp_cache_settle(arena.cache);
		return &arena;
	}

      private:
	std::unique_ptr<uint8_t[]> memory;
	struct sdp_arena arena;
};

// Audio with the two codecs that everybody has. ip "" leaves out c=.
inline std::string audio(const std::string &ip, unsigned port, const std::string &extra = "",
	const std::string &formats = "0 8 101", unsigned version = 1)
{
	return crlf("v=0\n"
		    "o=alice 2890844526 " +
		    std::to_string(version) + " IN IP4 " + (ip.empty() ? "192.0.2.250" : ip) +
		    "\n"
		    "s=session of alice\n" +
		    (ip.empty() ? "" : "c=IN IP4 " + ip + "\n") +
		    "t=0 0\n"
		    "m=audio " +
		    std::to_string(port) + " RTP/AVP " + formats + "\n" +
		    "a=rtpmap:101 telephone-event/8000\n"
		    "a=fmtp:101 0-15\n" +
		    extra);
}

// Drives one sdp_oa as the call logic would.
class Call
{
      public:
	Call()
	{
		const uint64_t ids[2] = {1111111111, 2222222222};

		sdp_oa_init(&oa, ids);
	}
	~Call()
	{
		sdp_oa_fini(&oa);
	}
	Call(const Call &) = delete;
	Call &operator=(const Call &) = delete;

	// Leg A is served from 198.51.100.1, leg B from 203.0.113.1. Stream i has port 10000 + 10 * i
	// there, and 20000 + 10 * i here.
	static struct sdp_local local(enum sdp_leg leg, unsigned stream, unsigned family = 4)
	{
		struct sdp_local l = {};

		l.family = static_cast<uint8_t>(family);
		inet_pton(family == 4 ? AF_INET : AF_INET6,
			family == 4 ? (leg == SDP_LEG_A ? "198.51.100.1" : "203.0.113.1")
				    : (leg == SDP_LEG_A ? "2001:db8:a::1" : "2001:db8:b::1"),
			l.ip);
		l.rtp_port =
			static_cast<uint16_t>((leg == SDP_LEG_A ? 10000 : 20000) + 10 * stream);
		l.rtcp_port = static_cast<uint16_t>(l.rtp_port + 1);
		return l;
	}

	int take_offer(enum sdp_leg leg, const std::string &body)
	{
		return sdp_oa_take_offer(&oa, &scratch, leg, bytes(body), body.size(), &need, &err);
	}
	void give_ports(unsigned far_family = 4)
	{
		for (unsigned i = 0; i < need.n_streams; i++) {
			for (enum sdp_leg leg : {SDP_LEG_A, SDP_LEG_B}) {
				unsigned family =
					leg == need.offerer ? need.stream[i].family : far_family;
				struct sdp_local l = local(leg, i, family);

				if (need.stream[i].wanted[leg]) {
					EXPECT_EQ(0, sdp_oa_set_local(&oa, leg, i, &l));
				}
			}
		}
	}
	std::string show_offer()
	{
		struct sdp_str text = {};

		EXPECT_EQ(0, sdp_oa_show_offer(&oa, &scratch, &text));
		return str(text);
	}
	int take_answer(enum sdp_leg leg, const std::string &body)
	{
		return sdp_oa_take_answer(&oa, &scratch, leg, bytes(body), body.size(), &err);
	}
	std::string show_answer()
	{
		struct sdp_str text = {};

		EXPECT_EQ(0, sdp_oa_show_answer(&oa, &scratch, &text));
		return str(text);
	}

	// The usual way: returns what the other leg is shown.
	std::string offer(enum sdp_leg leg, const std::string &body)
	{
		EXPECT_EQ(0, take_offer(leg, body)) << err.text;
		give_ports();
		return show_offer();
	}
	std::string answer(enum sdp_leg leg, const std::string &body)
	{
		EXPECT_EQ(0, take_answer(leg, body)) << err.line << ": " << err.text;
		return show_answer();
	}
	void accept()
	{
		EXPECT_EQ(0, sdp_oa_accept(&oa));
	}
	// offer, answer, accept; returns what the offerer is shown.
	std::string exchange(
		enum sdp_leg leg, const std::string &offer_body, const std::string &answer_body)
	{
		std::string shown;

		offer(leg, offer_body);
		shown = answer(sdp_leg_other(leg), answer_body);
		accept();
		return shown;
	}
	const struct sdp_plan &plan()
	{
		EXPECT_EQ(0, sdp_oa_plan(&oa, &scratch, &plan_));
		return plan_;
	}

	Arena scratch{SDP_OA_SCRATCH, true}; // as a shard's
	struct sdp_oa oa;
	struct sdp_oa_need need = {};
	struct sdp_error err = {};

      private:
	struct sdp_plan plan_;
};

// A shown body, read by our own reader.
class Body
{
      public:
	explicit Body(const std::string &text) : text(text), arena(SDP_MAX_TREE)
	{
		struct sdp_error err = {};

		EXPECT_EQ(0, sdp_parse(&arena, bytes(this->text), this->text.size(), &tree, &err))
			<< err.text << " in line " << err.line << " of\n"
			<< text;
	}
	const struct sdp_media &media(unsigned i = 0) const
	{
		EXPECT_LT(i, tree->n_media);
		return tree->media[i];
	}
	std::vector<unsigned> pts(unsigned i = 0) const
	{
		std::vector<unsigned> v;

		for (unsigned k = 0; k < media(i).n_formats; k++)
			v.push_back(media(i).formats[k].pt);
		return v;
	}

	std::string text;
	struct sdp_session *tree = nullptr;

      private:
	Arena arena;
};

inline std::string ip(const uint8_t *address, unsigned family)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (family != 0)
		inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	return text;
}

inline std::string endpoint(const struct sdp_endpoint &e)
{
	return e.family == 0 ? "none" : ip(e.ip, e.family) + ":" + std::to_string(e.port);
}

// The payload types that may come from a leg, with what they become.
inline std::string pts(const struct sdp_plan_leg &leg)
{
	std::string out;

	for (unsigned pt = 0; pt < 128; pt++) {
		bool accepted = (leg.accept[pt / 64] >> (pt % 64) & 1) != 0;

		EXPECT_EQ(accepted, leg.map[pt] != SDP_PT_NONE) << pt;
		if (accepted)
			out += (out.empty() ? "" : " ") + std::to_string(pt) + ">" +
			       std::to_string(leg.map[pt]);
	}
	return out;
}

inline unsigned version_of(const std::string &body)
{
	return static_cast<unsigned>(Body(body).tree->origin.version);
}
