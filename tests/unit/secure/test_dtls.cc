// SPDX-License-Identifier: BSD-3-Clause
// DTLS for SRTP: the handshake both ways, who it is with, what loss and junk do to it, and how long we are
// who we are.
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "pair.h"

extern "C" {
#include "controlplane/secure/fingerprint.h"
}

struct Dtls : Identities {
	cp_dtls *client = nullptr, *server = nullptr;

	void TearDown() override
	{
		cp_dtls_free(client);
		cp_dtls_free(server);
	}
	void begin(const char *client_trusts, const char *server_trusts, bool cookie = false)
	{
		client = make(alice, CP_DTLS_ACTIVE, client_trusts);
		server = make(bob, CP_DTLS_PASSIVE, server_trusts, cookie);
		cp_dtls_start(client);
	}
};

TEST_F(Dtls, HandshakeGivesBothTheSameKeys)
{
	begin(print(bob), print(alice));
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(client), CP_DTLS_READY);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_READY);
	expect_keys_agree(client, server);

	cp_dtls_keys keys;
	cp_dtls_export(client, &keys);
	EXPECT_EQ(keys.profile, CP_SRTP_AEAD_AES_128_GCM);
	EXPECT_EQ(keys.key_size, 16);
	EXPECT_EQ(keys.salt_size, 12);
	EXPECT_STREQ(cp_dtls_profile_name(keys.profile), "AEAD_AES_128_GCM");
}

TEST_F(Dtls, DatagramsFitATunnel)
{
	size_t longest = 0;

	begin(print(bob), print(alice));
	converse(client, server, [&](unsigned, const Datagram &d) {
		longest = std::max(longest, d.size());
		return false;
	});
	EXPECT_GT(longest, 100u);
	EXPECT_LE(longest, CP_DTLS_MTU);
}

TEST_F(Dtls, AWrongFingerprintGivesNoKeys)
{
	cp_identity *mallory = cp_identity_new();
	cp_dtls_keys keys;

	begin(print(bob), print(mallory));
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_FAILED);
	EXPECT_STREQ(cp_dtls_why(server), "wrong fingerprint");
	EXPECT_FALSE(cp_dtls_export(server, &keys));
	// The other side is told.
	EXPECT_EQ(cp_dtls_state(client), CP_DTLS_CLOSED);
	cp_identity_release(mallory);
}

TEST_F(Dtls, TheSignallingMayComeLater)
{
	cp_dtls_keys keys;

	begin(print(bob), nullptr);
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_UNTRUSTED);
	EXPECT_FALSE(cp_dtls_export(server, &keys));
	EXPECT_EQ(cp_dtls_trust(server, print(alice)), 0);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_READY);
	expect_keys_agree(client, server);
}

TEST_F(Dtls, TheSignallingMayComeLaterAndBeWrong)
{
	begin(print(bob), nullptr);
	converse(client, server);
	EXPECT_EQ(cp_dtls_trust(server, print(bob)), 0);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_FAILED);
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(client), CP_DTLS_CLOSED);
}

TEST_F(Dtls, OneOfSeveralFingerprintsHasToFit)
{
	std::string several = std::string("md5 00:11\nsha-1 ") +
			      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\n" +
			      print(alice);

	begin(print(bob), several.c_str());
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_READY);
}

TEST_F(Dtls, ACookieIsAskedForFirst)
{
	std::vector<Datagram> first, answer;

	begin(print(bob), print(alice), true);
	first = taken(client);
	ASSERT_EQ(first.size(), 1u);
	cp_dtls_feed(server, first[0].data(), first[0].size());
	answer = taken(server);
	ASSERT_EQ(answer.size(), 1u);
	EXPECT_EQ(answer[0][13], 3); // HelloVerifyRequest
	EXPECT_LT(answer[0].size(), first[0].size());
	cp_dtls_feed(client, answer[0].data(), answer[0].size());
	converse(client, server);
	expect_keys_agree(client, server);
}

// Each datagram of the handshake lost once: the timer sends the flight again.
TEST_F(Dtls, AnyDatagramMayBeLost)
{
	unsigned total;

	begin(print(bob), print(alice));
	total = converse(client, server);
	ASSERT_GE(total, 4u);
	for (unsigned lost = 0; lost < total; lost++) {
		TearDown();
		begin(print(bob), print(alice));
		converse(client, server, [&](unsigned n, const Datagram &) { return n == lost; });
		for (int i = 0; i < 4 && (cp_dtls_state(client) != CP_DTLS_READY ||
						 cp_dtls_state(server) != CP_DTLS_READY);
			i++) {
			usleep(1000u * 1050u);
			cp_dtls_tick(client);
			cp_dtls_tick(server);
			converse(client, server);
		}
		EXPECT_EQ(cp_dtls_state(client), CP_DTLS_READY) << lost;
		EXPECT_EQ(cp_dtls_state(server), CP_DTLS_READY) << lost;
		expect_keys_agree(client, server);
	}
}

