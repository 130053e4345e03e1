// SPDX-License-Identifier: BSD-3-Clause
// A worker: one core that polls its receive queues, runs the stages over what came, and between
// bursts reads its mail, sweeps its sessions and, when told to be adaptive and nothing comes,
// sleeps.
//
// Threads: dp_worker_create, _free, _send, _reply, _event and _wake belong to the agent;
// dp_worker_run is the worker's own loop (an EAL lcore's function). Only the mailbox, `stop`,
// `sleeping` and the adjacency table's `wanted` bytes are touched by both.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/layout.h"
#include "dataplane/pipeline/stages.h"
#include "dataplane/session/adjacency.h"
#include "dataplane/session/ports.h"
#include "dataplane/session/table.h"
#include "dataplane/worker/mailbox.h"

#define DP_SOURCES  32u
#define DP_PORTS    32u // as RTE_MAX_ETHPORTS
#define DP_NO_PORT  0xffffu
#define DP_WAIT_FDS 32u
#define DP_TRANSCODERS 16u // threads, at most

// Legs looked at in a second for publishing and time-outs. With more legs a sweep takes longer than
// a second: 2 million legs of one worker are swept in ten.
#define DP_SWEEP_LEGS 200000

enum dp_source_kind {
	DP_SOURCE_MEDIA = 0,   // a NIC's queue: runs through the stages
	DP_SOURCE_KERNEL = 1,  // frames from the kernel's side (tap): leave by `peer` as they are
	DP_SOURCE_HANDOFF = 2, // packets that other workers received for us; made by dp_worker_join
};

struct dp_source {
	uint16_t port;  // DPDK port
	uint16_t queue; // its receive queue
	uint16_t peer;  // KERNEL: DPDK port to leave by
	uint8_t kind;   // enum dp_source_kind
	bool interrupt; // the queue can wake us (rte_eth_dev_rx_intr_*)
	uint8_t burst;  // packets to take at once, at most DP_BURST; 0: what suits the device
};

// What a worker has to know of every DPDK port that it sends or receives on.
struct dp_port {
	bool used;
	// Kernel senders on the same machine leave UDP checksums partial (veth, tap, af_packet):
	// never carry a received checksum over, compute whole ones.
	bool partial_checksums;
	// Queues of some devices are DPDK ports of their own (nic/port.h): what is for this port
	// leaves by queue tx_queue of tx_port.
	bool elsewhere;
	uint16_t tx_port;
	uint16_t tx_queue;  // of this worker; DP_NO_PORT: none
	uint16_t exception; // DPDK port that is the kernel's side; DP_NO_PORT: drop the rest
	// 802.1Q: only frames of this VLAN are ours; they go to the kernel's side without their tag
	// and come back from there with it. 0: tags do not matter.
	uint16_t vlan;
};

struct rte_mempool;
struct dp_side_ring;

enum dp_poll {
	DP_POLL_ADAPTIVE = 0,
	DP_POLL_BUSY = 1,
};

struct dp_worker_config {
	unsigned index;
	unsigned workers;
	enum dp_poll poll;
	uint32_t sessions; // of the whole directory: bound of slot numbers
	const struct dp_table *table;
	struct dp_adjacencies *adjacencies;
	const struct dp_steering *steering; // NULL with one worker
	struct abi_leg_slot *leg_slots;     // region A, [sessions * 2]
	struct abi_leg_resume *resumes;     // region A, [sessions * 2]
	abi_atomic64 *counters;             // region A, this worker's block, DP_COUNTERS values
	struct dp_source sources[DP_SOURCES];
	unsigned source_count;
	struct dp_port ports[DP_PORTS]; // by DPDK port id
	// Readable when a packet waits (AF_XDP sockets): an idle adaptive worker sleeps on them.
	// Without any it naps for at most 100 us at a time.
	int wait_fds[DP_WAIT_FDS];
	unsigned wait_fd_count;
	struct rte_mempool *pool; // for packets of the control plane; NULL: none can be sent
	// Rings to and from each transcoder, and to the recorder; none: NULL.
	unsigned transcoders;
	struct dp_side_ring *to_transcoder[DP_TRANSCODERS];
	struct dp_side_ring *from_transcoder[DP_TRANSCODERS];
	struct dp_side_ring *recorder;
	int agent_bell; // eventfd: rung after mail or an event when *agent_sleeping; -1: never
	const abi_atomic32 *agent_sleeping;
};

struct dp_worker;

#ifdef __cplusplus
extern "C" {
#endif

// Agent, before any worker runs. 0, -ENOMEM, -EINVAL, or -errno of the eventfd.
int dp_worker_create(struct dp_worker **worker, const struct dp_worker_config *config);
// Agent, after all have been created: a ring into each, for packets that came to the wrong worker.
// 0 or -ENOMEM.
int dp_workers_join(struct dp_worker **workers, unsigned count);
// Agent, after it has stopped. Mails still in the mailbox stay the agent's: pull them with
// dp_worker_reply.
void dp_worker_free(struct dp_worker *worker);

// The loop. Fits rte_eal_remote_launch; `worker` is a struct dp_worker. Returns 0 after
// dp_worker_stop.
int dp_worker_run(void *worker);
void dp_worker_stop(struct dp_worker *worker);
// One turn of the loop without sleeping, for tests and benches. Returns packets received.
unsigned dp_worker_turn(struct dp_worker *worker);

// Agent: hands a mail over and wakes the worker when it sleeps. 0 or -EBUSY: too many are out.
int dp_worker_send(struct dp_worker *worker, struct dp_mail *mail);
// Agent: a mail that came back, or NULL.
struct dp_mail *dp_worker_reply(struct dp_worker *worker);
bool dp_worker_event(struct dp_worker *worker, struct dp_event *event);
// Agent: a packet for the control plane.
bool dp_worker_punt(struct dp_worker *worker, struct abi_punt *packet);
// Agent: mails that have not come back.
unsigned dp_worker_out(const struct dp_worker *worker);
bool dp_worker_running(const struct dp_worker *worker);
// A transcoder: it has made something for the worker.
void dp_worker_nudge(const struct dp_worker *worker);

#ifdef __cplusplus
}
#endif
