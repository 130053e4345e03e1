// SPDX-License-Identifier: BSD-3-Clause
// What a good file means.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

static const char small[] = R"(
media:
  public: {device: eth0, address: 203.0.113.10}
)";

static const char whole[] = R"(
# every key there is
run: /tmp/hawse-test/
user: hawse
media:
  public: {device: eth0, address: [203.0.113.10, "2001:db8::10"], ports: 30000-30999, queues: 2}
  inside:
    device: "net_pcap0,rx_pcap=a.pcap,tx_pcap=b.pcap"
    address: 10.0.0.1
dataplane:
  cores: [1, 3]
  agent_core: 0
  poll: busy
  sessions: 500
  memory: 512
  quarantine: 0
  grace: 7
sip:
  listen: ["udp:203.0.113.10", "udp:[2001:db8::10]:5070", "udp:10.0.0.1:5062"]
  strangers: ignore
  media_timeout: 0
  ring_timeout: 60
  max_calls: 42
  trace: 4
  shards: 2
  user_agent: ""
peers:
  carrier: {kind: trunk, address: [198.51.100.0/24, 198.51.100.7, "198.51.100.8:5080"]}
  office: {kind: access, address: 10.0.0.20, media: inside, dscp: 0, prack: require, silence: allow,
    session_timer: {expires: 600, minimum: 300, refresher: peer}}
  six: {kind: trunk, address: "2001:db8::99", transport: udp}
routes:
  - {from: office, number: "+", to: [carrier, six]}
  - {from: carrier, to: office}
  - {from: any, number: 0049, to: six}
stats: {listen: "[::1]:9090", cdr: /var/log/hawse/cdr.jsonl}
)";

TEST(Load, Defaults)
{
	Parsed p = parse(small);

	ASSERT_EQ(p.err, 0) << p.error;
	EXPECT_STREQ(p.c->file, "test.yaml");
	ASSERT_EQ(p.c->media_count, 1u);
	EXPECT_STREQ(p.c->media[0].name, "public");
	EXPECT_STREQ(p.c->media[0].device, "eth0");
	EXPECT_EQ(p.c->media[0].first_port, 20000);
	EXPECT_EQ(p.c->media[0].last_port, 59999);
	EXPECT_EQ(p.c->media[0].queues, 0);
	EXPECT_EQ(p.c->dataplane.workers, 1u);
	EXPECT_EQ(p.c->dataplane.core_count, 0u);
	EXPECT_EQ(p.c->dataplane.agent_core, -1);
	EXPECT_EQ(p.c->dataplane.poll, CFG_POLL_AUTO);
	EXPECT_EQ(p.c->dataplane.sessions, 10000u);
	EXPECT_EQ(p.c->dataplane.memory, 256u);
	EXPECT_EQ(p.c->dataplane.quarantine, 5u);
	EXPECT_EQ(p.c->dataplane.grace, 30u);
	EXPECT_EQ(p.c->sip.listen_count, 0u);
	EXPECT_EQ(p.c->sip.strangers, CFG_REFUSE);
	EXPECT_EQ(p.c->sip.media_timeout, 30u);
	EXPECT_EQ(p.c->sip.ring_timeout, 180u);
	EXPECT_EQ(p.c->sip.max_calls, 10000u);
	EXPECT_EQ(p.c->sip.trace, 16u);
	EXPECT_EQ(p.c->sip.shards, 1u);
	EXPECT_STREQ(p.c->sip.user_agent, "Hawse");
	EXPECT_FALSE(p.c->stats.enabled);
	EXPECT_STREQ(p.c->stats.cdr, "");
	EXPECT_STREQ(p.c->run, "/run/hawse");
	EXPECT_STREQ(p.c->state, "/run/hawse");
	EXPECT_STREQ(p.c->user, "");
}