TEST_F(Dtls, JunkIsPassedOver)
{
	static const uint8_t junk[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4};

	begin(print(bob), print(alice));
	for (size_t n = 1; n <= sizeof(junk); n++) {
		cp_dtls_feed(server, junk, n);
		cp_dtls_feed(client, junk, n);
	}
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_READY);
	for (size_t n = 1; n <= sizeof(junk); n++)
		cp_dtls_feed(server, junk, n);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_READY);
	expect_keys_agree(client, server);
}

TEST_F(Dtls, AChangedDatagramEndsNothing)
{
	begin(print(bob), print(alice));
	auto hello = taken(client);
	Datagram bad = hello[0];
	bad[11] ^= 0x40; // a length that does not fit
	cp_dtls_feed(server, bad.data(), bad.size());
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_HANDSHAKE);
	cp_dtls_feed(server, hello[0].data(), hello[0].size());
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_READY);
}

TEST_F(Dtls, CloseIsToldAndEnds)
{
	begin(print(bob), print(alice));
	converse(client, server);
	cp_dtls_close(client);
	converse(client, server);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_CLOSED);
}

// A peer that knows nothing of SRTP.
TEST_F(Dtls, WithoutSrtpThereIsNothing)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	uint8_t bytes[4096];
	int n;

	SSL_set_bio(ssl, in, out);
	SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(ssl, 1200);
	SSL_set_connect_state(ssl);
	server = make(bob, CP_DTLS_PASSIVE, print(alice));
	SSL_do_handshake(ssl);
	n = BIO_read(out, bytes, sizeof(bytes));
	cp_dtls_feed(server, bytes, (size_t)n);
	for (auto &d : taken(server))
		BIO_write(in, d.data(), (int)d.size());
	SSL_do_handshake(ssl);
	n = BIO_read(out, bytes, sizeof(bytes));
	if (n > 0)
		cp_dtls_feed(server, bytes, (size_t)n);
	EXPECT_EQ(cp_dtls_state(server), CP_DTLS_FAILED);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

// ---- fingerprints

TEST(Fingerprint, IsReadAsRfc8122WritesIt)
{
	static const char good[] = "SHA-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:aB";
	cp_print p;

	EXPECT_EQ(cp_print_parse(good, strlen(good), &p), 0);
	EXPECT_EQ(p.size, 20);
	EXPECT_EQ(p.digest[0], 0x4a);
	EXPECT_EQ(p.digest[19], 0xab);
	for (size_t n = 0; n < strlen(good); n++)
		EXPECT_LT(cp_print_parse(good, n, &p), 0) << n;
	EXPECT_EQ(cp_print_parse("md5 00:11", 9, &p), -ENOTSUP);
	std::string bad = good;
	bad[8] = ';';
	EXPECT_EQ(cp_print_parse(bad.c_str(), bad.size(), &p), -EINVAL);
	bad = good;
	bad[7] = 'G';
	EXPECT_EQ(cp_print_parse(bad.c_str(), bad.size(), &p), -EINVAL);
}

// ---- identity

struct IdentityFile : ::testing::Test {
	std::string file = "/tmp/hawse-identity-" + std::to_string(getpid());
	void TearDown() override { unlink(file.c_str()); }
	std::string loaded(int64_t now, bool *saved)
	{
		cp_identity *i = cp_identity_load(file.c_str(), now, saved);
		std::string print = i ? cp_identity_fingerprint(i) : "";

		cp_identity_release(i);
		return print;
	}
};

TEST_F(IdentityFile, IsKeptUntilItIsOld)
{
	int64_t now = time(nullptr), day = 24 * 60 * 60;
	bool saved = false;
	std::string first = loaded(now, &saved);
	struct stat st;

	EXPECT_TRUE(saved);
	ASSERT_EQ(stat(file.c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0600u);
	EXPECT_EQ(loaded(now + 3 * day, &saved), first);
	EXPECT_TRUE(saved);
	EXPECT_NE(loaded(now + 15 * day, &saved), first);
}

TEST_F(IdentityFile, WhatOthersCanReadIsNoSecret)
{
	bool saved;
	std::string first = loaded(time(nullptr), &saved);

	chmod(file.c_str(), 0640);
	EXPECT_NE(loaded(time(nullptr), &saved), first);
	EXPECT_TRUE(saved);
}

TEST_F(IdentityFile, JunkInItIsReplaced)
{
	bool saved;

	std::ofstream(file) << "no key";
	chmod(file.c_str(), 0600);
	std::string first = loaded(time(nullptr), &saved);
	EXPECT_EQ(first.size(), strlen("sha-256 ") + 32 * 3 - 1);
	EXPECT_EQ(loaded(time(nullptr), &saved), first);
}

TEST_F(IdentityFile, WithoutAPlaceForItThereIsOneAllTheSame)
{
	bool saved = true;
	file = "/nonexistent/dtls.pem";
	EXPECT_NE(loaded(time(nullptr), &saved), "");
	EXPECT_FALSE(saved);
}
