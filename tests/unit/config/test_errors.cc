// SPDX-License-Identifier: BSD-3-Clause
// What is refused, and that the message names file, line, key, what was expected and what was found.
#include <errno.h>
#include <gtest/gtest.h>

#include "parse.h"

// $M: a good media section on line 1.
static const std::string M =
	"media: {public: {device: eth0, address: 192.0.2.1, ports: 20000-29999}}\n";
static const std::string S = "sip: {listen: [\"udp:192.0.2.1\"]}\n";
static const std::string P = "peers:\n  carrier: {kind: trunk, address: 198.51.100.1}\n"
			     "  office: {kind: access, address: 10.0.0.0/8}\n";

struct Case {
	const char *name;
	std::string text;
	unsigned line;
	std::vector<std::string> says;
};

static void PrintTo(const Case &c, std::ostream *out)
{
	*out << c.name;
}

class Errors : public testing::TestWithParam<Case>
{
};

TEST_P(Errors, Refused)
{
	const Case &c = GetParam();
	Parsed p = parse(c.text);

	ASSERT_EQ(p.err, -EINVAL);
	EXPECT_EQ(p.c, nullptr);
	EXPECT_EQ(p.line, c.line) << p.error;
	EXPECT_EQ(p.error.find("test.yaml:" + std::to_string(c.line) + ": "), 0u) << p.error;
	EXPECT_EQ(p.error.find('\n'), std::string::npos);
	for (auto &s : c.says)
		EXPECT_NE(p.error.find(s), std::string::npos) << "\"" << s << "\" in: " << p.error;
}

