// SPDX-License-Identifier: BSD-3-Clause
// A page through a session with G.711 on one leg and T.38 on the other, both ways: a fax machine behind RTP, another
// behind UDPTL, the transcoder between them. Both machines are spandsp's.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include <spandsp.h>
#include <tiffio.h>
#include <unistd.h>

extern "C" {
#include "dataplane/abi/shm.h"
#include "dataplane/agent/session_media.h"
#include "dataplane/codec/g711.h"
#include "dataplane/codec/udptl.h"
}

namespace
{
const uint8_t leg_audio = 0, leg_t38 = 1;

std::string temporary(const char *name)
{
	return "/tmp/hawse-tc-fax-" + std::to_string(getpid()) + name;
}

void make_page(const std::string &path)
{
	TIFF *t = TIFFOpen(path.c_str(), "w");

	ASSERT_TRUE(t);
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 1728u);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 60u);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 60u);
	TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T4);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
	TIFFSetField(t, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
	TIFFSetField(t, TIFFTAG_XRESOLUTION, 204.0);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, 98.0);
	TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
	for (uint32_t row = 0; row < 60; row++) {
		uint8_t line[216] = {0};

		for (unsigned i = 0; i < 216; i++)
			line[i] = (row / 8 + i / 12) % 2 ? 0xff : 0;
		TIFFWriteScanline(t, line, row, 0);
	}
	TIFFClose(t);
}

struct Fax : testing::Test {
	struct dp_transcoder *t = nullptr;
	struct dp_side_ring *in = dp_side_new(), *out = dp_side_new();
	uint64_t now = abi_now_us() + 1000000;
	fax_state_t *audio = nullptr;
	t38_terminal_state_t *packets = nullptr;
	udptl_tx tx{};
	udptl_rx rx{};
	bool done[2] = {};
	int result[2] = {-1, -1};
	uint16_t seq = 0;
	std::vector<int16_t> heard; // by the audio machine, not yet taken
	unsigned datagrams = 0;

	Fax()
	{
		dp_transcoder_config c = {};

		c.workers = 1;
		c.sessions = 16;
		c.in[0] = in;
		c.out[0] = out;
		c.agent_bell = -1;
		EXPECT_EQ(0, dp_transcoder_create(&t, &c));
	}
	~Fax()
	{
		if (audio)
			fax_free(audio);
		if (packets)
			t38_terminal_free(packets);
		dp_transcoder_free(t);
		dp_side_free(in);
		dp_side_free(out);
	}

	static abi_session_plan plan()
	{
		abi_session_plan p = {};

		p.leg[leg_audio].codec = ABI_CODEC_PCMU;
		p.leg[leg_audio].flags = ABI_LEG_SEND;
		p.leg[leg_audio].ptime_ms = 20;
		p.leg[leg_audio].dtmf_type = p.terms[leg_audio].dtmf_out = 255;
		p.leg[leg_t38].flags = ABI_LEG_UDPTL | ABI_LEG_FAX_REPORT;
		p.leg[leg_t38].dtmf_type = 255;
		return p;
	}

	void begin()
	{
		dp_tc_order *o = (dp_tc_order *)calloc(1, sizeof(*o));
		abi_session_plan p = plan();

		ASSERT_TRUE(media_is_fax(&p));
		ASSERT_EQ(MEDIA_THREAD, media_way_of(&p, 2));
		o->type = DP_TC_SET;
		o->set.session = dp_tc_session_new();
		ASSERT_EQ(0, media_open(&p, 2, &o->set));
		ASSERT_EQ(0, dp_transcoder_send(t, o));
		dp_transcoder_turn(t, now += 1000);
		ASSERT_EQ(o, dp_transcoder_reply(t));
		transcoders_dispose(o);
	}

	void put(uint8_t leg, const uint8_t *bytes, size_t size)
	{
		dp_side *s = dp_side_place(in, (uint32_t)size);

		ASSERT_NE(nullptr, s);
		*s = {};
		s->size = (uint16_t)size;
		s->kind = DP_SIDE_RTP;
		s->leg = leg;
		s->time = (now << 14) / 15625;
		memcpy(dp_side_bytes(s), bytes, size);
		dp_side_commit(in, s);
	}

