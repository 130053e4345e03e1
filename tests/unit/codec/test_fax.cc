// SPDX-License-Identifier: BSD-3-Clause
// UDPTL, and a page that goes from an audio fax machine through the gateway to a T.38 one and the other way, over a
// network that loses datagrams. Both machines are spandsp's.
#include "tests/unit/codec/rig.h" // before spandsp, which has lrint for a macro

#include <spandsp.h>
#include <tiffio.h>
#include <unistd.h>

#include <deque>
#include <string>
#include <vector>

extern "C" {
#include "dataplane/codec/fax_ear.h"
#include "dataplane/codec/fax.h"
#include "dataplane/codec/udptl.h"
}

namespace
{
using Bytes = std::vector<uint8_t>;
struct Delivered {
	std::vector<std::pair<uint16_t, Bytes>> all;
	static void take(void *context, uint16_t seq, const uint8_t *ifp, size_t length)
	{
		((Delivered *)context)->all.push_back({seq, Bytes(ifp, ifp + length)});
	}
};
} // namespace

TEST(Udptl, LossesAreRepairedByWhatFollows)
{
	udptl_tx tx{};
	udptl_rx rx{};
	Delivered got;
	tx.seq = 65530;
	std::vector<Bytes> sent, datagrams;
	for (unsigned i = 0; i < 20; i++) {
		Bytes ifp(i % 5 == 4 ? 200 : 5 + i, (uint8_t)i);
		uint8_t out[UDPTL_MAX];
		int n = udptl_write(&tx, ifp.data(), ifp.size(), 3, out, sizeof(out));
		ASSERT_GT(n, 0);
		sent.push_back(ifp);
		datagrams.push_back(Bytes(out, out + n));
	}
	for (unsigned i = 0; i < 20; i++) {
		if (i % 5 == 1 || i % 5 == 2) // two in a row
			continue;
		EXPECT_EQ(udptl_receive(&rx, datagrams[i].data(), datagrams[i].size(), Delivered::take, &got), 0);
		EXPECT_EQ(udptl_receive(&rx, datagrams[i].data(), datagrams[i].size(), Delivered::take, &got), 0);
	}
	ASSERT_EQ(got.all.size(), 20u);
	for (unsigned i = 0; i < 20; i++) {
		EXPECT_EQ(got.all[i].first, (uint16_t)(65530 + i));
		EXPECT_EQ(got.all[i].second, sent[i]);
	}
	EXPECT_EQ(rx.recovered, 8u);
	EXPECT_EQ(rx.lost, 0u);
	EXPECT_EQ(rx.duplicate, 12u);
}

TEST(Udptl, WhatDoesNotEndIsRefused)
{
	udptl_packet p;
	const Bytes good = {0, 1, 2, 0xaa, 0xbb, 0, 1, 1, 0xcc}, parity = {0, 1, 1, 0xaa, 0x80, 1, 3, 1, 2, 9, 9};
	ASSERT_EQ(udptl_read(&p, good.data(), good.size()), 0);
	EXPECT_EQ(p.seq, 1);
	EXPECT_EQ(p.primary.length, 2);
	EXPECT_EQ(p.count, 1);
	EXPECT_EQ(p.secondary[0].data[0], 0xcc);
	ASSERT_EQ(udptl_read(&p, parity.data(), parity.size()), 0);
	EXPECT_TRUE(p.fec);
	EXPECT_EQ(p.count, 0);
	for (const Bytes &whole : {good, parity})
		for (size_t cut = 0; cut < whole.size(); cut++) {
			Bytes exact(whole.begin(), whole.begin() + (long)cut);
			EXPECT_EQ(udptl_read(&p, exact.data(), exact.size()), -EBADMSG) << cut;
		}
	const Bytes fragment = {0, 1, 0xc1, 0xaa, 0, 0};
	EXPECT_EQ(udptl_read(&p, fragment.data(), fragment.size()), -EBADMSG);
	udptl_tx tx{};
	uint8_t out[8], ifp[UDPTL_IFP + 1] = {0};
	EXPECT_EQ(udptl_write(&tx, ifp, 4, 3, out, 8), -ENOSPC);
	EXPECT_EQ(udptl_write(&tx, ifp, 3, 3, out, 8), 8);
	EXPECT_EQ(udptl_write(&tx, ifp, 3, 3, out, 8), 8) << "without what does not fit";
	EXPECT_EQ(udptl_write(&tx, ifp, sizeof(ifp), 3, out, 8), -ENOSPC);
}

