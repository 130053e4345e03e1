// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

#include <poll.h>
#include <stdexcept>
#include <unistd.h>

#include "dataplane/abi/hello.h"

static size_t up(size_t n)
{
	return (n + 63) / 64 * 64;
}

std::vector<abi_counter> media_counters()
{
	return {
		{"media_drops_total", "reason=\"short_frame\"", "The frame is too short",
			ABI_COUNTER, ABI_SCOPE_WORKER, {}},
		{"media_drops_total", "reason=\"stranger\"", "RTP from a stranger", ABI_COUNTER,
			ABI_SCOPE_WORKER, {}},
		{"media_received_packets_total", "", "Frames received", ABI_COUNTER,
			ABI_SCOPE_WORKER, {}},
		{"media_relayed_packets_total", "kind=\"rtp\"", "Packets relayed", ABI_COUNTER,
			ABI_SCOPE_WORKER, {}},
		{"worker_busy_cycles_total", "", "Cycles", ABI_COUNTER, ABI_SCOPE_WORKER, {}},
		{"stage_calls_total", "stage=\"rx\"", "Bursts", ABI_COUNTER, ABI_SCOPE_WORKER, {}},
		{"stage_packets_total", "stage=\"rx\"", "Packets", ABI_COUNTER, ABI_SCOPE_WORKER,
			{}},
		{"stage_sampled_cycles_total", "stage=\"rx\"", "Cycles", ABI_COUNTER,
			ABI_SCOPE_WORKER, {}},
		{"stage_sampled_packets_total", "stage=\"rx\"", "Packets", ABI_COUNTER,
			ABI_SCOPE_WORKER, {}},
		{"media_readers", "", "Readers \\ now\nand here", ABI_GAUGE, ABI_SCOPE_AGENT, {}},
		{"media_handed_off_total", "", "Packets", ABI_COUNTER, ABI_SCOPE_WORKER, {}},
		{"media_steering", "method=\"af_xdp_queues\"", "Interfaces", ABI_GAUGE,
			ABI_SCOPE_AGENT, {}},
		{"media_steering", "method=\"hand_off\"", "Interfaces", ABI_GAUGE, ABI_SCOPE_AGENT,
			{}},
		{"media_steering_proved", "", "Interfaces", ABI_GAUGE, ABI_SCOPE_AGENT, {}},
	};
}

MediaWorld::MediaWorld(const std::string &run, const std::vector<abi_counter> &counters,
	uint32_t workers, uint32_t sessions, uint32_t endpoints)
    : path_(run + "/media.sock"), counter_count_((uint32_t)counters.size())
{
	size_t at = ABI_HEADER_SIZE;
	auto room = [&](size_t bytes) {
		size_t here = at;
		at += up(bytes);
		return here;
	};
	uint64_t endpoint_offset = room(64 * endpoints), directory = room(64ull * sessions);
	uint64_t legs = room(256ull * sessions), resume = room(256ull * sessions);
	uint64_t events = room(256ull * ABI_EVENT_SLOTS);
	size_t counter_size = abi_counters_size(counter_count_, workers + 1);
	uint64_t counter_offset = room(counter_size);

	if (abi_shm_create(&shm, "world-a", at, true))
		throw std::runtime_error("region A");
	abi_region_a *h = a();
	*h = {};
	h->magic = ABI_MAGIC_A;
	h->major = ABI_MAJOR;
	h->header_size = ABI_HEADER_SIZE;
	h->size = at;
	h->boot_epoch = abi_now_us();
	h->pid = (uint32_t)getpid();
	h->sessions = sessions;
	h->workers = workers;
	h->endpoints = endpoints;
	h->event_slots = ABI_EVENT_SLOTS;
	h->counters = counter_count_;
	h->endpoint_offset = endpoint_offset;
	h->directory_offset = directory;
	h->leg_offset = legs;
	h->resume_offset = resume;
	h->event_offset = events;
	h->counter_offset = counter_offset;
	h->counter_size = up(counter_size);
	abi_counters_init(
		(uint8_t *)shm.base + counter_offset, counters.data(), counter_count_, workers + 1);
	for (uint32_t i = 0; i < endpoints; i++) {
		abi_endpoint *e = endpoint(i);
		e->ip[0] = 10;
		e->ip[3] = (uint8_t)(i + 1);
		e->family = 4;
		e->first_port = 20000;
		e->last_port = 20099;
		snprintf(e->name, sizeof(e->name), "net%u", i);
	}
	listener_ = abi_listen(path_.c_str(), 0600);
	if (listener_ < 0 || pipe(stop_))
		throw std::runtime_error("listen");
	thread_ = std::thread(&MediaWorld::serve, this);
}

void MediaWorld::serve()
{
	std::vector<int> connections;

	for (;;) {
		pollfd p[2] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
		abi_welcome welcome = {};
		abi_hello hello;
		uid_t uid;
		pid_t pid;

		poll(p, 2, -1);
		if (p[1].revents)
			break;
		int fd = abi_accept(listener_, &uid, &pid);
		if (fd < 0)
			continue;
		pollfd c = {fd, POLLIN, 0};
		poll(&c, 1, 1000);
		abi_hello_read(fd, &hello);
		welcome.boot_epoch = a()->boot_epoch;
		welcome.fd_count = 1;
		welcome.fd_kind[0] = ABI_FD_A;
		abi_welcome_send(fd, &welcome, &shm.fd);
		connections.push_back(fd);
	}
	for (int fd : connections)
		close(fd);
}

