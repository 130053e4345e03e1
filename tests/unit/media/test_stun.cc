// SPDX-License-Identifier: BSD-3-Clause
// STUN by the vectors of RFC 5769, and what the responder answers to whom.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include <openssl/hmac.h>

#include "dataplane/media/stun.h"
#include "srtp_pair.h"

namespace
{
const char *password = "VOkJxbRl1RmTxUk/WvJxBt";

Bytes request_vector() // RFC 5769 2.1
{
	return hex("00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573"
		   "7420636c 69656e74 00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009"
		   "6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249"
		   "c1b571a2 80280004 e57a3bcf");
}

Bytes response_vector(bool six) // 2.2, 2.3
{
	if (!six)
		return hex("0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374"
			   "20766563 746f7220 00200008 0001a147 e112a643 00080014 2b91f599"
			   "fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96");
	return hex("01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563"
		   "746f7220 00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9 00080014"
		   "a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c");
}

stun_key key_of(const char *text)
{
	stun_key k;

	stun_key_make(&k, (const uint8_t *)text, strlen(text));
	return k;
}

// A request as an ICE agent makes it.
class Request
{
      public:
	Request()
	{
		bytes = hex("00010000 2112a442 000102030405060708090a0b");
	}
	Request &add(uint16_t type, const Bytes &value)
	{
		for (unsigned v :
			{type >> 8, type & 255, (int)value.size() >> 8, (int)value.size() & 255})
			bytes.push_back((uint8_t)v);
		bytes.insert(bytes.end(), value.begin(), value.end());
		while (bytes.size() % 4)
			bytes.push_back(0);
		length(0);
		return *this;
	}
	Request &user(const std::string &name)
	{
		return add(6, Bytes(name.begin(), name.end()));
	}
	Request &sign(const char *with)
	{
		add(8, Bytes(20));
		uint8_t tag[20];
		secret = with;
		compute(tag, bytes.size() - 24);
		memcpy(bytes.data() + bytes.size() - 20, tag, 20);
		return *this;
	}
	Request &print()
	{
		length(8);
		uint32_t crc = stun_crc32(bytes.data(), bytes.size()) ^ 0x5354554e;
		return add(0x8028, {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
					   (uint8_t)crc});
	}
	Bytes bytes;

      private:
	void length(size_t more)
	{
		size_t n = bytes.size() - 20 + more;

		bytes[2] = (uint8_t)(n >> 8);
		bytes[3] = (uint8_t)n;
	}
	void compute(uint8_t tag[20], size_t size); // by OpenSSL's HMAC

      public:
	std::string secret;
};

void Request::compute(uint8_t tag[20], size_t size)
{
	unsigned n = 20;

	HMAC(EVP_sha1(), secret.data(), (int)secret.size(), bytes.data(), size, tag, &n);
}

class Ice : public testing::Test
{
      protected:
	abi_leg_ice params = {};
	stun_ice ice = {};
	stun_answer answer = {};
	const uint8_t ip[16] = {192, 0, 2, 1};

	Ice()
	{
		params.role = ABI_ICE_LITE;
		set();
	}
	void set()
	{
		params.local_ufrag_length = 4;
		memcpy(params.local_ufrag, "abcd", 4);
		params.local_pwd_length = (uint8_t)strlen(password);
		memcpy(params.local_pwd, password, strlen(password));
		stun_ice_set(&ice, &params);
	}
	Request request(const std::string &user = "abcd:wxyz", const Bytes &extra = {},
		uint16_t type = 0, const char *with = password)
	{
		Request r;

		r.user(user).add(0x24, {1, 2, 3, 4});
		if (type)
			r.add(type, extra);
		return r.sign(with).print();
	}
	stun_action ask(const Bytes &bytes)
	{
		stun_respond(&answer, &ice, bytes.data(), bytes.size(), 4, ip, 32853);
		EXPECT_LE(answer.length, bytes.size());
		return (stun_action)answer.action;
	}
	unsigned error() const
	{
		return answer.data[26] * 100u + answer.data[27];
	}
};
} // namespace

TEST(Stun, Rfc5769)
{
	stun_view v;
	Bytes b = request_vector();
	stun_key key = key_of(password), wrong = key_of("VOkJxbRl1RmTxUk/WvJxBu");

	ASSERT_EQ(STUN_GOOD, stun_parse(&v, b.data(), b.size()));
	EXPECT_EQ(STUN_REQUEST, v.type);
	EXPECT_EQ(1, v.method);
	EXPECT_TRUE(v.fingerprint);
	EXPECT_EQ("evtj:h6vY", std::string((const char *)v.username, v.username_length));
	EXPECT_EQ(0x6e0001ffu, v.priority);
	EXPECT_TRUE(v.controlled);
	EXPECT_EQ(0x932ff9b151263b36u, v.tie_breaker);
	EXPECT_TRUE(stun_verify(&v, b.data(), &key));
	EXPECT_FALSE(stun_verify(&v, b.data(), &wrong));
	for (bool six : {false, true}) {
		b = response_vector(six);
		ASSERT_EQ(STUN_GOOD, stun_parse(&v, b.data(), b.size()));
		EXPECT_EQ(STUN_SUCCESS, v.type);
		EXPECT_TRUE(v.fingerprint);
		EXPECT_TRUE(stun_verify(&v, b.data(), &key));
	}
}