namespace
{
std::string temporary(const char *name)
{
	return "/tmp/hawse-fax-" + std::to_string(getpid()) + name;
}

void make_page(const std::string &path)
{
	TIFF *t = TIFFOpen(path.c_str(), "w");
	ASSERT_TRUE(t);
	TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 1728u);
	TIFFSetField(t, TIFFTAG_IMAGELENGTH, 120u);
	TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
	TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
	TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 120u);
	TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T4);
	TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
	TIFFSetField(t, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
	TIFFSetField(t, TIFFTAG_XRESOLUTION, 204.0);
	TIFFSetField(t, TIFFTAG_YRESOLUTION, 98.0);
	TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
	for (uint32_t row = 0; row < 120; row++) {
		uint8_t line[216] = {0};
		for (unsigned i = 0; i < 216; i++)
			line[i] = (row / 8 + i / 12) % 2 ? 0xff : 0;
		TIFFWriteScanline(t, line, row, 0);
	}
	TIFFClose(t);
}

struct Machines {
	fax_state_t *audio = nullptr;
	t38_terminal_state_t *packets = nullptr;
	fax *gateway = nullptr;
	std::deque<Bytes> wire;
	udptl_tx tx{};
	udptl_rx rx{};
	bool done[2] = {false, false};
	int result[2] = {-1, -1};
	unsigned datagrams = 0;

	static int send(t38_core_state_t *, void *user, const uint8_t *ifp, int length, int)
	{
		Machines *m = (Machines *)user;
		uint8_t out[UDPTL_MAX];
		int n = udptl_write(&m->tx, ifp, (size_t)length, 3, out, sizeof(out));
		if (n > 0 && ++m->datagrams % 10 != 7) // the network loses one of ten
			m->wire.push_back(Bytes(out, out + n));
		return 0;
	}
	static void deliver(void *context, uint16_t seq, const uint8_t *ifp, size_t length)
	{
		Machines *m = (Machines *)context;
		t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(m->packets), ifp, (int)length, seq);
	}
	static void ended_audio(t30_state_t *, void *user, int code)
	{
		((Machines *)user)->done[0] = true;
		((Machines *)user)->result[0] = code;
	}
	static void ended_packets(t30_state_t *, void *user, int code)
	{
		((Machines *)user)->done[1] = true;
		((Machines *)user)->result[1] = code;
	}
};

void transfer(bool from_audio)
{
	Machines m;
	std::string page = temporary("-page.tif"), received = temporary("-received.tif");
	make_page(page);
	fax_config c{};
	c.redundancy = 3;
	ASSERT_EQ(fax_open(&m.gateway, &c), 0);
	m.audio = fax_init(NULL, from_audio);
	m.packets = t38_terminal_init(NULL, !from_audio, Machines::send, &m);
	fax_set_transmit_on_idle(m.audio, 1);
	t30_state_t *a = fax_get_t30_state(m.audio), *p = t38_terminal_get_t30_state(m.packets);
	t30_set_tx_file(from_audio ? a : p, page.c_str(), -1, -1);
	t30_set_rx_file(from_audio ? p : a, received.c_str(), -1);
	t30_set_phase_e_handler(a, Machines::ended_audio, &m);
	t30_set_phase_e_handler(p, Machines::ended_packets, &m);
	unsigned lost = 0;
	for (unsigned tick = 0; tick < 50 * 120 && !(m.done[0] && m.done[1]); tick++) {
		int16_t pcm[160];
		int n = fax_tx(m.audio, pcm, 160);
		memset(pcm + n, 0, (size_t)(160 - n) * 2);
		fax_from_audio(m.gateway, pcm, 160);
		fax_to_audio(m.gateway, pcm, 160);
		fax_rx(m.audio, pcm, 160);
		uint8_t datagram[UDPTL_MAX];
		size_t length;
		while ((length = fax_to_t38(m.gateway, datagram, sizeof(datagram))) > 0)
			if (++lost % 10 != 3)
				udptl_receive(&m.rx, datagram, length, Machines::deliver, &m);
		for (; !m.wire.empty(); m.wire.pop_front())
			EXPECT_EQ(fax_from_t38(m.gateway, m.wire.front().data(), m.wire.front().size()), 0);
		t38_terminal_send_timeout(m.packets, 160);
	}
	EXPECT_TRUE(m.done[0] && m.done[1]) << "it never ends";
	EXPECT_EQ(m.result[0], T30_ERR_OK) << t30_completion_code_to_str(m.result[0]);
	EXPECT_EQ(m.result[1], T30_ERR_OK) << t30_completion_code_to_str(m.result[1]);
	t30_stats_t stats;
	t30_get_transfer_statistics(from_audio ? p : a, &stats);
	EXPECT_EQ(stats.pages_rx, 1);
	EXPECT_EQ(stats.length, 120);
	EXPECT_EQ(stats.bad_rows, 0);
	struct fax_stats s;
	fax_counts(m.gateway, &s);
	EXPECT_EQ(s.dropped, 0u);
	EXPECT_EQ(s.corrupt, 0u);
	EXPECT_GT(s.recovered, 0u);
	fax_free(m.audio);
	t38_terminal_free(m.packets);
	fax_close(m.gateway);
	unlink(page.c_str());
	unlink(received.c_str());
}
} // namespace