static const Case cases[] = {
	// the file
	{"empty", "", 1, {"expected the key media"}},
	{"text", "hello", 1, {"the file: expected a map", "found \"hello\""}},
	{"list", "- a\n- b\n", 1, {"expected a map", "found a list of 2"}},
	{"syntax", M + "sip: {listen: [}\n", 2, {"expected YAML", "column"}},
	{"tab", M + "sip:\n\tlisten: 1\n", 3, {"found a tab"}},
	{"doubled", M + "run: /a\nrun: /b\n", 3, {"run: expected each key once", "line 2"}},
	{"doubled_deep", "media:\n  a:\n    device: eth0\n    device: eth1\n", 4,
		{"media.a.device: expected each key once", "line 3"}},
	{"anchor", "media: &x {}\n", 1, {"anchor", "write the value out"}},
	{"alias", "media: {}\nsip: *x\n", 2, {"alias"}},
	{"tag", "media: !!map {}\n", 1, {"tag"}},
	{"two_documents", M + "---\nrun: /a\n", 2, {"expected one document"}},
	{"nul", M + "run: \"/a\\0b\"\n", 2, {"NUL"}},
	{"key_is_list", "[a]: b\n", 1, {"expected a key"}},
	{"deep", "media: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", 1, {"levels"}},
	{"not_utf8", "media: \xff\xfe\n", 1, {"UTF-8"}},
	{"unknown", M + "peerz: {}\n", 2, {"peerz: no such key; did you mean \"peers\"?"}},
	{"unknown_far", M + "colour: blue\n", 2,
		{"colour: no such key; expected one of", "routes"}},

	// run, user
	{"run_relative", M + "run: here\n", 2, {"run: expected the whole path", "found \"here\""}},
	{"run_long", M + "run: /" + std::string(100, 'a') + "\n", 2, {"at most 87", "found 101"}},
	{"run_list", M + "run: [/a]\n", 2, {"found a list of 1"}},
	{"state_relative", M + "state: here\n", 2,
		{"state: expected the whole path", "\"\" for no journal", "found \"here\""}},
	{"state_long", M + "state: /" + std::string(100, 'a') + "\n", 2,
		{"at most 87", "found 101"}},
	{"state_nothing", M + "state:\n", 2, {"state: expected the whole path", "found nothing"}},
	{"user", M + "user: a b\n", 2, {"user: expected a name", "\"a b\""}},

	// media
	{"media_none", "media:\n", 1, {"media: expected media interfaces", "found nothing"}},
	{"media_list", "media: [eth0]\n", 1, {"found a list of 1"}},
	{"media_key", "media:\n  a:\n    devise: eth0\n", 3,
		{"media.a.devise: no such key; did you mean \"device\"?"}},
	{"media_no_device", "media: {a: {address: 192.0.2.1}}\n", 1,
		{"media.a: expected the key device"}},
	{"media_no_address", "media: {a: {device: eth0}}\n", 1,
		{"media.a: expected the key address"}},
	{"media_name", "media: {\"a b\": {}}\n", 1, {"expected a name of letters"}},
	{"media_name_long", "media: {" + std::string(24, 'a') + ": {}}\n", 1, {"1 to 23"}},
	{"device_long_name", "media: {a: {device: averylongethernetname}}\n", 1,
		{"media.a.device: expected a Linux interface"}},
	{"device_twice",
		"media:\n  a: {device: eth0, address: 192.0.2.1}\n"
		"  b: {device: eth0, address: 192.0.2.2}\n",
		3, {"media.b.device", "media.a too"}},
	{"address_bad", "media: {a: {device: eth0, address: 192.0.2.256}}\n", 1,
		{"media.a.address: expected an IP address", "found \"192.0.2.256\""}},
	{"address_zeros", "media: {a: {device: eth0, address: 192.0.2.01}}\n", 1,
		{"expected an IP"}},
	{"address_port", "media: {a: {device: eth0, address: \"192.0.2.1:5\"}}\n", 1,
		{"expected an IP address"}},
	{"address_any", "media: {a: {device: eth0, address: 0.0.0.0}}\n", 1, {"one machine"}},
	{"address_multicast", "media: {a: {device: eth0, address: \"ff02::1\"}}\n", 1,
		{"one machine", "ff02::1"}},
	{"address_mapped", "media: {a: {device: eth0, address: \"::ffff:1.2.3.4\"}}\n", 1,
		{"one machine"}},
	{"address_none", "media: {a: {device: eth0, address: []}}\n", 1, {"found an empty list"}},
	{"address_twice_here", "media: {a: {device: eth0, address: [192.0.2.1, 192.0.2.1]}}\n", 1,
		{"media.a.address[1]: expected each media address once"}},
	{"address_twice",
		"media:\n  a: {device: eth0, address: 192.0.2.1, ports: 20000-29999}\n"
		"  b: {device: eth1, address: 192.0.2.1, ports: 25000-39999}\n",
		3, {"media.b.address", "192.0.2.1", "media.a too"}},
	{"ports_one", "media: {public: {device: eth0, address: 192.0.2.1, ports: 2000}}\n", 1,
		{"media.public.ports: expected a range such as 20000-59999, found \"2000\""}},
	{"ports_words", "media: {a: {device: eth0, address: 192.0.2.1, ports: a-b}}\n", 1,
		{"range"}},
	{"ports_tail", "media: {a: {device: eth0, address: 192.0.2.1, ports: 20000-29999x}}\n", 1,
		{"range"}},
	{"ports_odd", "media: {a: {device: eth0, address: 192.0.2.1, ports: 20001-29999}}\n", 1,
		{"expected an even first port", "found 20001: write 20002-29999"}},
	{"ports_even", "media: {a: {device: eth0, address: 192.0.2.1, ports: 20000-30000}}\n", 1,
		{"expected an odd last port", "write 20000-29999"}},
	{"ports_low", "media: {a: {device: eth0, address: 192.0.2.1, ports: 1000-2001}}\n", 1,
		{"1024-65535"}},
	{"ports_high", "media: {a: {device: eth0, address: 192.0.2.1, ports: 20000-65537}}\n", 1,
		{"1024-65535"}},
	{"ports_order", "media: {a: {device: eth0, address: 192.0.2.1, ports: 30000-20001}}\n", 1,
		{"the lower port first"}},
	{"vlan_range", "media: {a: {device: \"0000:03:00.0\", address: 192.0.2.1, vlan: 4095}}\n",
		1, {"media.a.vlan: expected a VLAN from 1 to 4094, found \"4095\""}},
	{"vlan_linux", "media:\n  a: {device: eth0, address: 192.0.2.1, vlan: 42}\n", 2,
		{"media.a: vlan is for devices that DPDK owns", "eth0.42"}},
	{"queues", "media: {a: {device: eth0, address: 192.0.2.1, queues: 0}}\n", 1,
		{"media.a.queues: expected a number from 1 to 64, found \"0\""}},

	// dataplane
	{"workers", M + "dataplane: {workers: 64}\n", 2,
		{"dataplane.workers: expected a number from 1 to 63, found \"64\""}},
	{"workers_sign", M + "dataplane: {workers: -1}\n", 2, {"found \"-1\""}},
	{"workers_text", M + "dataplane: {workers: two}\n", 2, {"found \"two\""}},
	{"workers_huge", M + "dataplane: {workers: 99999999999999999999}\n", 2,
		{"expected a number"}},
	{"cores_count", M + "dataplane: {workers: 2, cores: [1]}\n", 2,
		{"dataplane.cores: expected one core for each of the 2 workers, found 1"}},
	{"cores_twice", M + "dataplane: {cores: [1, 1]}\n", 2,
		{"dataplane.cores[1]", "found 1 twice"}},
	{"agent_core", M + "dataplane: {cores: [1], agent_core: 1}\n", 2, {"that no worker has"}},
	{"poll", M + "dataplane: {poll: bussy}\n", 2,
		{"dataplane.poll: expected auto, adaptive or busy", "did you mean \"busy\"?"}},
	{"sessions", M + "dataplane: {sessions: 3000000}\n", 2, {"1 to 2097152"}},
	{"memory", M + "dataplane: {memory: 1}\n", 2, {"MiB from 32"}},
	{"grace", M + "dataplane: {grace: 0}\n", 2, {"seconds from 1 to 3600"}},

	// sip
	{"listen_any", M + "sip: {listen: [\"udp:0.0.0.0\"]}\n", 2,
		{"sip.listen[0]: expected an address of this machine", "udp:0.0.0.0"}},
	{"listen_no_transport", M + "sip: {listen: 192.0.2.1}\n", 2,
		{"sip.listen: expected a transport and address"}},
	{"listen_nothing", M + "sip: {listen: \"udp:\"}\n", 2,
		{"expected a transport and address"}},
	{"listen_unknown", M + "sip: {listen: \"sctp:192.0.2.1\"}\n", 2,
		{"expected a transport and address"}},
	{"listen_tls", M + "sip: {listen: \"tls:192.0.2.1\"}\n", 2,
		{"sip.listen: expected the keys sip.certificate", "tls: listener"}},
	{"listen_wss", M + "sip:\n  key: /k\n  certificate: \"\"\n  listen: \"wss:192.0.2.1\"\n", 4,
		{"sip.certificate: expected the whole path"}},
	{"listen_one_port", M + "sip:\n  listen: [\"tcp:192.0.2.1:80\", \"ws:192.0.2.1\"]\n", 3,
		{"sip.listen[1]: expected each listener once", "\"tcp\" and \"ws:192.0.2.1\""}},
	{"key_alone", M + "sip: {key: /etc/key.pem}\n", 2,
		{"sip.key: expected the key certificate beside it"}},
	{"certificate_path", M + "sip: {certificate: cert.pem}\n", 2,
		{"sip.certificate: expected the whole path", "\"cert.pem\""}},
	{"nameserver", M + "sip: {nameservers: dns.example.com}\n", 2,
		{"sip.nameservers: expected an IP address", "dns.example.com"}},
	{"emergency", M + "sip: {emergency: [\"1 1 2\"]}\n", 2,
		{"sip.emergency[0]: expected a number such as 112"}},
	{"emergency_many", M + "sip: {emergency: [1,2,3,4,5,6,7,8,9,1,1,1,1,1,1,1,1]}\n", 2,
		{"at most 16 numbers, found 17"}},
	{"stranger_rate", M + "sip: {stranger_rate: -1}\n", 2, {"requests a second from 0"}},
	{"shed_after", M + "sip: {shed_after: 99999}\n", 2, {"milliseconds from 0 to 10000"}},
	{"listen_twice", M + "sip:\n  listen:\n  - udp:192.0.2.1\n  - udp:192.0.2.1:5060\n", 5,
		{"sip.listen[1]: expected each listener once"}},
	{"listen_in_media", M + "sip: {listen: \"udp:192.0.2.1:25060\"}\n", 2,
		{"outside of media.public.ports (20000-29999)", "found 25060"}},
	{"strangers", M + "sip: {strangers: kill}\n", 2, {"expected refuse or ignore"}},
	{"trace", M + "sip: {trace: 3}\n", 2, {"power of two", "found \"3\""}},
	{"shards", M + "sip: {shards: 17}\n", 2, {"1 to 16"}},
	{"calls", M + "sip: {max_calls: 0}\n", 2, {"sip.max_calls"}},
	{"ring", M + "sip: {ring_timeout: 0}\n", 2, {"sip.ring_timeout: expected seconds from 1"}},
	{"agent_newline", M + "sip: {user_agent: \"a\\r\\nVia: x\"}\n", 2,
		{"sip.user_agent", "control character (0x0d)"}},
	{"agent_long", M + "sip: {user_agent: " + std::string(64, 'a') + "}\n", 2, {"at most 63"}},

	// stats
	{"stats_port", M + "stats: {listen: 127.0.0.1}\n", 2,
		{"stats.listen: expected an IP address and port"}},
	{"stats_name", M + "stats: {listen: \"localhost:9090\"}\n", 2,
		{"stats.listen", "localhost"}},
	{"stats_multicast", M + "stats: {listen: \"224.0.0.1:9090\"}\n", 2, {"one machine"}},
	{"page_empty", M + "stats: {page: {}}\n", 2, {"stats.page: expected the key listen"}},
	{"page_port", M + "stats: {page: {listen: 192.0.2.1}}\n", 2,
		{"stats.page.listen: expected an IP address and port"}},
	{"page_directory", M + "stats: {page: {listen: \"192.0.2.1:443\"}}\n", 2,
		{"stats.page: expected the key directory"}},
	{"page_relative", M + "stats: {page: {listen: \"192.0.2.1:443\", directory: dist}}\n", 2,
		{"stats.page.directory: expected the whole path", "found \"dist\""}},
	{"page_certificate", M + "stats: {page: {listen: \"192.0.2.1:443\", directory: /d}}\n", 2,
		{"stats.page: expected the key certificate, here or in the section sip"}},
	{"page_key", M + "stats: {page: {listen: \"192.0.2.1:443\", directory: /d, key: /k}}\n", 2,
		{"stats.page.key: expected the key certificate beside it"}},
	{"cdr", M + "stats: {cdr: cdr.jsonl}\n", 2, {"stats.cdr: expected the whole path"}},
	{"cdr_dir", M + "stats: {cdr: /var/log/}\n", 2, {"expected the whole path of a file"}},

	// peers
	{"peer_kind", M + S + "peers: {a: {address: 10.0.0.1}}\n", 3,
		{"peers.a: expected the key kind"}},
	{"peer_kind_word", M + S + "peers: {a: {kind: trunc, address: 10.0.0.1}}\n", 3,
		{"peers.a.kind: expected trunk, access or webrtc", "did you mean \"trunk\"?"}},
	{"peer_webrtc", M + S + "peers: {a: {kind: webrtc, address: 10.0.0.1, srtp: sdes}}\n", 3,
		{"peers.a: expected no srtp, or srtp: dtls", "browsers know nothing else"}},
	{"peer_srtp", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, srtp: sdse}}\n", 3,
		{"peers.a.srtp: expected accept, off, best_effort, sdes, dtls or pass", "did you mean \"sdes\"?"}},
	{"peer_suite", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, suites: [AES_CM_128]}}\n", 3,
		{"peers.a.suites", "expected an SRTP suite", "AES_CM_128"}},
	{"peer_suite_twice", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, suites: [AEAD_AES_128_GCM, AEAD_AES_128_GCM]}}\n", 3,
		{"expected every suite once"}},
	{"peer_suites_of_dtls", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, srtp: dtls, suites: [AEAD_AES_128_GCM]}}\n", 3,
		{"expected suites only where keys are in the SDP"}},
	{"peer_address", M + S + "peers: {a: {kind: trunk}}\n", 3, {"expected the key address"}},
	{"peer_host", M + S + "peers: {a: {kind: trunk, address: sip..example.com}}\n", 3,
		{"peers.a.address: expected an IP address", "or a name", "sip..example.com"}},
	{"peer_host_number", M + S + "peers: {a: {kind: trunk, address: 192.0.2.256}}\n", 3,
		{"peers.a.address: expected an IP address", "192.0.2.256"}},
	{"peer_host_port", M + S + "peers: {a: {kind: trunk, address: \"a.example:0\"}}\n", 3,
		{"peers.a.address: expected an IP address", "a.example:0"}},
	{"peer_host_twice",
		M + S +
			"peers:\n  a: {kind: trunk, address: a.example}\n"
			"  b: {kind: trunk, address: A.example}\n",
		5, {"peers.b.address: expected a name of one peer only", "peers.a (line 4) too"}},
	{"peer_host_bits", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1/8}}\n", 3,
		{"expected an IP address", "10.0.0.1/8"}},
	{"peer_key", M + S + "peers: {a: {kind: trunk, adress: 10.0.0.1}}\n", 3,
		{"did you mean \"address\"?"}},
	{"peer_twice", M + S + P + "  third: {kind: trunk, address: \"198.51.100.1:5080\"}\n", 6,
		{"peers.third.address", "peers.carrier (line 4) too"}},
	{"peer_is_us", M + S + "peers: {a: {kind: trunk, address: 192.0.2.1}}\n", 3,
		{"on which sip.listen listens"}},
	{"peer_family", M + S + "peers: {a: {kind: trunk, address: \"2001:db8::1\"}}\n", 3,
		{"peers.a.address", "IPv6"}},
	{"peer_media", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, media: pubic}}\n", 3,
		{"peers.a.media", "did you mean \"public\"?"}},
	{"peer_any", M + S + "peers: {any: {kind: trunk, address: 10.0.0.1}}\n", 3,
		{"expected another name"}},
	{"peer_dscp", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, dscp: 64}}\n", 3,
		{"peers.a.dscp: expected a DSCP from 0 to 63"}},
	{"peer_timer_low",
		M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, session_timer: {expires: 60}}}\n", 3,
		{"peers.a.session_timer.expires: expected seconds from 90 to 86400"}},
	{"peer_timer_order",
		M + S +
			"peers: {a: {kind: trunk, address: 10.0.0.1, session_timer: {expires: 100, "
			"minimum: 200}}}\n",
		3, {"peers.a.session_timer: expected expires not below minimum, found 100 below 200"}},
	{"peer_prack", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, prack: maybe}}\n", 3,
		{"peers.a.prack: expected on, off or require"}},
	{"peer_silence", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, silence: ended}}\n", 3,
		{"peers.a.silence: expected ask, end or allow"}},
	{"peer_transport", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, transport: tcp}}\n",
		3, {"peers.a.transport: expected a transport that sip.listen has, found tcp"}},
	{"peer_websocket", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, transport: ws}}\n",
		3, {"\"ws\" is opened by the peer"}},
	{"peer_tls_name",
		M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, tls: {name: 10.0.0.1}}}\n", 3,
		{"peers.a.tls.name: expected the name that its certificate has"}},
	{"peer_tls_unverified",
		M + S +
			"peers: {a: {kind: trunk, address: 10.0.0.1, tls: {name: a.b, verify: "
			"no}}}\n",
		3, {"peers.a.tls.verify: expected yes", "anybody in"}},
	{"peer_tls_udp",
		M + S +
			"peers: {a: {kind: trunk, transport: udp, address: 10.0.0.1, tls: {name: "
			"a.b}}}\n",
		3, {"peers.a.tls.name: expected transport: tls"}},
	{"peer_tls_key", M + S + "peers: {a: {kind: trunk, address: 10.0.0.1, tls: {key: /k}}}\n",
		3, {"peers.a.tls.key: expected the key certificate"}},
	{"peer_tls_twice",
		M + S +
			"peers:\n  a: {kind: trunk, tls: {name: a.example}}\n"
			"  b: {kind: trunk, tls: {name: a.example}}\n",
		5, {"peers.b.tls.name: expected a name of one peer only", "peers.a (line 4) too"}},

	// routes
	{"routes_map", M + S + P + "routes: {from: office}\n", 6, {"expected a list of routes"}},
	{"route_from", M + S + P + "routes:\n- {from: ofice, to: carrier}\n", 7,
		{"routes[0].from: there is no peer \"ofice\"; did you mean \"office\"?"}},
	{"route_to", M + S + P + "routes:\n- {from: office, to: [carrier, nobody]}\n", 7,
		{"routes[0].to[1]: expected the name of a peer in peers, found \"nobody\""}},
	{"route_to_none", M + S + P + "routes:\n- {from: office}\n", 7,
		{"routes[0]: expected the key to"}},
	{"route_to_network", M + S + P + "routes:\n- {from: carrier, to: office}\n", 7,
		{"routes[0].to", "no single address and no name (line 5)"}},
	{"route_to_twice", M + S + P + "routes:\n- {to: [carrier, carrier]}\n", 7,
		{"found \"carrier\" twice"}},
	{"route_number", M + S + P + "routes:\n- {number: \"1 2\", to: carrier}\n", 7,
		{"routes[0].number", "\"1 2\""}},
	{"route_same",
		M + S + P + "routes:\n- {number: 1, to: carrier}\n- {number: \"1\", to: carrier}\n",
		8, {"routes[1]", "those of line 7", "never be used"}},
	{"route_many", M + S + P + "routes:\n- {to: [a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a]}\n", 7,
		{"at most 16 peers, found 17"}},
	{"route_key", M + S + P + "routes:\n- {too: carrier}\n", 7, {"did you mean \"to\"?"}},
};

INSTANTIATE_TEST_SUITE_P(
	Table, Errors, testing::ValuesIn(cases), [](const auto &i) { return i.param.name; });

TEST(Limits, TooManyBytes)
{
	Parsed p = parse(std::string((4u << 20) + 1, '#'));

	EXPECT_EQ(p.err, -EINVAL);
	EXPECT_NE(p.error.find("at most 4194304 bytes"), std::string::npos) << p.error;
}

TEST(Limits, TooManyNodes)
{
	std::string text = "media: [";

	for (int i = 0; i < 200001; i++)
		text += "1,";
	Parsed p = parse(text + "]\n");

	EXPECT_EQ(p.err, -EINVAL);
	EXPECT_NE(p.error.find("values in the file"), std::string::npos) << p.error;
}

// A file name of any length leaves room for the message.
TEST(Limits, LongFileName)
{
	std::string name(4000, 'x');
	cfg *c = nullptr;
	cfg_error e;

	EXPECT_EQ(cfg_parse(&c, name.c_str(), "a: 1\n", 5, &e), -EINVAL);
	EXPECT_NE(std::string(e.text).find("no such key"), std::string::npos) << e.text;
}
