// SPDX-License-Identifier: BSD-3-Clause
// A hawse-media in this process: its socket, region A, and a region B for each attach, as the agent
// has them. A thread of its own answers hellos (abi_attach() waits for the welcome); everything else
// is called by the test's thread, which so decides what hawse-media does and when.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/abi/hello.h"
#include "dataplane/abi/message.h"
#include "dataplane/abi/ring.h"
#include "dataplane/abi/shm.h"

class FakeMedia
{
      public:
	explicit FakeMedia(const std::string &path, uint64_t boot_epoch, uint32_t sessions = 64);
	~FakeMedia(); // as if killed: the socket closes, the regions go

	void hang_up();        // of the attached control plane, and go on serving
	void refuse(int err);  // welcome with this status from now on
	void forget_fd(int i); // leave this descriptor kind out of the welcome
	bool wait_attached();  // until a control plane was welcomed since the last hang_up

	bool take(abi_msg *command); // one command, if there is one
	abi_msg reply_to(const abi_msg &command, int32_t result = 0);
	void send(abi_msg msg); // a reply or event; sequence is set here
	void send_raw(const abi_msg &msg);
	abi_msg event(uint16_t type, uint32_t slot, uint32_t generation);
	void ring_bell();
	void punt(const abi_punt &packet);
	void break_punt(); // an index that cannot be
	bool injected(abi_punt *packet);

	abi_region_a *a()
	{
		return (abi_region_a *)a_.base;
	}
	abi_region_b *b()
	{
		return (abi_region_b *)b_.base;
	}
	const uint8_t *command_slot(uint32_t index) const
	{
		return (const uint8_t *)b_.base + ABI_HEADER_SIZE +
		       (size_t)(index % ABI_COMMAND_SLOTS) * ABI_MSG_SIZE;
	}
	abi_session_entry *session(uint32_t slot);
	abi_leg_slot *leg(uint32_t slot, unsigned leg);
	abi_leg_resume *resume(uint32_t slot, unsigned leg);
	uint32_t sequence = 0;

      private:
	void serve();
	void welcome(int connection, const abi_hello &hello);
	void close_link();
	void make_packet_rings();

	int listener_, stop_[2];
	std::thread thread_;
	std::mutex mutex_;
	std::atomic<bool> attached_{false};
	int status_ = 0, forget_ = 0;
	int connection_ = -1, command_bell_ = -1, event_bell_ = -1;
	abi_shm a_{-1, nullptr, 0}, b_{-1, nullptr, 0};
	abi_shm punt_{-1, nullptr, 0}, inject_{-1, nullptr, 0};
	abi_producer punts_{};
	abi_consumer injects_{};
	abi_consumer commands_{};
	abi_producer events_{};
};

std::string temporary_socket(const char *name);