TEST(Load, Processes)
{
	Parsed p = parse(whole);

	ASSERT_EQ(p.err, 0) << p.error;
	EXPECT_STREQ(p.c->run, "/tmp/hawse-test");
	EXPECT_STREQ(p.c->state, "/tmp/hawse-test"); // where nothing else is said
	EXPECT_STREQ(p.c->user, "hawse");
	EXPECT_EQ(p.c->dataplane.workers, 2u); // as many as there are cores
	ASSERT_EQ(p.c->dataplane.core_count, 2u);
	EXPECT_EQ(p.c->dataplane.cores[1], 3);
	EXPECT_EQ(p.c->dataplane.agent_core, 0);
	EXPECT_EQ(p.c->dataplane.poll, CFG_POLL_BUSY);
	EXPECT_EQ(p.c->dataplane.sessions, 500u);
	EXPECT_EQ(p.c->dataplane.memory, 512u);
	EXPECT_EQ(p.c->dataplane.quarantine, 0u);
	EXPECT_EQ(p.c->dataplane.grace, 7u);
	EXPECT_EQ(p.c->sip.strangers, CFG_IGNORE);
	EXPECT_EQ(p.c->sip.media_timeout, 0u);
	EXPECT_EQ(p.c->sip.ring_timeout, 60u);
	EXPECT_EQ(p.c->sip.max_calls, 42u);
	EXPECT_EQ(p.c->sip.trace, 4u);
	EXPECT_EQ(p.c->sip.shards, 2u);
	EXPECT_STREQ(p.c->sip.user_agent, "");
	EXPECT_TRUE(p.c->stats.enabled);
	EXPECT_EQ(p.c->stats.listen.port, 9090);
	EXPECT_EQ(p.c->stats.listen.family, 6);
	EXPECT_STREQ(p.c->stats.cdr, "/var/log/hawse/cdr.jsonl");
}

TEST(Load, MediaAndListeners)
{
	Parsed p = parse(whole);
	const uint8_t public4[16] = {203, 0, 113, 10};

	ASSERT_EQ(p.err, 0) << p.error;
	ASSERT_EQ(p.c->media_count, 2u);
	ASSERT_EQ(p.c->media[0].address_count, 2u);
	EXPECT_EQ(p.c->media[0].addresses[0].family, 4);
	EXPECT_EQ(memcmp(p.c->media[0].addresses[0].ip, public4, 16), 0);
	EXPECT_EQ(p.c->media[0].addresses[1].family, 6);
	EXPECT_EQ(p.c->media[0].first_port, 30000);
	EXPECT_EQ(p.c->media[0].last_port, 30999);
	EXPECT_EQ(p.c->media[0].queues, 2);
	EXPECT_STREQ(p.c->media[1].device, "net_pcap0,rx_pcap=a.pcap,tx_pcap=b.pcap");
	ASSERT_EQ(p.c->sip.listen_count, 3u);
	EXPECT_EQ(p.c->sip.listen[0].transport, CFG_UDP);
	EXPECT_EQ(p.c->sip.listen[0].address.port, 5060);
	EXPECT_EQ(p.c->sip.listen[1].address.family, 6);
	EXPECT_EQ(p.c->sip.listen[1].address.port, 5070);
}

TEST(Load, PeersAndRoutes)
{
	Parsed p = parse(whole);

	ASSERT_EQ(p.err, 0) << p.error;
	ASSERT_EQ(p.c->peer_count, 3u);
	EXPECT_STREQ(p.c->peers[0].name, "carrier");
	EXPECT_EQ(p.c->peers[0].kind, CFG_TRUNK);
	ASSERT_EQ(p.c->peers[0].address_count, 3u);
	EXPECT_EQ(p.c->peers[0].addresses[0].prefix, 24);
	EXPECT_EQ(p.c->peers[0].addresses[2].port, 5080);
	EXPECT_EQ(p.c->peers[0].dscp, 46);
	EXPECT_EQ(p.c->peers[0].prack, CFG_PRACK_ON);
	EXPECT_EQ(p.c->peers[0].silence, CFG_SILENCE_ASK);
	EXPECT_FALSE(p.c->peers[0].session_timer.off);
	EXPECT_EQ(p.c->peers[0].session_timer.expires, 1800u);
	EXPECT_EQ(p.c->peers[0].session_timer.minimum, 90u);
	EXPECT_EQ(p.c->peers[0].media, 0);
	EXPECT_EQ(p.c->peers[1].kind, CFG_ACCESS);
	EXPECT_EQ(p.c->peers[1].media, 1);
	EXPECT_EQ(p.c->peers[1].dscp, 0);
	EXPECT_EQ(p.c->peers[1].prack, CFG_PRACK_REQUIRE);
	EXPECT_EQ(p.c->peers[1].silence, CFG_SILENCE_ALLOW);
	EXPECT_EQ(p.c->peers[1].session_timer.expires, 600u);
	EXPECT_EQ(p.c->peers[1].session_timer.minimum, 300u);
	EXPECT_EQ(p.c->peers[1].session_timer.refresher, CFG_REFRESH_PEER);
	EXPECT_EQ(p.c->peers[1].line, 29u);
	ASSERT_EQ(p.c->route_count, 3u);
	EXPECT_EQ(p.c->routes[0].from, 1);
	EXPECT_STREQ(p.c->routes[0].number, "+");
	ASSERT_EQ(p.c->routes[0].to_count, 2u);
	EXPECT_EQ(p.c->routes[0].to[0], 0);
	EXPECT_EQ(p.c->routes[0].to[1], 2);
	EXPECT_EQ(p.c->routes[1].to[0], 1);
	EXPECT_STREQ(p.c->routes[1].number, "");
	EXPECT_EQ(p.c->routes[2].from, -1);
	EXPECT_STREQ(p.c->routes[2].number, "0049"); // text, never a number
	EXPECT_EQ(p.c->routes[2].line, 35u);
}

