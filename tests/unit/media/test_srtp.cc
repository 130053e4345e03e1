// SPDX-License-Identifier: BSD-3-Clause
// SRTP by the RFCs' vectors, and each backend against libsrtp2 over packets that are lost, late,
// repeated, and pass 65,535.
#include "srtp_pair.h"

namespace
{
using Derived =
	std::tuple<unsigned, const char *, const char *, const char *, const char *, const char *>;

void check_derivation(const Derived &d)
{
	abi_srtp_key key = {};
	srtp_raw_keys raw;
	uint8_t salt[16];
	Bytes master = hex(std::get<1>(d)), master_salt = hex(std::get<2>(d));
	Bytes cipher = hex(std::get<3>(d)), session_salt = hex(std::get<4>(d));
	Bytes auth = hex(std::get<5>(d));

	key.suite = (uint8_t)std::get<0>(d);
	memcpy(key.key, master.data(), master.size());
	memcpy(key.salt, master_salt.data(), 14);
	ASSERT_EQ(0, srtp_derive(&key, false, &raw, salt));
	EXPECT_EQ(0, memcmp(raw.cipher, cipher.data(), cipher.size()));
	EXPECT_EQ(0, memcmp(salt, session_salt.data(), 14));
	EXPECT_EQ(0, memcmp(raw.auth, auth.data(), 20));
}

// RFC 7714's vectors give session keys: puts them where derived ones were.
void use_session_keys(srtp_context *c, unsigned bytes)
{
	srtp_raw_keys raw = {};
	const char *salt = "Quid pro quo";

	raw.aead = 1;
	raw.cipher_length = (uint8_t)bytes;
	for (unsigned i = 0; i < bytes; i++)
		raw.cipher[i] = (uint8_t)i;
	for (unsigned rtcp = 0; rtcp < 2; rtcp++) {
		void *keys = (uint8_t *)c->keys + rtcp * c->key_size;

		c->backend->forget(keys, 1);
		ASSERT_EQ(0, c->backend->expand(keys, &raw));
		memset(c->salt[rtcp], 0, 16);
		memcpy(c->salt[rtcp], salt, 12);
	}
}

const char *rfc7714_rtp = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976"
			  "69736120 696e2070 61727465 73207472 6573";
const char *rfc7714_rtcp = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61"
			   "deadbeef deadbeef deadbeef deadbeef deadbeef";
} // namespace

TEST(SrtpVectors, Rfc3711Derivation)
{
	check_derivation({ABI_SRTP_AES_CM_128_HMAC_SHA1_80, "e1f97a0d3e018be0d64fa32c06de4139",
		"0ec675ad498afeebb6960b3aabe6", "c61e7a93744f39ee10734afe3ff7a087",
		"30cbbc08863d8c85d49db34a9ae1", "cebe321f6ff7716b6fd4ab49af256a156d38baa4"});
}