TEST(Fax, APageGoesFromAudioToT38)
{
	transfer(true);
}

TEST(Fax, APageGoesFromT38ToAudio)
{
	transfer(false);
}

TEST(Fax, JunkIsCounted)
{
	fax *f = nullptr;
	fax_config c{};
	c.version = 9;
	EXPECT_EQ(fax_open(&f, &c), -EINVAL);
	c.version = 0;
	ASSERT_EQ(fax_open(&f, &c), 0);
	uint8_t junk[] = {0, 1, 200, 3};
	EXPECT_EQ(fax_from_t38(f, junk, sizeof(junk)), -EBADMSG);
	fax_from_audio(f, NULL, 1600);
	int16_t pcm[160];
	EXPECT_EQ(fax_to_audio(f, pcm, 160), 160u);
	struct fax_stats s;
	fax_counts(f, &s);
	EXPECT_EQ(s.corrupt, 1u);
	EXPECT_EQ(s.datagrams_in, 1u);
	fax_close(f);
}

// ---- machines that are heard

namespace
{
unsigned hear(fax_ear *ear, const rig::Pcm &pcm)
{
	unsigned heard = 0;

	for (size_t at = 0; at + 160 <= pcm.size(); at += 160)
		heard |= fax_ear_hear(ear, pcm.data() + at, 160);
	return heard;
}

rig::Pcm modem(int kind, unsigned ms)
{
	modem_connect_tones_tx_state_t *t = modem_connect_tones_tx_init(NULL, kind);
	rig::Pcm pcm(8 * ms);

	for (size_t at = 0; at < pcm.size();) {
		int n = modem_connect_tones_tx(t, pcm.data() + at, (int)(pcm.size() - at));
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	modem_connect_tones_tx_free(t);
	return pcm;
}

int flag_bit(void *user)
{
	unsigned *n = (unsigned *)user;

	return 0x7e >> (*n)++ % 8 & 1;
}

rig::Pcm preamble(unsigned ms)
{
	unsigned bits = 0;
	fsk_tx_state_t *t = fsk_tx_init(NULL, &preset_fsk_specs[FSK_V21CH2], flag_bit, &bits);
	rig::Pcm pcm(8 * ms);

	fsk_tx(t, pcm.data(), (int)pcm.size());
	fsk_tx_free(t);
	return pcm;
}
} // namespace

TEST(FaxEar, HearsMachinesAndNothingElse)
{
	const struct {
		const char *what;
		rig::Pcm pcm;
		unsigned heard;
	} rows[] = {
		{"CNG", modem(MODEM_CONNECT_TONES_FAX_CNG, 4000), FAX_CALLS},
		{"CED", modem(MODEM_CONNECT_TONES_FAX_CED, 3000), FAX_ANSWERS},
		{"V.21 preamble", preamble(2000), FAX_ANSWERS},
		{"a modem", modem(MODEM_CONNECT_TONES_ANSAM_PR, 3000), 0},
		{"a vowel", rig::vowel(8000, 3000), 0},
		{"speech", rig::speech(8000), 0},
		{"1000 Hz", rig::tone(8000, 1000, 3000), 0},
		{"silence", rig::Pcm(24000), 0},
	};

	for (const auto &row : rows) {
		fax_ear *ear = nullptr;

		ASSERT_EQ(0, fax_ear_open(&ear, 8000));
		EXPECT_EQ(row.heard, hear(ear, row.pcm)) << row.what;
		EXPECT_EQ(0u, hear(ear, row.pcm) & row.heard) << row.what << " is told once";
		fax_ear_close(ear);
	}
}