MediaWorld::~MediaWorld()
{
	close(stop_[1]);
	thread_.join();
	close(stop_[0]);
	close(listener_);
	abi_shm_close(&shm);
}

abi_atomic64 *MediaWorld::counters(uint32_t block)
{
	return abi_counters_block((uint8_t *)shm.base + a()->counter_offset, counter_count_, block);
}

void MediaWorld::add_session(uint32_t slot, uint8_t state, uint16_t endpoint0, uint16_t endpoint1,
	uint16_t port, uint64_t call)
{
	abi_session_entry *e = session(slot);

	e->generation++;
	e->state = state;
	e->legs = 2;
	e->call = call;
	e->ports[0] = {endpoint0, port, (uint16_t)(port + 1), ABI_LEG_PAIR, 0};
	e->ports[1] = {endpoint1, (uint16_t)(port + 2), (uint16_t)(port + 2), ABI_LEG_MUX, 0};
	leg(slot, 0)->generation = leg(slot, 1)->generation = e->generation;
}

static const abi_counter sip_counters[] = {
	{"sip_requests_received_total", "method=\"INVITE\"", "Requests", ABI_COUNTER,
		ABI_SCOPE_WORKER, {}},
	{"sip_drops_total", "reason=\"stranger\"", "No peer has that address", ABI_COUNTER,
		ABI_SCOPE_WORKER, {}},
};

SipWorld::SipWorld(const std::string &run, uint32_t shards, size_t trace)
{
	cp_tregion_config config = {shards, 100, trace, sip_counters, 2};

	if (cp_tregion_new(&t, &config) || cp_tregion_serve(t, (run + "/sip.sock").c_str()))
		throw std::runtime_error("region T");
	thread_ = std::thread([this] {
		while (!end_) {
			pollfd p = {cp_tregion_fd(t), POLLIN, 0};
			poll(&p, 1, 5);
			cp_tregion_process(t);
		}
	});
}

SipWorld::~SipWorld()
{
	end_ = true;
	thread_.join();
	cp_tregion_free(t);
}

uint32_t SipWorld::add_call(uint64_t id, uint8_t state, const char *from, const char *to)
{
	uint32_t slot = cp_tregion_call_open(t, 0);
	abi_call *c = cp_tregion_call_begin(t, slot);

	c->id = id;
	c->state = state;
	c->start_us = 1000000;
	c->answer_us = state == ABI_CALL_UP ? 2000000 : 0;
	strncpy(c->from, from, sizeof(c->from) - 1);
	strncpy(c->to, to, sizeof(c->to) - 1);
	strcpy(c->peer[0], "office");
	strcpy(c->peer[1], "carrier");
	strcpy(c->call_id[0], "aaa@10.0.0.2");
	strcpy(c->call_id[1], "bbb@10.0.0.1");
	strcpy(c->codec, "PCMA/8000");
	cp_tregion_call_end(t, slot);
	return slot;
}

void SipWorld::message(
	uint64_t call, bool sent, uint8_t leg, const std::string &text, uint32_t shard)
{
	cp_trace_message m = {};

	m.time_us = clock_us += 1000;
	m.call = call;
	m.sent = sent;
	m.leg = leg;
	m.source.family = m.destination.family = 4;
	m.source.port = m.destination.port = 5060;
	(sent ? m.source : m.destination).ip[0] = 10;
	(sent ? m.destination : m.source).ip[0] = (uint8_t)(20 + leg);
	cp_tregion_trace(t, shard, &m, text.data(), text.size());
}

void WorldTest::SetUp()
{
	char dir[] = "/tmp/hawse-test-stats-XXXXXX";

	run = mkdtemp(dir);
	ASSERT_EQ(st_reader_init(&reader, run.c_str(), "test"), 0);
	options.r = &reader;
	options.now_us = 60000000;
}

void WorldTest::TearDown()
{
	st_reader_close(&reader);
	media.reset();
	sip.reset();
	unlink((run + "/media.sock").c_str());
	rmdir(run.c_str());
}

void WorldTest::start_media()
{
	media = std::make_unique<MediaWorld>(run, media_counters());
}

void WorldTest::start_sip()
{
	sip = std::make_unique<SipWorld>(run);
}

void WorldTest::attach()
{
	reader.media.retry_at_us = reader.sip.retry_at_us = 0;
	st_reader_poll(&reader, abi_now_us(), 1000);
}

int WorldTest::show(int (*topic)(const st_show *))
{
	char *text[2] = {};
	size_t size[2];
	FILE *files[2];

	for (int i = 0; i < 2; i++)
		files[i] = open_memstream(&text[i], &size[i]);
	options.out = files[0];
	options.err = files[1];
	int code = topic(&options);
	for (FILE *f : files)
		fclose(f);
	out.assign(text[0], size[0]);
	err.assign(text[1], size[1]);
	free(text[0]);
	free(text[1]);
	return code;
}

json_t *WorldTest::show_json(int (*topic)(const st_show *))
{
	options.json = true;
	EXPECT_EQ(show(topic), ST_EXIT_OK) << err;
	options.json = false;
	json_t *root = json_loads(out.c_str(), 0, nullptr);
	EXPECT_NE(root, nullptr) << out;
	return root;
}

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}