TEST(SrtpVectors, Rfc6188Derivation)
{
	check_derivation({ABI_SRTP_AES_256_CM_HMAC_SHA1_80,
		"f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
		"3b04803de51ee7c96423ab5b78d2",
		"5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
		"fa31791685ca444a9e07c6c64e93", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"});
	check_derivation({ABI_SRTP_AES_192_CM_HMAC_SHA1_80,
		"73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1", "c8522f3acd4ce86d5add78edbb11",
		"31874736a8f1143870c26e4857d8a5b2c4a354407faadabb", "2372b82d639b6d8503a47adc0a6c",
		"355b10973cd95b9eacf4061c7e1a7151e7cfbfcb"});
}

TEST(SrtpVectors, Rfc3711KeyStream)
{
	// Appendix B.2, as session keys: what enciphers zeros is the key stream.
	for (auto *backend : backends()) {
		Ours ours(backend, make_key(ABI_SRTP_AES_CM_128_HMAC_SHA1_80, 1), ABI_OUT);
		Bytes key = hex("2b7e151628aed2a6abf7158809cf4f3c");
		Bytes salt = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd");
		srtp_raw_keys raw = {};
		Bytes packet = rtp(0, 0, 48);

		raw.cipher_length = 16;
		memcpy(raw.cipher, key.data(), 16);
		backend->forget(ours.context->keys, 0);
		ASSERT_EQ(0, backend->expand(ours.context->keys, &raw));
		memcpy(ours.context->salt[0], salt.data(), 14);
		std::fill(packet.begin() + 12, packet.end(), 0);
		ASSERT_EQ(SRTP_OK, ours.one(packet));
		EXPECT_EQ(hex("e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
			      "41e95b3bb0a2e8dd477901e4fca894c0"),
			Bytes(packet.begin() + 12, packet.begin() + 60))
			<< backend->name;
	}
}

TEST(SrtpVectors, Rfc7714)
{
	struct {
		unsigned suite, bytes;
		const char *rtp, *rtcp;
	} cases[] = {
		{ABI_SRTP_AEAD_AES_128_GCM, 16,
			"8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5"
			"0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439"
			"0cce",
			"81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d"
			"c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872"
			"45d9eade 800005d4"},
		{ABI_SRTP_AEAD_AES_256_GCM, 32,
			"8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238"
			"9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7"
			"6c13",
			"81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50"
			"a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c"
			"b26ac3be 800005d4"},
	};

	for (auto *backend : backends()) {
		for (auto &c : cases) {
			Ours out(backend, make_key(c.suite, 1), ABI_OUT);
			Ours in(backend, make_key(c.suite, 1), ABI_IN);
			Bytes packet = hex(rfc7714_rtp);

			use_session_keys(out.context, c.bytes);
			use_session_keys(in.context, c.bytes);
			ASSERT_EQ(SRTP_OK, out.one(packet));
			EXPECT_EQ(hex(c.rtp), packet) << backend->name;
			ASSERT_EQ(SRTP_OK, in.one(packet)) << backend->name;
			EXPECT_EQ(hex(rfc7714_rtp), packet);
			abi_srtp_stream at = {0x4d617273, 0, 0x5d4, 0, 1, 0};
			srtp_resume(out.context, &at);
			packet = hex(rfc7714_rtcp);
			ASSERT_EQ(SRTP_OK, out.one(packet, true));
			EXPECT_EQ(hex(c.rtcp), packet) << backend->name;
			ASSERT_EQ(SRTP_OK, in.one(packet, true)) << backend->name;
			EXPECT_EQ(hex(rfc7714_rtcp), packet);
		}
	}
}

TEST(SrtpVectors, Rfc7714InClear)
{
	// Section 17.2: SRTCP that is authenticated only.
	const char *tagged =
		"81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61"
		"deadbeef deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790"
		"125f62b3 000005d4";

	for (auto *backend : backends()) {
		Ours in(backend, make_key(ABI_SRTP_AEAD_AES_128_GCM, 1), ABI_IN);
		Bytes packet = hex(tagged);

		use_session_keys(in.context, 16);
		EXPECT_EQ(SRTP_OK, in.one(packet, true)) << backend->name;
		EXPECT_EQ(hex(rfc7714_rtcp), packet);
		packet = hex(tagged);
		packet[10] ^= 1;
		packet[packet.size() - 1] ^= 1; // another index
		EXPECT_EQ(SRTP_AUTH_FAILED, in.one(packet, true));
	}
}

// Each backend reads what the other made, AES-192 too.
TEST(SrtpVectors, BackendsReadEachOther)
{
	for (unsigned suite = ABI_SRTP_NONE + 1; suite < ABI_SRTP_SUITES; suite++) {
		abi_srtp_key key = make_key(suite, 11);
		Ours a(&srtp_ssl, key, ABI_OUT), b(srtp_best(), key, ABI_IN);
		Ours c(srtp_best(), key, ABI_OUT), d(&srtp_ssl, key, ABI_IN);

		for (uint32_t at = 65400; at < 65700;) {
			std::vector<Bytes> plain, first, second;

			for (unsigned i = 0; i < 30; i++, at++)
				plain.push_back(rtp((uint16_t)at, 9, at % 200, at % 4, at % 5));
			first = second = plain;
			ASSERT_EQ(SRTP_OK, a.run(first, nullptr));
			ASSERT_EQ(SRTP_OK, c.run(second, nullptr));
			ASSERT_EQ(first, second) << suite;
			ASSERT_EQ(SRTP_OK, b.run(first, nullptr));
			ASSERT_EQ(SRTP_OK, d.run(second, nullptr));
			ASSERT_EQ(first, plain);
			ASSERT_EQ(second, plain);
		}
	}
}

// ---- against libsrtp2

class Against : public testing::TestWithParam<unsigned>
{
};

TEST_P(Against, WhatWeProtectTheyRead)
{
	for (auto *backend : backends()) {
		for (const Bytes &mki : {Bytes{}, Bytes{1}, Bytes{9, 8, 7, 6}}) {
			abi_srtp_key key = make_key(GetParam(), 7, mki);
			Ours ours(backend, key, ABI_OUT);
			Theirs theirs(key, ABI_IN);
			std::mt19937 random(3);
			uint16_t seq = 65000;

			for (int burst = 0; burst < 30; burst++) {
				std::vector<Bytes> plain, sent;

				for (unsigned i = 0; i <= random() % SRTP_BURST; i++)
					plain.push_back(rtp(seq++, 5, random() % 400, random() % 3,
						random() % 3));
				sent = plain;
				ASSERT_EQ(SRTP_OK, ours.run(sent, nullptr));
				for (size_t i = 0; i < sent.size(); i++) {
					ASSERT_TRUE(theirs.one(sent[i]))
						<< backend->name << " " << i << " of "
						<< sent.size() << " size " << plain[i].size()
						<< " first " << (int)plain[i][0] << " status "
						<< theirs.status;
					ASSERT_EQ(plain[i], sent[i]);
				}
				// libsrtp2 looks for the MKI of SRTCP as if its tag were SRTP's.
				if (!mki.empty() && abi_suite_of(GetParam())->rtp_tag == 4)
					continue;
				Bytes report = rtcp(5, 2 + random() % 30), before = report;
				ASSERT_EQ(SRTP_OK, ours.one(report, true));
				ASSERT_TRUE(theirs.one(report, true)) << backend->name;
				ASSERT_EQ(before, report);
			}
		}
	}
}

TEST_P(Against, WhatTheyProtectWeRead)
{
	for (auto *backend : backends()) {
		for (const Bytes &mki : {Bytes{}, Bytes{0, 0, 0, 1}}) {
			abi_srtp_key key = make_key(GetParam(), 8, mki);
			Ours ours(backend, key, ABI_IN);
			Theirs theirs(key, ABI_OUT);
			std::mt19937 random(4);
			uint16_t seq = 30000;

			for (int burst = 0; burst < 30; burst++) {
				std::vector<Bytes> plain, sent;
				std::vector<srtp_verdict> verdicts;

				for (unsigned i = 0; i <= random() % SRTP_BURST; i++) {
					seq = (uint16_t)(seq + 1 + random() % 2);
					plain.push_back(rtp(seq, 6, random() % 300));
					sent.push_back(plain.back());
					ASSERT_TRUE(theirs.one(sent.back()));
				}
				std::swap(plain.front(), plain.back()); // out of order
				std::swap(sent.front(), sent.back());
				ASSERT_EQ(SRTP_OK, ours.run(sent, &verdicts)) << backend->name;
				ASSERT_EQ(plain, sent);
				if (!mki.empty() && abi_suite_of(GetParam())->rtp_tag == 4)
					continue;
				Bytes report = rtcp(6), before = report;
				ASSERT_TRUE(theirs.one(report, true));
				ASSERT_EQ(SRTP_OK, ours.one(report, true)) << backend->name;
				ASSERT_EQ(before, report);
			}
		}
	}
}

// The same lossy, repeating, reordering stream with damage into both: the same packets pass.
TEST_P(Against, BothRefuseTheSame)
{
	for (auto *backend : backends()) {
		abi_srtp_key key = make_key(GetParam(), 9);
		Ours ours(backend, key, ABI_IN);
		Theirs theirs(key, ABI_IN), sender(key, ABI_OUT);
		std::mt19937 random(5);
		std::vector<Bytes> stream;
		unsigned passed = 0, refused = 0;

		for (unsigned i = 0; i < 1500; i++) {
			stream.push_back(rtp((uint16_t)(60000 + i * 5), 77, 20));
			ASSERT_TRUE(sender.one(stream.back()));
		}
		for (unsigned at = 0; at < stream.size(); at++) {
			unsigned pick = random() % 8 ? at : at - random() % std::min(at + 1, 40u);
			Bytes a = stream[pick], b;

			if (random() % 16 == 0)
				a[random() % a.size()] ^= 0x10;
			if (random() % 32 == 0)
				a.resize(random() % a.size());
			if (a.size() < 12 || (a[0] & 0xc0) != 0x80) // not for SRTP to see
				continue;
			b = a;
			bool they = theirs.one(b);
			srtp_verdict we = ours.one(a);
			ASSERT_EQ(they, we == SRTP_OK) << backend->name << " " << at << " " << we;
			if (they)
				ASSERT_EQ(a, b);
			++(they ? passed : refused);
		}
		EXPECT_GT(passed, 900u);
		EXPECT_GT(refused, 100u);
	}
}

// 70,000 packets: a wrap, by bursts.
TEST_P(Against, PassesTheWrap)
{
	abi_srtp_key key = make_key(GetParam(), 10);
	Ours out(srtp_best(), key, ABI_OUT), in(&srtp_ssl, key, ABI_IN);
	Theirs theirs(key, ABI_IN);
	std::mt19937 random(6);

	for (uint32_t at = 0; at < 70000;) {
		std::vector<Bytes> plain, sent;

		for (unsigned i = 0; i < 50; i++)
			plain.push_back(rtp((uint16_t)at++, 1, 10));
		sent = plain;
		ASSERT_EQ(SRTP_OK, out.run(sent, nullptr));
		for (auto &p : sent) {
			Bytes copy = p;
			if (at % 250 == 0 || at > 65000)
				ASSERT_TRUE(theirs.one(copy)) << at;
		}
		std::shuffle(sent.begin(), sent.end(), random);
		ASSERT_EQ(SRTP_OK, in.run(sent, nullptr)) << at;
	}
	EXPECT_EQ(out.context->stream[0].highest, 69999u);
	EXPECT_EQ(in.context->stream[0].highest, 69999u);
}

// Not AES-192: libsrtp2 derives its keys by AES-256, against RFC 6188.
INSTANTIATE_TEST_SUITE_P(Suites, Against,
	testing::Values((unsigned)ABI_SRTP_AES_CM_128_HMAC_SHA1_80,
		(unsigned)ABI_SRTP_AES_CM_128_HMAC_SHA1_32,
		(unsigned)ABI_SRTP_AES_256_CM_HMAC_SHA1_80,
		(unsigned)ABI_SRTP_AES_256_CM_HMAC_SHA1_32, (unsigned)ABI_SRTP_AEAD_AES_128_GCM,
		(unsigned)ABI_SRTP_AEAD_AES_256_GCM),
	[](const testing::TestParamInfo<unsigned> &info) {
		return std::string(abi_suite_of(info.param)->name);
	});