TEST(Stun, RefusesWhatIsNotWhole)
{
	stun_view v;
	Bytes good = request_vector(), b;

	for (size_t size = 0; size < good.size(); size++)
		EXPECT_NE(STUN_GOOD, stun_parse(&v, good.data(), size)) << size;
	b = good;
	b[4] ^= 1;
	EXPECT_EQ(STUN_BAD_HEADER, stun_parse(&v, b.data(), b.size()));
	b = good;
	b[0] |= 0x40;
	EXPECT_EQ(STUN_BAD_HEADER, stun_parse(&v, b.data(), b.size()));
	b = good;
	b[22] = 0xff; // the first attribute's length
	EXPECT_EQ(STUN_BAD_ATTRIBUTE, stun_parse(&v, b.data(), b.size()));
	for (size_t at = 24; at < good.size() - 8; at += 7) {
		b = good;
		b[at] ^= 0x20;
		EXPECT_NE(STUN_GOOD, stun_parse(&v, b.data(), b.size())) << at;
	}
}

TEST_F(Ice, AnswersWhoHasTheCredentials)
{
	stun_view v;

	EXPECT_EQ(STUN_VALID, ask(request().bytes));
	EXPECT_EQ(0x01020304u, answer.priority);
	ASSERT_EQ(STUN_GOOD, stun_parse(&v, answer.data, answer.length));
	EXPECT_EQ(STUN_SUCCESS, v.type);
	EXPECT_TRUE(v.fingerprint);
	EXPECT_TRUE(stun_verify(&v, answer.data, &ice.key));
	EXPECT_EQ(0, memcmp(answer.data + 8, request().bytes.data() + 8, 12));
	// RFC 5769's address and port are ours: the same bytes.
	Bytes mapped = hex("00200008 0001a147 e112a643");
	EXPECT_EQ(0, memcmp(answer.data + 20, mapped.data(), 12));
	EXPECT_EQ(STUN_NOMINATE, ask(request("abcd:wxyz", {}, 0x25).bytes));
	EXPECT_EQ(STUN_VALID, ask(request("abcd:other").bytes)); // theirs is not known yet
	params.remote_ufrag_length = 4;
	memcpy(params.remote_ufrag, "wxyz", 4);
	set();
	EXPECT_EQ(STUN_VALID, ask(request().bytes));
	EXPECT_EQ(STUN_REPLY, ask(request("abcd:other").bytes));
	EXPECT_EQ(401u, error());
}

TEST_F(Ice, RefusesStrangers)
{
	Request bare;

	EXPECT_EQ(STUN_REPLY, ask(request("abcd:wxyz", {}, 0, "another-password-here!").bytes));
	EXPECT_EQ(401u, error());
	EXPECT_EQ(STUN_WHY_CREDENTIALS, answer.why);
	EXPECT_EQ(STUN_REPLY, ask(request("abce:wxyz").bytes));
	EXPECT_EQ(401u, error());
	EXPECT_EQ(STUN_REPLY, ask(request("abcd").bytes));
	EXPECT_EQ(STUN_REPLY, ask(request("abcdx:wxyz").bytes));
	Request unsigned_one;
	EXPECT_EQ(STUN_REPLY, ask(unsigned_one.user("abcd:wxyz").print().bytes));
	EXPECT_EQ(400u, error());
	EXPECT_EQ(STUN_IGNORE, ask(bare.bytes)); // the answer would be longer
	EXPECT_EQ(0, answer.length);
	Bytes response = response_vector(false);
	EXPECT_EQ(STUN_RESPONSE, ask(response));
	response[0] = 0x00;
	response[1] = 0x11; // an indication
	response.resize(20);
	response[2] = response[3] = 0;
	EXPECT_EQ(STUN_IGNORE, ask(response));
}

TEST_F(Ice, UnknownAttributes)
{
	stun_view v;

	EXPECT_EQ(STUN_VALID, ask(request("abcd:wxyz", {1}, 0x8f01).bytes)); // may be skipped
	EXPECT_EQ(STUN_REPLY, ask(request("abcd:wxyz", {1, 2, 3}, 0x7f01).bytes));
	EXPECT_EQ(420u, error());
	EXPECT_EQ(0x7f, answer.data[32]);
	EXPECT_EQ(0x01, answer.data[33]);
	ASSERT_EQ(STUN_GOOD, stun_parse(&v, answer.data, answer.length));
	EXPECT_TRUE(stun_verify(&v, answer.data, &ice.key));
}

TEST_F(Ice, RolesThatConflict)
{
	Bytes low(8), high(8, 0xff);

	EXPECT_EQ(STUN_VALID, ask(request("abcd:wxyz", high, 0x802a).bytes));
	EXPECT_EQ(STUN_REPLY, ask(request("abcd:wxyz", low, 0x8029).bytes)); // both controlled
	EXPECT_EQ(487u, error());
	params.role = ABI_ICE_CONTROLLING;
	params.tie_breaker = 1000;
	set();
	EXPECT_EQ(STUN_REPLY, ask(request("abcd:wxyz", low, 0x802a).bytes));
	EXPECT_EQ(487u, error());
	EXPECT_EQ(STUN_VALID, ask(request("abcd:wxyz", high, 0x802a).bytes)); // we give way
	EXPECT_EQ(STUN_VALID, ask(request("abcd:wxyz", {}, 0x25).bytes)); // nobody nominates for us
	params.role = ABI_ICE_CONTROLLED;
	set();
	EXPECT_EQ(STUN_REPLY, ask(request("abcd:wxyz", high, 0x8029).bytes));
	EXPECT_EQ(STUN_VALID, ask(request("abcd:wxyz", low, 0x8029).bytes));
	EXPECT_EQ(STUN_NOMINATE, ask(request("abcd:wxyz", {}, 0x25).bytes));
}

TEST_F(Ice, OffForgets)
{
	params = abi_leg_ice{};
	stun_ice_set(&ice, &params);
	for (size_t i = 0; i < sizeof(ice); i++)
		EXPECT_EQ(0, ((const uint8_t *)&ice)[i]);
}
