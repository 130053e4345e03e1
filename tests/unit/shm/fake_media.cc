// SPDX-License-Identifier: BSD-3-Clause
#include "fake_media.h"

#include <errno.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/abi/counters.h"

static size_t up(size_t n)
{
	return (n + 63) / 64 * 64;
}

FakeMedia::FakeMedia(const std::string &path, uint64_t boot_epoch, uint32_t sessions)
{
	size_t endpoints = ABI_HEADER_SIZE, directory = endpoints + 64;
	size_t legs = directory + up(64 * sessions), resume = legs + 256 * sessions;
	size_t events = resume + 256 * sessions, counters = events + 256 * ABI_EVENT_SLOTS;
	size_t counter_size = up(abi_counters_size(0, 2));

	if (abi_shm_create(&a_, "fake-a", counters + counter_size, true))
		throw std::runtime_error("region A");
	abi_region_a *h = a();
	h->magic = ABI_MAGIC_A;
	h->major = ABI_MAJOR;
	h->header_size = ABI_HEADER_SIZE;
	h->size = a_.size;
	h->boot_epoch = boot_epoch;
	h->pid = (uint32_t)getpid();
	h->sessions = sessions;
	h->workers = 1;
	h->endpoints = 1;
	h->event_slots = ABI_EVENT_SLOTS;
	h->endpoint_offset = endpoints;
	h->directory_offset = directory;
	h->leg_offset = legs;
	h->resume_offset = resume;
	h->event_offset = events;
	h->counter_offset = counters;
	h->counter_size = counter_size;
	listener_ = abi_listen(path.c_str(), 0600);
	if (listener_ < 0 || pipe(stop_))
		throw std::runtime_error("listen");
	thread_ = std::thread(&FakeMedia::serve, this);
}

FakeMedia::~FakeMedia()
{
	close(stop_[1]);
	thread_.join();
	close(stop_[0]);
	close_link();
	close(listener_);
	abi_shm_close(&a_);
}