	static int send(t38_core_state_t *, void *user, const uint8_t *ifp, int length, int)
	{
		Fax *f = (Fax *)user;
		uint8_t bytes[UDPTL_MAX];
		int n = udptl_write(&f->tx, ifp, (size_t)length, 3, bytes, sizeof(bytes));

		if (n > 0)
			f->put(leg_t38, bytes, (size_t)n);
		return 0;
	}
	static void deliver(void *user, uint16_t seq, const uint8_t *ifp, size_t length)
	{
		t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(((Fax *)user)->packets), ifp,
			(int)length, seq);
	}
	static void ended_audio(t30_state_t *, void *user, int code)
	{
		((Fax *)user)->done[0] = true;
		((Fax *)user)->result[0] = code;
	}
	static void ended_packets(t30_state_t *, void *user, int code)
	{
		((Fax *)user)->done[1] = true;
		((Fax *)user)->result[1] = code;
	}

	// 20 ms of everything.
	void step()
	{
		uint8_t packet[172] = {0x80, 0};
		int16_t pcm[160] = {};
		uint32_t timestamp = __builtin_bswap32(seq * 160u);
		uint16_t be = __builtin_bswap16(seq++);

		fax_tx(audio, pcm, 160);
		memcpy(packet + 2, &be, 2);
		memcpy(packet + 4, &timestamp, 4);
		g711_ulaw_encode(packet + 12, pcm, 160);
		put(leg_audio, packet, sizeof(packet));
		t38_terminal_send_timeout(packets, 160);
		for (unsigned ms = 0; ms < 20; ms++)
			dp_transcoder_turn(t, now += 1000);
		while (dp_side *s = dp_side_next(out)) {
			if (s->leg == leg_t38) {
				datagrams++;
				udptl_receive(&rx, dp_side_bytes(s), s->size, deliver, this);
			} else if (s->kind == DP_SIDE_RTP) {
				int16_t got[480];
				size_t n = s->size - 12u;

				g711_ulaw_decode(got, dp_side_bytes(s) + 12, n);
				heard.insert(heard.end(), got, got + n);
			}
		}
		if (heard.size() >= 160) {
			fax_rx(audio, heard.data(), 160);
			heard.erase(heard.begin(), heard.begin() + 160);
		}
	}

	void transfer(bool from_audio)
	{
		std::string page = temporary("-page.tif"), received = temporary("-received.tif");

		make_page(page);
		begin();
		audio = fax_init(NULL, from_audio);
		packets = t38_terminal_init(NULL, !from_audio, send, this);
		fax_set_transmit_on_idle(audio, 1);
		t30_state_t *a = fax_get_t30_state(audio), *p = t38_terminal_get_t30_state(packets);
		t30_set_tx_file(from_audio ? a : p, page.c_str(), -1, -1);
		t30_set_rx_file(from_audio ? p : a, received.c_str(), -1);
		t30_set_phase_e_handler(a, ended_audio, this);
		t30_set_phase_e_handler(p, ended_packets, this);
		for (unsigned n = 0; n < 50 * 120 && !(done[0] && done[1]); n++)
			step();
		EXPECT_TRUE(done[0] && done[1]) << "it never ends";
		EXPECT_EQ(T30_ERR_OK, result[0]) << t30_completion_code_to_str(result[0]);
		EXPECT_EQ(T30_ERR_OK, result[1]) << t30_completion_code_to_str(result[1]);
		t30_stats_t stats;
		t30_get_transfer_statistics(from_audio ? p : a, &stats);
		EXPECT_EQ(1, stats.pages_rx);
		EXPECT_EQ(60, stats.length);
		EXPECT_GT(datagrams, 10u);
		dp_tc_event e = {};
		ASSERT_TRUE(dp_transcoder_event(t, &e)) << "its end is told";
		EXPECT_EQ(ABI_FAX, e.type);
		EXPECT_EQ(ABI_FAX_OVER, e.fax.news);
		EXPECT_EQ(leg_t38, e.fax.leg);
		EXPECT_EQ(1, e.fax.pages);
		EXPECT_FALSE(dp_transcoder_event(t, &e)) << "once";
		unlink(page.c_str());
		unlink(received.c_str());
	}
};
} // namespace

TEST_F(Fax, APageFromG711ToT38)
{
	transfer(true);
}

TEST_F(Fax, APageFromT38ToG711)
{
	transfer(false);
}

TEST_F(Fax, AudioAgainHearsNothingOfTheGateway)
{
	abi_session_plan p = plan();
	dp_tc_order *o = (dp_tc_order *)calloc(1, sizeof(*o));

	begin();
	audio = fax_init(NULL, true);
	packets = t38_terminal_init(NULL, false, send, this);
	for (unsigned n = 0; n < 20; n++)
		step();
	p.leg[leg_t38] = p.leg[leg_audio];
	p.terms[leg_t38] = p.terms[leg_audio];
	o->type = DP_TC_SET;
	ASSERT_EQ(0, media_open(&p, 2, &o->set));
	ASSERT_EQ(0, dp_transcoder_send(t, o));
	dp_transcoder_turn(t, now += 1000);
	ASSERT_EQ(o, dp_transcoder_reply(t));
	EXPECT_NE(nullptr, o->set.fax);
	transcoders_dispose(o); // with the gateway
	while (dp_side_next(out))
		;
	for (unsigned ms = 0; ms < 200; ms++)
		dp_transcoder_turn(t, now += 1000);
	for (dp_side *s; (s = dp_side_next(out));)
		EXPECT_NE(DP_SIDE_RTP, s->kind) << "nobody speaks";
}

TEST_F(Fax, JunkForTheGatewayIsCounted)
{
	const uint8_t junk[] = {0, 1, 200, 3}, rtp[16] = {0x80, 0, 0, 1};

	begin();
	audio = fax_init(NULL, true);
	packets = t38_terminal_init(NULL, false, send, this);
	put(leg_t38, junk, sizeof(junk));
	put(leg_t38, rtp, sizeof(rtp));
	put(leg_audio, junk, sizeof(junk));
	for (unsigned n = 0; n < 20; n++)
		step();
	EXPECT_GE(abi_load64(&dp_transcoder_counters(t)->refused), 1u);
	dp_tc_order *drop = (dp_tc_order *)calloc(1, sizeof(*drop));
	drop->type = DP_TC_DROP;
	ASSERT_EQ(0, dp_transcoder_send(t, drop));
	dp_transcoder_turn(t, now += 1000);
	ASSERT_EQ(drop, dp_transcoder_reply(t));
	EXPECT_NE(nullptr, drop->set.fax);
	transcoders_dispose(drop);
}