TEST(Load, StatsMayListenEverywhere)
{
	Parsed p = parse(std::string(small) + "stats: {listen: 0.0.0.0:9090}\n");

	ASSERT_EQ(p.err, 0) << p.error;
	EXPECT_TRUE(p.c->stats.enabled);
	EXPECT_EQ(p.c->stats.listen.family, 4);
}

TEST(Load, PageOverHttps)
{
	Parsed p = parse(std::string(small) +
			 "stats: {page: {listen: \"192.0.2.1:8443\", directory: /srv/phone, "
			 "certificate: /c.pem}}\n");
	ASSERT_TRUE(p.c) << p.error;
	EXPECT_FALSE(p.c->stats.enabled);
	EXPECT_TRUE(p.c->stats.page.enabled);
	EXPECT_EQ(p.c->stats.page.listen.port, 8443);
	EXPECT_STREQ(p.c->stats.page.directory, "/srv/phone");
	EXPECT_STREQ(p.c->stats.page.certificate, "/c.pem");
	EXPECT_STREQ(p.c->stats.page.key, "/c.pem");
}

TEST(Load, PageWithTheCertificateOfSip)
{
	Parsed p = parse("media: {public: {device: eth0, address: 192.0.2.1, ports: 20000-29999}}\n"
			 "stats: {page: {directory: /srv/phone, listen: \"192.0.2.1:8443\"}}\n"
			 "sip: {listen: [\"wss:192.0.2.1\"], certificate: /s.pem, key: /k.pem}\n");
	ASSERT_TRUE(p.c) << p.error;
	EXPECT_STREQ(p.c->stats.page.certificate, "/s.pem");
	EXPECT_STREQ(p.c->stats.page.key, "/k.pem");
}

TEST(Load, TheJournalMayBeElsewhereOrNowhere)
{
	Parsed there = parse(std::string(small) + "state: /var/lib/hawse/\nrun: /tmp/hawse\n");
	Parsed none = parse(std::string(small) + "state: \"\"\n");

	ASSERT_EQ(there.err, 0) << there.error;
	EXPECT_STREQ(there.c->state, "/var/lib/hawse");
	EXPECT_STREQ(there.c->run, "/tmp/hawse");
	ASSERT_EQ(none.err, 0) << none.error;
	EXPECT_STREQ(none.c->state, "");
}

TEST(Load, SameAddressWithOtherPortsIsAnotherPeer)
{
	Parsed p = parse(std::string(small) + "peers:\n  a: {kind: trunk, address: 10.0.0.1:5070}\n"
					      "  b: {kind: trunk, address: 10.0.0.1:5080}\n");

	EXPECT_EQ(p.err, 0) << p.error;
}