void FakeMedia::close_link()
{
	for (int *fd : {&connection_, &command_bell_, &event_bell_}) {
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
	abi_shm_close(&b_);
	abi_shm_close(&punt_);
	abi_shm_close(&inject_);
	attached_ = false;
}

void FakeMedia::serve()
{
	for (;;) {
		pollfd p[2] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
		uid_t uid;
		pid_t pid;

		poll(p, 2, -1);
		if (p[1].revents)
			return;
		int fd = abi_accept(listener_, &uid, &pid);
		if (fd < 0)
			continue;
		pollfd c = {fd, POLLIN, 0};
		abi_hello hello;
		poll(&c, 1, 1000);
		if (abi_hello_read(fd, &hello))
			close(fd);
		else
			welcome(fd, hello);
	}
}

void FakeMedia::welcome(int connection, const abi_hello &hello)
{
	std::lock_guard<std::mutex> lock(mutex_);
	abi_welcome w = {};
	int kinds[6] = {ABI_FD_A, ABI_FD_B, ABI_FD_COMMAND_BELL, ABI_FD_EVENT_BELL, ABI_FD_PUNT,
		ABI_FD_INJECT};
	int fds[6], n = 0;

	close_link();
	if (status_ || hello.role != ABI_ROLE_CONTROL) {
		w.status = status_ ? status_ : -EACCES;
		abi_welcome_send(connection, &w, nullptr);
		close(connection);
		return;
	}
	abi_shm_create(&b_, "fake-b", ABI_HEADER_SIZE + ABI_COMMAND_SLOTS * ABI_MSG_SIZE, false);
	b()->magic = ABI_MAGIC_B;
	b()->major = ABI_MAJOR;
	b()->header_size = ABI_HEADER_SIZE;
	b()->size = b_.size;
	b()->command_slots = ABI_COMMAND_SLOTS;
	b()->generation = ++a()->generation;
	abi_store32(&a()->command_consumer, 0);
	abi_store32(&a()->event_producer, 0);
	command_bell_ = eventfd(0, EFD_NONBLOCK);
	event_bell_ = eventfd(0, EFD_NONBLOCK);
	connection_ = connection;
	sequence = 0;
	abi_consumer_init(&commands_, (uint8_t *)b_.base + ABI_HEADER_SIZE, ABI_COMMAND_SLOTS,
		ABI_MSG_SIZE, &a()->command_consumer, &b()->command_producer);
	abi_producer_init(&events_, (uint8_t *)a_.base + a()->event_offset, ABI_EVENT_SLOTS,
		ABI_MSG_SIZE, &a()->event_producer, &b()->event_consumer);
	make_packet_rings();
	int all[6] = {a_.fd, b_.fd, command_bell_, event_bell_, punt_.fd, inject_.fd};
	for (int i = 0; i < 6; i++) {
		if (kinds[i] == forget_)
			continue;
		w.fd_kind[n] = (uint8_t)kinds[i];
		fds[n++] = all[i];
	}
	w.fd_count = (uint8_t)n;
	w.generation = b()->generation;
	w.boot_epoch = a()->boot_epoch;
	attached_ = true;
	abi_welcome_send(connection, &w, fds);
}

void FakeMedia::make_packet_rings()
{
	size_t size = ABI_HEADER_SIZE + ABI_PUNT_SLOTS * ABI_PUNT_SIZE;

	for (bool theirs : {false, true}) {
		abi_shm *shm = theirs ? &inject_ : &punt_;
		abi_shm_create(shm, "fake-p", size, !theirs);
		auto *h = (abi_region_p *)shm->base;
		h->magic = theirs ? ABI_MAGIC_INJECT : ABI_MAGIC_PUNT;
		h->major = ABI_MAJOR;
		h->header_size = ABI_HEADER_SIZE;
		h->size = size;
		h->slots = ABI_PUNT_SLOTS;
	}
	auto *out = (abi_region_p *)punt_.base, *in = (abi_region_p *)inject_.base;
	abi_producer_init(&punts_, (uint8_t *)out + ABI_HEADER_SIZE, ABI_PUNT_SLOTS, ABI_PUNT_SIZE,
		&out->producer, &in->consumer);
	abi_consumer_init(&injects_, (uint8_t *)in + ABI_HEADER_SIZE, ABI_PUNT_SLOTS, ABI_PUNT_SIZE,
		&out->consumer, &in->producer);
}

void FakeMedia::punt(const abi_punt &packet)
{
	if (abi_produce(&punts_, &packet))
		throw std::runtime_error("punt ring");
	ring_bell();
}

void FakeMedia::break_punt()
{
	abi_store32(&((abi_region_p *)punt_.base)->producer, 1u << 30);
}

bool FakeMedia::injected(abi_punt *packet)
{
	return abi_consume(&injects_, packet) == 1;
}

void FakeMedia::hang_up()
{
	std::lock_guard<std::mutex> lock(mutex_);
	close_link();
}

void FakeMedia::refuse(int err)
{
	std::lock_guard<std::mutex> lock(mutex_);
	status_ = err;
}

void FakeMedia::forget_fd(int i)
{
	std::lock_guard<std::mutex> lock(mutex_);
	forget_ = i;
}

bool FakeMedia::wait_attached()
{
	for (int i = 0; i < 2000 && !attached_; i++)
		usleep(1000);
	std::lock_guard<std::mutex> lock(mutex_);
	return attached_;
}

bool FakeMedia::take(abi_msg *command)
{
	return abi_consume(&commands_, command) == 1;
}

abi_msg FakeMedia::reply_to(const abi_msg &command, int32_t result)
{
	abi_msg r;

	abi_msg_init(&r, command.type | ABI_REPLY, command.transaction, command.slot,
		command.generation);
	r.result = result;
	r.length = (uint16_t)abi_msg_payload(r.type, result);
	if (command.type == ABI_PORT_ALLOC && !result) {
		auto *want = (const abi_port_alloc *)command.payload;
		auto *got = (abi_ports *)r.payload;

		r.slot = (uint32_t)(command.transaction % a()->sessions);
		r.generation = 7;
		got->legs = want->legs;
		got->state = ABI_SESSION_ALLOCATED;
		for (int i = 0; i < want->legs; i++) {
			got->leg[i].family = want->leg[i].family;
			got->leg[i].kind = want->leg[i].kind;
			got->leg[i].rtp_port = (uint16_t)(20000 + 2 * i);
			got->leg[i].rtcp_port =
				(uint16_t)(20000 + 2 * i + (want->leg[i].kind == ABI_LEG_PAIR));
		}
	}
	return r;
}

void FakeMedia::send(abi_msg msg)
{
	msg.sequence = sequence++;
	send_raw(msg);
}

void FakeMedia::send_raw(const abi_msg &msg)
{
	if (abi_produce(&events_, &msg))
		throw std::runtime_error("event ring");
	ring_bell();
}

abi_msg FakeMedia::event(uint16_t type, uint32_t slot, uint32_t generation)
{
	abi_msg m;

	abi_msg_init(&m, type, 0, slot, generation);
	if (type == ABI_LEARNED)
		((abi_event_learned *)m.payload)->remote.family = 4;
	return m;
}

void FakeMedia::ring_bell()
{
	abi_doorbell_ring(&b()->sleeping, event_bell_);
}

abi_session_entry *FakeMedia::session(uint32_t slot)
{
	return (abi_session_entry *)((uint8_t *)a_.base + a()->directory_offset) + slot;
}

abi_leg_slot *FakeMedia::leg(uint32_t slot, unsigned leg)
{
	return (abi_leg_slot *)((uint8_t *)a_.base + a()->leg_offset) + slot * 2 + leg;
}

abi_leg_resume *FakeMedia::resume(uint32_t slot, unsigned leg)
{
	return (abi_leg_resume *)((uint8_t *)a_.base + a()->resume_offset) + slot * 2 + leg;
}

std::string temporary_socket(const char *name)
{
	return "/tmp/hawse-test-" + std::to_string(getpid()) + "-" + name;
}