TEST(Load, FromFile)
{
	char path[] = "/tmp/hawse-test-config-XXXXXX";
	int fd = mkstemp(path);
	cfg *c = nullptr;
	cfg_error e;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(write(fd, small, strlen(small)), (ssize_t)strlen(small));
	close(fd);
	EXPECT_EQ(cfg_load(&c, path, &e), 0) << e.text;
	ASSERT_NE(c, nullptr);
	EXPECT_STREQ(c->file, path);
	cfg_free(c);
	unlink(path);
	EXPECT_EQ(cfg_load(&c, path, &e), -ENOENT);
	EXPECT_EQ(c, nullptr);
	EXPECT_NE(strstr(e.text, "No such file"), nullptr) << e.text;
	EXPECT_EQ(cfg_load(&c, "/tmp", &e), -EISDIR);
}

// Every prefix of a good file is good or refused with a line, and frees what it took.
TEST(Load, Truncated)
{
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		Parsed p = parse(std::string(whole, n));

		EXPECT_EQ(p.err == 0, p.line == 0) << "cut at " << n;
	}
}

static const char secure[] = R"(
media:
  public: {device: eth0, address: 203.0.113.10}
sip:
  listen: ["udp:203.0.113.10", "tcp:203.0.113.10", "tls:203.0.113.10", "ws:203.0.113.10",
    "wss:203.0.113.10:8443"]
  certificate: /etc/hawse/cert.pem
  key: /etc/hawse/key.pem
  authorities: /etc/hawse/authorities.pem
  nameservers: [192.0.2.53, "[2001:db8::53]:5353"]
  emergency: ["110", "urn:service:sos"]
  stranger_rate: 0
  shed_after: 50
peers:
  carrier:
    kind: trunk
    address: [SIP.carrier.example, 198.51.100.0/24, "198.51.100.9"]
    transport: tls
    tls: {certificate: /c.pem, key: /k.pem, authorities: /a.pem, name: sip.Carrier.example}
  mixed: {kind: trunk, address: ["10.0.0.9:5070", "b.example:5071"]}
  lab: {kind: trunk, address: lab.example, tls: {verify: no}}
  anywhere: {kind: access, tls: {name: phones.example}}
routes:
  - {to: [carrier, mixed, lab]}
)";

TEST(Load, TransportsAndCertificates)
{
	Parsed p = parse(secure);

	ASSERT_EQ(p.err, 0) << p.error;
	const cfg_sip &sip = p.c->sip;
	ASSERT_EQ(sip.listen_count, 5u);
	const uint16_t ports[] = {5060, 5060, 5061, 80, 8443};
	for (unsigned i = 0; i < 5; i++) {
		EXPECT_EQ(sip.listen[i].transport, (cfg_transport)i);
		EXPECT_EQ(sip.listen[i].address.port, ports[i]);
	}
	EXPECT_STREQ(sip.tls.certificate, "/etc/hawse/cert.pem");
	EXPECT_STREQ(sip.tls.key, "/etc/hawse/key.pem");
	EXPECT_STREQ(sip.tls.authorities, "/etc/hawse/authorities.pem");
	EXPECT_STREQ(sip.nameservers, "192.0.2.53,[2001:db8::53]:5353");
	ASSERT_EQ(sip.emergency_count, 2u);
	EXPECT_STREQ(sip.emergency[1], "urn:service:sos");
	EXPECT_EQ(sip.stranger_rate, 0u);
	EXPECT_EQ(sip.shed_after, 50u);
	ASSERT_EQ(p.c->peer_count, 4u);
	const cfg_peer &carrier = p.c->peers[0];
	EXPECT_TRUE(carrier.by_name);
	ASSERT_EQ(carrier.host_count, 1u);
	EXPECT_STREQ(carrier.hosts[0].name, "sip.carrier.example");
	EXPECT_EQ(carrier.hosts[0].port, 0);
	EXPECT_EQ(carrier.address_count, 2u);
	EXPECT_EQ(carrier.transport, CFG_TLS);
	ASSERT_NE(carrier.tls, nullptr);
	EXPECT_STREQ(carrier.tls->name, "sip.carrier.example");
	EXPECT_STREQ(carrier.tls->authorities, "/a.pem");
	EXPECT_FALSE(carrier.tls->insecure);
	EXPECT_FALSE(p.c->peers[1].by_name);
	EXPECT_EQ(p.c->peers[1].hosts[0].port, 5071);
	EXPECT_FALSE(p.c->peers[2].transport_written);
	EXPECT_TRUE(p.c->peers[2].tls->insecure);
	EXPECT_EQ(p.c->peers[3].address_count, 0u);
}
